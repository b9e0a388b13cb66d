//go:build !race

package devserver

const raceDetector = false
