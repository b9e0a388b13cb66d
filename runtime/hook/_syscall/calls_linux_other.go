//go:build linux && !amd64 && !arm64

package syscall

// On other processors direct system calls pass unjudged.

//go:uintptrkeepalive
//go:nosplit
//go:norace
func RawSyscall(trap, a1, a2, a3 uintptr) (r1, r2 uintptr, err Errno) {
	return devserverRawSyscall(trap, a1, a2, a3)
}

//go:uintptrkeepalive
//go:nosplit
func Syscall(trap, a1, a2, a3 uintptr) (r1, r2 uintptr, err Errno) {
	return devserverSyscall(trap, a1, a2, a3)
}

//go:uintptrkeepalive
//go:nosplit
func Syscall6(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err Errno) {
	return devserverSyscall6(trap, a1, a2, a3, a4, a5, a6)
}

func socketpair(domain int, typ int, proto int, fd *[2]int32) (err error) {
	return devserverSocketpair(domain, typ, proto, fd)
}
