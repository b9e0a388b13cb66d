//go:build !race

package storage

// thorough divides the rounds of tests that repeat themselves.
const thorough = 1
