//go:build race

package storage

// thorough divides the rounds of tests that repeat themselves: with the race detector SQLite takes ten times as long.
const thorough = 10
