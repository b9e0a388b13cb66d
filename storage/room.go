package storage

import (
	"path/filepath"
	"syscall"
)

// leastRoom is what must be free for an input/output error not to be blamed on a full disk.
const leastRoom = 1 << 20

// roomFor returns syscall.ENOSPC when the file system of path is as good as full: SQLite reports some full
// disks (a log that cannot grow) as plain input/output errors.
func roomFor(path string) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &st); err != nil {
		return err
	}
	if uint64(st.Bavail)*uint64(st.Bsize) < leastRoom {
		return syscall.ENOSPC
	}
	return nil
}
