package journal

import "syscall"

// preallocate takes the blocks from the file system at once. Where it cannot (NFS, some FUSE), the answer is EOPNOTSUPP.
func preallocate(fd int, size int64) error {
	return syscall.Fallocate(fd, 0, 0, size)
}
