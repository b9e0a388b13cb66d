package journal

import "syscall"

// sleep waits, or less where a signal comes. time.Sleep would stand still in a bubble of testing/synctest.
func sleep(nanoseconds int64) {
	tv := syscall.NsecToTimeval(nanoseconds)
	syscall.Select(0, nil, nil, nil, &tv)
}
