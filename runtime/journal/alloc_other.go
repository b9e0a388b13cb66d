//go:build !linux && !darwin

package journal

import "syscall"

// preallocate is not known here: zeros are written instead.
func preallocate(fd int, size int64) error { return syscall.EOPNOTSUPP }
