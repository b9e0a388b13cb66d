//go:build amd64 || arm64

package syscall

import (
	"runtime"
	"unsafe"
)

// User code that makes system calls itself, or through golang.org/x/sys, arrives in Syscall, Syscall6 and
// RawSyscall. A look at the number, and for reads and writes at one bit of the descriptor, finds the calls that
// concern a socket.
//
// Pointers arrive as uintptr and may point into the caller's stack. Nothing here may grow that stack before the
// system call is made, so everything is nosplit; where the judge (ordinary Go code) must be asked first, what the
// pointers point to is copied to the heap, on the system stack, and the call is made with the copies.

// devserverHook is the agent's judge. It is asked before the call (for SYS_CONNECT, SYS_BIND, SYS_LISTEN and what
// sends to an address) and told after it. before: a result other than 0 is returned to the program in place of the
// call, and size is the length of addr, which may have been rewritten. after: n is what the call returned; of
// SYS_SOCKET a result other than 0 closes the new socket and is returned in its place.
var devserverHook func(after bool, trap, fd, a2, a3 uintptr, addr []byte, n int, errno uintptr) (size int, result uintptr)

//go:linkname devserver_install internal/devserver/agent.installCalls
func devserver_install(f func(after bool, trap, fd, a2, a3 uintptr, addr []byte, n int, errno uintptr) (int, uintptr)) {
	devserverHook = f
}

// devserverSeen holds a bit for each descriptor whose reads and writes are looked at here: sockets that user code
// made, and those of package net whose number it was told.
var devserverSeen [1 << 15]uint32

//go:linkname devserver_see internal/devserver/agent.seeDescriptor
func devserver_see(fd int, on bool) {
	if fd < 0 || fd >= len(devserverSeen)*32 {
		return
	}
	// The agent holds a lock; a reader that races sees the descriptor a moment earlier or later.
	if on {
		devserverSeen[fd/32] |= 1 << (fd % 32)
	} else {
		devserverSeen[fd/32] &^= 1 << (fd % 32)
	}
}

//go:linkname devserver_trusted internal/devserver/agent.trusted
//go:nosplit
func devserver_trusted() bool

// devserver_alloc returns n bytes of the heap. It runs on the system stack: the caller's does not move.
//
//go:linkname devserver_alloc runtime.devserver_alloc
//go:nosplit
func devserver_alloc(n uintptr) unsafe.Pointer

//go:uintptrkeepalive
//go:nosplit
//go:norace
func RawSyscall(trap, a1, a2, a3 uintptr) (r1, r2 uintptr, err Errno) {
	// A child between fork and exec comes here too, with other numbers.
	if devserverHook != nil && (trap == SYS_SOCKET || trap == SYS_CONNECT || trap == SYS_BIND || trap == SYS_LISTEN) && !devserver_trusted() {
		return devserverCall(trap, a1, a2, a3, 0, 0, 0)
	}
	return devserverRawSyscall(trap, a1, a2, a3)
}

//go:uintptrkeepalive
//go:nosplit
//go:norace
func Syscall(trap, a1, a2, a3 uintptr) (r1, r2 uintptr, err Errno) {
	if devserverHook != nil && devserverConcerns(trap, a1) && !devserver_trusted() {
		return devserverCall(trap, a1, a2, a3, 0, 0, 0)
	}
	return devserverSyscall(trap, a1, a2, a3)
}

//go:uintptrkeepalive
//go:nosplit
//go:norace
func Syscall6(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err Errno) {
	if devserverHook != nil && devserverConcerns(trap, a1) && !devserver_trusted() {
		return devserverCall(trap, a1, a2, a3, a4, a5, a6)
	}
	return devserverSyscall6(trap, a1, a2, a3, a4, a5, a6)
}

//go:nosplit
//go:norace
func devserverConcerns(trap, fd uintptr) bool {
	switch trap {
	case SYS_SOCKET, SYS_CONNECT, SYS_BIND, SYS_LISTEN:
		return true
	case SYS_READ, SYS_WRITE, SYS_READV, SYS_WRITEV, SYS_CLOSE, SYS_RECVFROM, SYS_SENDTO, SYS_RECVMSG, SYS_SENDMSG,
		devserverRecvmmsg, devserverSendmmsg, SYS_ACCEPT, SYS_ACCEPT4, SYS_SHUTDOWN, SYS_SENDFILE:
		return fd < uintptr(len(devserverSeen)*32) && devserverSeen[fd/32]&(1<<(fd%32)) != 0
	}
	return false
}

//go:uintptrkeepalive
//go:nosplit
//go:norace
func devserverCall(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err Errno) {
	switch trap {
	case SYS_SOCKET:
		r1, r2, err = devserverSyscall(trap, a1, a2, a3)
		if _, e := devserverHook(true, trap, a1, a2, a3, nil, int(r1), uintptr(err)); e != 0 {
			devserverRawSyscall(SYS_CLOSE, r1, 0, 0)
			return ^uintptr(0), 0, Errno(e)
		}
		return
	case SYS_LISTEN:
		if _, e := devserverHook(false, trap, a1, a2, a3, nil, 0, 0); e != 0 {
			return ^uintptr(0), 0, Errno(e)
		}
		r1, r2, err = devserverSyscall(trap, a1, a2, a3)
		devserverHook(true, trap, a1, a2, a3, nil, int(r1), uintptr(err))
		return
	case SYS_CONNECT, SYS_BIND:
		return devserverAddressed(trap, a1, a2, a3)
	case SYS_SENDTO:
		if a5 != 0 {
			return devserverSendto(a1, a2, a3, a4, a5, a6)
		}
	case SYS_SENDMSG:
		return devserverSendmsg(a1, a2, a3)
	case devserverSendmmsg:
		return devserverSendmany(a1, a2, a3, a4)
	}
	r1, r2, err = devserverSyscall6(trap, a1, a2, a3, a4, a5, a6)
	n := int(r1)
	if trap == devserverRecvmmsg && err == 0 {
		n = devserverTotal(a2, r1)
	}
	devserverHook(true, trap, a1, 0, 0, nil, n, uintptr(err))
	return
}

// devserverMaxAddr is the size of the largest socket address (sockaddr_storage).
const devserverMaxAddr = 128

//go:uintptrkeepalive
//go:nosplit
//go:norace
func devserverAddressed(trap, fd, p, size uintptr) (r1, r2 uintptr, err Errno) {
	if size > devserverMaxAddr || p == 0 {
		return devserverSyscall(trap, fd, p, size) // the kernel's own answer: an error
	}
	addr := (*[devserverMaxAddr]byte)(devserver_alloc(devserverMaxAddr))
	devserverMove(unsafe.Pointer(addr), p, size)
	n, e := devserverHook(false, trap, fd, 0, 0, addr[:size], 0, 0)
	if e != 0 {
		return ^uintptr(0), 0, Errno(e)
	}
	r1, r2, err = devserverSyscall(trap, fd, uintptr(unsafe.Pointer(addr)), uintptr(n))
	runtime.KeepAlive(addr)
	devserverHook(true, trap, fd, 0, 0, addr[:n], 0, uintptr(err))
	return
}

//go:uintptrkeepalive
//go:nosplit
//go:norace
func devserverSendto(fd, p, size, flags, to, toSize uintptr) (r1, r2 uintptr, err Errno) {
	if toSize > devserverMaxAddr {
		return devserverSyscall6(SYS_SENDTO, fd, p, size, flags, to, toSize)
	}
	addr := (*[devserverMaxAddr]byte)(devserver_alloc(devserverMaxAddr))
	devserverMove(unsafe.Pointer(addr), to, toSize)
	data := devserver_alloc(size + 1)
	devserverMove(data, p, size)
	n, e := devserverHook(false, SYS_SENDTO, fd, 0, 0, addr[:toSize], int(size), 0)
	if e != 0 {
		return ^uintptr(0), 0, Errno(e)
	}
	r1, r2, err = devserverSyscall6(SYS_SENDTO, fd, uintptr(data), size, flags, uintptr(unsafe.Pointer(addr)), uintptr(n))
	runtime.KeepAlive(addr)
	runtime.KeepAlive(data)
	devserverHook(true, SYS_SENDTO, fd, 0, 0, nil, int(r1), uintptr(err))
	return
}

//go:uintptrkeepalive
//go:nosplit
//go:norace
func devserverSendmsg(fd, p, flags uintptr) (r1, r2 uintptr, err Errno) {
	c := devserverFlatten(p, 1, unsafe.Sizeof(Msghdr{}))
	if e := devserverAsk(SYS_SENDMSG, fd, c, 0, unsafe.Sizeof(Msghdr{})); e != 0 {
		return ^uintptr(0), 0, Errno(e)
	}
	r1, r2, err = devserverSyscall(SYS_SENDMSG, fd, uintptr(c), flags)
	runtime.KeepAlive(c)
	devserverHook(true, SYS_SENDMSG, fd, 0, 0, nil, int(r1), uintptr(err))
	return
}

// devserverMmsghdr is struct mmsghdr of sendmmsg(2).
type devserverMmsghdr struct {
	hdr Msghdr
	n   uint32
	_   [4]byte
}

// devserverSendmany is sendmmsg. The messages before the first that is denied are sent, as the kernel would do it.
//
//go:uintptrkeepalive
//go:nosplit
//go:norace
func devserverSendmany(fd, p, count, flags uintptr) (r1, r2 uintptr, err Errno) {
	const size = unsafe.Sizeof(devserverMmsghdr{})
	count = min(count, 1024) // UIO_MAXIOV, the kernel's own limit
	c := devserverFlatten(p, count, size)
	allowed := uintptr(0)
	for ; allowed < count; allowed++ {
		if e := devserverAsk(devserverSendmmsg, fd, c, allowed, size); e != 0 {
			if allowed == 0 {
				return ^uintptr(0), 0, Errno(e)
			}
			break
		}
	}
	r1, r2, err = devserverSyscall6(devserverSendmmsg, fd, uintptr(c), allowed, flags, 0, 0)
	total := 0
	if err == 0 {
		total = devserverTotal(uintptr(c), r1)
	}
	runtime.KeepAlive(c)
	devserverHook(true, devserverSendmmsg, fd, 0, 0, nil, total, uintptr(err))
	return
}

// devserverAsk asks for the destination of the i-th message of c.
//
//go:nosplit
//go:norace
func devserverAsk(trap, fd uintptr, c unsafe.Pointer, i, size uintptr) uintptr {
	h := (*Msghdr)(unsafe.Add(c, i*size))
	if h.Name == nil {
		return 0
	}
	addr := (*[devserverMaxAddr]byte)(unsafe.Pointer(h.Name))
	n, e := devserverHook(false, trap, fd, 0, 0, addr[:min(h.Namelen, devserverMaxAddr)], 0, 0)
	h.Namelen = uint32(n)
	return e
}

// devserverTotal adds up the sizes of n messages that sendmmsg or recvmmsg has filled in.
//
//go:nosplit
//go:norace
func devserverTotal(p, n uintptr) int {
	total := 0
	for i := uintptr(0); i < n; i++ {
		m := (*devserverMmsghdr)(unsafe.Pointer(p + i*unsafe.Sizeof(devserverMmsghdr{})))
		total += int(m.n)
	}
	return total
}

// devserverFlatten copies count message headers of size bytes at p, with all that they point to, into one piece of
// the heap.
//
//go:nosplit
//go:norace
func devserverFlatten(p, count, size uintptr) unsafe.Pointer {
	total := count * size
	for i := uintptr(0); i < count; i++ {
		h := (*Msghdr)(unsafe.Pointer(p + i*size))
		total += devserverMaxAddr + uintptr(h.Iovlen)*unsafe.Sizeof(Iovec{}) + uintptr(h.Controllen) + 24
		for j := uintptr(0); j < uintptr(h.Iovlen); j++ {
			iov := (*Iovec)(unsafe.Add(unsafe.Pointer(h.Iov), j*unsafe.Sizeof(Iovec{})))
			total += uintptr(iov.Len) + 8
		}
	}
	base := devserver_alloc(total)
	devserverMove(base, p, count*size)
	next := unsafe.Add(base, count*size)
	for i := uintptr(0); i < count; i++ {
		next = devserverFlattenOne((*Msghdr)(unsafe.Add(base, i*size)), next)
	}
	return base
}

//go:nosplit
//go:norace
func devserverFlattenOne(h *Msghdr, next unsafe.Pointer) unsafe.Pointer {
	if h.Name != nil {
		devserverMove(next, uintptr(unsafe.Pointer(h.Name)), min(uintptr(h.Namelen), devserverMaxAddr))
		h.Name = (*byte)(next)
	}
	next = unsafe.Add(next, devserverMaxAddr)
	if h.Control != nil {
		devserverMove(next, uintptr(unsafe.Pointer(h.Control)), uintptr(h.Controllen))
		h.Control = (*byte)(next)
		next = unsafe.Add(next, (uintptr(h.Controllen)+7)&^7)
	}
	iovs := h.Iov
	h.Iov = (*Iovec)(next)
	next = unsafe.Add(next, uintptr(h.Iovlen)*unsafe.Sizeof(Iovec{}))
	for j := uintptr(0); j < uintptr(h.Iovlen); j++ {
		iov := (*Iovec)(unsafe.Add(unsafe.Pointer(h.Iov), j*unsafe.Sizeof(Iovec{})))
		*iov = *(*Iovec)(unsafe.Add(unsafe.Pointer(iovs), j*unsafe.Sizeof(Iovec{})))
		devserverMove(next, uintptr(unsafe.Pointer(iov.Base)), uintptr(iov.Len))
		iov.Base = (*byte)(next)
		next = unsafe.Add(next, (uintptr(iov.Len)+7)&^7)
	}
	return next
}

//go:nosplit
//go:norace
func devserverMove(to unsafe.Pointer, from, n uintptr) {
	for i := uintptr(0); i < n; i++ {
		*(*byte)(unsafe.Add(to, i)) = *(*byte)(unsafe.Pointer(from + i))
	}
}
