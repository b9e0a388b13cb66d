//go:build !darwin

package journal

import "syscall"

// sleep waits, or less where a signal comes. time.Sleep would stand still in a bubble of testing/synctest.
func sleep(nanoseconds int64) {
	ts := syscall.NsecToTimespec(nanoseconds)
	syscall.Nanosleep(&ts, nil)
}
