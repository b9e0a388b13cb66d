package journal

import (
	"syscall"
	"unsafe"
)

// preallocate takes the blocks from the file system, then gives the file its length. fcntl(2) of macOS: F_PREALLOCATE
// with F_ALLOCATEALL takes all or nothing, and counts from the end of the file with F_PEOFPOSMODE, which is 3.
func preallocate(fd int, size int64) error {
	store := syscall.Fstore_t{Flags: syscall.F_ALLOCATEALL, Posmode: 3, Length: size}
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_PREALLOCATE, uintptr(unsafe.Pointer(&store)))
	if errno != 0 {
		return errno
	}
	return syscall.Ftruncate(fd, size)
}
