//go:build race

package devserver

// raceDetector is in the test binary, which then needs several times the memory.
const raceDetector = true
