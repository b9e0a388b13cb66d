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
// Pointers arrive as uintptr and may point into the caller's stack, which moves when it grows. These three are nosplit
// and have little room below them (the linker checks it, with golang.org/x/sys above), so they take note of where
// the stack lies and go on in ordinary code; devserverArgs finds the pointers again wherever the stack is by then.

// devserverHook is the agent's judge. It is asked before the call and told after it. A result other than 0 is returned
// to the program: before in place of the call, after in place of what it returned (of SYS_SOCKET and devserverPair the new descriptors
// are closed then).
//
//	before  data is the address of SYS_CONNECT, SYS_BIND and of what sends to one, or an option's value (a2 its
//	        level, a3 its name); it may be rewritten up to its capacity, and size is its length then. n is how many
//	        bytes are to be sent. state is handed on to the call after.
//	        Of an option size is -1 when the call is to be made, else the sandbox has answered with data. Of other calls it
//	        is devserverDone when the call is not to be made; accept takes a connection of the app's own listener then.
//	after   n is what the call returned, data as before.
//
// It is also asked what no number of a call stands for: see the pseudo calls below.
var devserverHook func(after bool, state unsafe.Pointer, trap, fd, a2, a3 uintptr, data []byte, n int, errno uintptr) (next unsafe.Pointer, size int, result uintptr)

// Pseudo calls.
const (
	devserverSender = ^uintptr(0) - iota // after a receiving call: which sender the program shall see instead of data
	devserverTo                          // a destination among several of one sending call
	devserverRights                      // data is a control message that goes out (before) or has come in (after)
	devserverPair                        // after socketpair: a2 and a3 are the ends of a new pair of sockets of domain fd
	devserverTaken                       // after a receive on the own listener, n bytes and a control message; size is the descriptor of the connection, data the client's address
)

const devserverDone = -2

//go:linkname devserver_install internal/devserver/agent.installCalls
func devserver_install(f func(after bool, state unsafe.Pointer, trap, fd, a2, a3 uintptr, data []byte, n int, errno uintptr) (unsafe.Pointer, int, uintptr)) {
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

// devserver_judged reports whether the calling goroutine's calls are judged. Then it notes where the stack lies.
//
//go:linkname devserver_judged internal/devserver/agent.judged
//go:nosplit
func devserver_judged() bool

// devserver_noted returns where the stack lay, devserver_bounds where it lies.
//
//go:linkname devserver_noted internal/devserver/agent.notedStack
//go:nosplit
func devserver_noted() (lo, hi uintptr)

//go:linkname devserver_bounds internal/devserver/agent.stackBounds
//go:nosplit
func devserver_bounds() (lo, hi uintptr)

//go:uintptrkeepalive
//go:nosplit
//go:norace
func RawSyscall(trap, a1, a2, a3 uintptr) (r1, r2 uintptr, err Errno) {
	// A child between fork and exec comes here too, with other numbers.
	if devserverHook != nil && (trap == SYS_SOCKET || trap == SYS_CONNECT || trap == SYS_BIND || trap == SYS_LISTEN) && devserver_judged() {
		return devserverCall(trap, a1, a2, a3, 0, 0, 0)
	}
	return devserverRawSyscall(trap, a1, a2, a3)
}

// Syscall and Syscall6 do by themselves what the functions do that had these names: without optimisation (delve builds
// so) there is no room for one more frame between golang.org/x/sys and the runtime.

//go:uintptrkeepalive
//go:nosplit
//go:norace
func Syscall(trap, a1, a2, a3 uintptr) (r1, r2 uintptr, err Errno) {
	if devserverHook != nil && devserverConcerns(trap, a1) && devserver_judged() {
		return devserverCall(trap, a1, a2, a3, 0, 0, 0)
	}
	runtime_entersyscall()
	r1, r2, err = RawSyscall6(trap, a1, a2, a3, 0, 0, 0)
	runtime_exitsyscall()
	return
}

//go:uintptrkeepalive
//go:nosplit
//go:norace
func Syscall6(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err Errno) {
	if devserverHook != nil && devserverConcerns(trap, a1) && devserver_judged() {
		return devserverCall(trap, a1, a2, a3, a4, a5, a6)
	}
	runtime_entersyscall()
	r1, r2, err = RawSyscall6(trap, a1, a2, a3, a4, a5, a6)
	runtime_exitsyscall()
	return
}

//go:nosplit
//go:norace
func devserverConcerns(trap, fd uintptr) bool {
	switch trap {
	case SYS_SOCKET, SYS_CONNECT, SYS_BIND, SYS_LISTEN, devserverDup2, SYS_DUP3: // the last two close a second one
		return true
	case SYS_READ, SYS_WRITE, SYS_READV, SYS_WRITEV, SYS_CLOSE, SYS_RECVFROM, SYS_SENDTO, SYS_RECVMSG, SYS_SENDMSG,
		devserverRecvmmsg, devserverSendmmsg, SYS_ACCEPT, SYS_ACCEPT4, SYS_SHUTDOWN, SYS_SENDFILE,
		SYS_GETSOCKOPT, SYS_SETSOCKOPT, SYS_DUP, SYS_FCNTL:
		return fd < uintptr(len(devserverSeen)*32) && devserverSeen[fd/32]&(1<<(fd%32)) != 0
	}
	return false
}

// devserverArgs are the arguments of a call as they arrived, and the bounds of the stack at that moment.
type devserverArgs struct {
	trap   uintptr
	a      [6]uintptr
	lo, hi uintptr
	ours   [6]bool // replaced by a pointer into our own piece of the heap, perhaps where that stack was
}

// replace puts a pointer into the heap in the place of the i-th argument. The caller keeps it alive.
//
//go:norace
func (c *devserverArgs) replace(i int, p unsafe.Pointer) { c.a[i], c.ours[i] = uintptr(p), true }

// at returns the i-th argument: what pointed into the stack points there again, for its distance from the stack's
// upper end does not change. It is good until the next call of a function that may grow the stack.
//
//go:nosplit
//go:norace
func (c *devserverArgs) at(i int) uintptr {
	p := c.a[i]
	if c.lo <= p && p < c.hi && !c.ours[i] {
		_, hi := devserver_bounds()
		p += hi - c.hi
	}
	return p
}

// pointer returns the i-th argument as a pointer, which follows the stack by itself. It must not reach the heap.
//
//go:nosplit
//go:norace
func (c *devserverArgs) pointer(i int) unsafe.Pointer { return unsafe.Pointer(c.at(i)) }

// make makes the call. The arguments are kept alive by who called us with them.
//
//go:nosplit
//go:norace
func (c *devserverArgs) make() (r1, r2 uintptr, err Errno) {
	return devserverSyscall6(c.trap, c.a[0], c.at(1), c.at(2), c.at(3), c.at(4), c.at(5))
}

// ask asks the judge before the call.
//
//go:norace
func (c *devserverArgs) ask(n int) (state unsafe.Pointer, done bool, err Errno) {
	state, size, e := devserverHook(false, nil, c.trap, c.a[0], c.a[1], c.a[2], nil, n, 0)
	return state, size == devserverDone, Errno(e)
}

// tell tells the judge how the call went, and returns what the program is told.
//
//go:norace
func (c *devserverArgs) tell(state unsafe.Pointer, n int, r1, r2 uintptr, err Errno) (uintptr, uintptr, Errno) {
	a3 := c.a[2]
	if c.trap == devserverSendmmsg || c.trap == devserverRecvmmsg {
		a3 = r1 // of a batch how many messages, beside their bytes
	}
	if _, _, e := devserverHook(true, state, c.trap, c.a[0], c.a[1], a3, nil, n, uintptr(err)); e != 0 {
		return ^uintptr(0), 0, Errno(e)
	}
	return r1, r2, err
}

//go:norace
func devserverCall(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err Errno) {
	c := devserverArgs{trap: trap, a: [6]uintptr{a1, a2, a3, a4, a5, a6}}
	c.lo, c.hi = devserver_noted()
	switch trap {
	case SYS_SOCKET:
		r1, r2, err = c.make()
		if _, _, e := devserverHook(true, nil, trap, a1, a2, a3, nil, int(r1), uintptr(err)); e != 0 {
			devserverRawSyscall(SYS_CLOSE, r1, 0, 0)
			return ^uintptr(0), 0, Errno(e)
		}
		return r1, r2, err
	case SYS_CONNECT, SYS_BIND:
		return c.addressed(1, a3, 0)
	case SYS_SENDTO:
		if a5 != 0 {
			return c.addressed(4, a6, int(a3))
		}
	case SYS_SENDMSG:
		return c.send(1, unsafe.Sizeof(Msghdr{}))
	case devserverSendmmsg:
		return c.send(min(a3, devserverMaxBatch), unsafe.Sizeof(devserverMmsghdr{}))
	case SYS_SETSOCKOPT:
		return c.setOption()
	case SYS_GETSOCKOPT:
		return c.getOption()
	}
	// A closed number may be another socket's by the time close returns: the judge forgets it before.
	state, done, e := c.ask(c.size())
	switch {
	case e != 0:
		return ^uintptr(0), 0, e
	case done && (trap == SYS_ACCEPT || trap == SYS_ACCEPT4):
		return c.take()
	case done:
		return 0, 0, 0
	}
	r1, r2, err = c.make()
	n := int(r1)
	if err == 0 {
		var refused Errno
		if n, refused = c.received(n); refused != 0 {
			r1, err = ^uintptr(0), refused
		}
	}
	return c.tell(state, n, r1, r2, err)
}

// size is how many bytes a call without a destination is to send.
//
//go:norace
func (c *devserverArgs) size() int {
	switch c.trap {
	case SYS_WRITE, SYS_SENDTO:
		return int(c.a[2])
	case SYS_WRITEV:
		return devserverLength((*Iovec)(c.pointer(1)), int(c.a[2]))
	}
	return 0
}

// devserverLength adds up the lengths of n vectors.
//
//go:norace
func devserverLength(first *Iovec, n int) (total int) {
	if first == nil || n < 0 || n > devserverMaxBatch {
		return 0 // the kernel's own answer: an error, or nothing
	}
	for _, v := range unsafe.Slice(first, n) {
		total += int(v.Len)
	}
	return total
}

// devserverMaxOption is the longest value of an option that is looked at; longer ones are filters and tables.
const devserverMaxOption = 256

//go:norace
func (c *devserverArgs) setOption() (r1, r2 uintptr, err Errno) {
	value := make([]byte, min(c.a[4], devserverMaxOption))
	if c.a[3] != 0 {
		copy(value, unsafe.Slice((*byte)(c.pointer(3)), len(value)))
	}
	return c.option(value, len(value))
}

//go:norace
func (c *devserverArgs) getOption() (r1, r2 uintptr, err Errno) {
	room := uint32(0)
	if c.a[3] != 0 && c.a[4] != 0 {
		room = *(*uint32)(c.pointer(4))
	}
	return c.option(make([]byte, min(room, devserverMaxOption)), -1)
}

// option asks about an option, makes the call unless it is answered, and tells how it went. given is the length of a
// value that is set, below 0 one is got.
//
//go:norace
func (c *devserverArgs) option(value []byte, given int) (r1, r2 uintptr, err Errno) {
	state, size, e := devserverHook(false, nil, c.trap, c.a[0], c.a[1], c.a[2], value, 0, 0)
	if e != 0 {
		return ^uintptr(0), 0, Errno(e)
	}
	if size >= 0 {
		if given < 0 {
			copy(unsafe.Slice((*byte)(c.pointer(3)), size), value[:size])
			*(*uint32)(c.pointer(4)) = uint32(size)
		}
		return 0, 0, 0
	}
	r1, r2, err = c.make()
	if given < 0 && err == 0 && c.a[3] != 0 && c.a[4] != 0 {
		value = value[:min(int(*(*uint32)(c.pointer(4))), len(value))]
		copy(value, unsafe.Slice((*byte)(c.pointer(3)), len(value)))
	}
	devserverHook(true, state, c.trap, c.a[0], c.a[1], c.a[2], value, 0, uintptr(err))
	return r1, r2, err
}

const (
	devserverMaxControl = 1 << 20 // of a message; the kernel's own limit (optmem_max, 128 KiB since Linux 6.7) is lower
	devserverMaxAddr    = 128     // the largest socket address: sockaddr_storage
	devserverMaxBatch   = 1024    // UIO_MAXIOV: the kernel takes no more messages
)

// devserverAddr returns a copy of a socket address, with room for another.
//
//go:norace
func devserverAddr(p unsafe.Pointer, size uintptr) []byte {
	addr := make([]byte, size, devserverMaxAddr)
	copy(addr, unsafe.Slice((*byte)(p), size))
	return addr
}

// addressed makes a call whose i-th argument is an address of that size; n bytes are to be sent there.
//
//go:norace
func (c *devserverArgs) addressed(i int, size uintptr, n int) (r1, r2 uintptr, err Errno) {
	if size > devserverMaxAddr || c.a[i] == 0 {
		return c.make() // the kernel's own answer: an error
	}
	addr := devserverAddr(c.pointer(i), size)
	state, length, e := devserverHook(false, nil, c.trap, c.a[0], 0, 0, addr, n, 0)
	switch {
	case e != 0:
		return ^uintptr(0), 0, Errno(e)
	case length == devserverDone:
		return 0, 0, 0
	}
	addr = addr[:length]
	c.replace(i, unsafe.Pointer(unsafe.SliceData(addr)))
	c.a[i+1] = uintptr(length)
	r1, r2, err = c.make()
	runtime.KeepAlive(addr)
	return c.tell(state, int(r1), r1, r2, err)
}

// devserverMmsghdr is struct mmsghdr of sendmmsg(2). A Msghdr alone is its beginning.
type devserverMmsghdr struct {
	hdr Msghdr
	n   uint32
	_   [4]byte
}

// devserverMessages are message headers in the program's memory.
type devserverMessages struct {
	first unsafe.Pointer
	size  uintptr // of one
}

//go:norace
func (m devserverMessages) header(i int) *Msghdr {
	return (*Msghdr)(unsafe.Add(m.first, uintptr(i)*m.size))
}

//go:norace
func (m devserverMessages) length(i int) *uint32 {
	return &(*devserverMmsghdr)(unsafe.Add(m.first, uintptr(i)*m.size)).n
}

// total adds up the sizes of the first n messages, which the kernel has filled in.
//
//go:norace
func (m devserverMessages) total(n int) (total int) {
	for i := range n {
		total += int(*m.length(i))
	}
	return total
}

// send is sendmsg and sendmmsg with count headers of that size. The messages before the first that is denied are
// sent, as the kernel would do it.
//
//go:norace
func (c *devserverArgs) send(count, size uintptr) (r1, r2 uintptr, err Errno) {
	if c.a[1] == 0 {
		return c.make()
	}
	m := devserverMessages{c.pointer(1), size}
	routes := make([][]byte, count) // where a message really goes, nil: where it says
	changed, total := false, 0
	for i := range routes {
		e := Errno(0)
		if routes[i], e = c.askTo(m.header(i)); e != 0 && i == 0 {
			return ^uintptr(0), 0, e
		} else if e != 0 {
			routes = routes[:i]
			break
		}
		changed = changed || routes[i] != nil
		total += devserverLength(m.header(i).Iov, int(m.header(i).Iovlen))
	}
	if c.trap == devserverSendmmsg {
		c.a[2] = uintptr(len(routes)) // the judge is told how many, too
	}
	state, _, e := c.ask(total)
	if e != 0 {
		return ^uintptr(0), 0, e
	}
	if changed {
		r1, r2, err = c.sendCopies(m, routes)
	} else {
		r1, r2, err = c.make()
	}
	n := int(r1)
	if err == 0 && c.trap == devserverSendmmsg {
		n = m.total(n)
	}
	return c.tell(state, n, r1, r2, err)
}

// askTo asks about a message's destination and what it carries beside its bytes. It returns an address that takes the
// destination's place, nil when it stays.
//
//go:norace
func (c *devserverArgs) askTo(h *Msghdr) ([]byte, Errno) {
	if h.Control != nil && h.Controllen > 0 && h.Controllen <= devserverMaxControl {
		control := append([]byte(nil), unsafe.Slice(h.Control, int(h.Controllen))...)
		if _, _, e := devserverHook(false, nil, devserverRights, c.a[0], 0, 0, control, 0, 0); e != 0 {
			return nil, Errno(e)
		}
	}
	if h.Name == nil || int32(h.Namelen) < 0 {
		return nil, 0
	}
	size := min(uintptr(h.Namelen), devserverMaxAddr) // here the kernel reads what it can of a longer one
	addr := devserverAddr(unsafe.Pointer(h.Name), size)
	_, n, e := devserverHook(false, nil, devserverTo, c.a[0], 0, 0, addr, 0, 0)
	if e != 0 {
		return nil, Errno(e)
	}
	addr = addr[:n]
	if string(addr) == string(unsafe.Slice(h.Name, size)) {
		return nil, 0
	}
	return addr, 0
}

// sendCopies makes the call with copies of the messages that go where routes say, and reports their lengths back. The
// program's own headers stay as they are: another thread may be sending with the same address.
//
//go:norace
func (c *devserverArgs) sendCopies(m devserverMessages, routes [][]byte) (r1, r2 uintptr, err Errno) {
	copies := devserverFlatten(m, len(routes))
	for i, addr := range routes {
		if addr != nil {
			h := copies.header(i)
			copy(unsafe.Slice(h.Name, devserverMaxAddr), addr)
			h.Namelen = uint32(len(addr))
		}
	}
	c.replace(1, copies.first)
	r1, r2, err = c.make()
	for i := 0; err == 0 && c.trap == devserverSendmmsg && i < int(r1); i++ {
		*m.length(i) = *copies.length(i)
	}
	runtime.KeepAlive(copies.first)
	return r1, r2, err
}

// devserverFlatten copies the first n messages, with all that they point to, into one piece of the heap.
//
//go:norace
func devserverFlatten(m devserverMessages, n int) devserverMessages {
	total := uintptr(n) * m.size
	for i := range n {
		h := m.header(i)
		total += devserverMaxAddr + uintptr(h.Iovlen)*unsafe.Sizeof(Iovec{}) + uintptr(h.Controllen) + 8
		for _, v := range unsafe.Slice(h.Iov, int(h.Iovlen)) {
			total += uintptr(v.Len) + 8
		}
	}
	// Without pointers for the collector: all that is pointed to lies in this piece.
	piece := unsafe.Pointer(unsafe.SliceData(make([]uint64, total/8+1)))
	to := devserverMessages{piece, m.size}
	next := devserverPut(piece, m.first, uintptr(n)*m.size)
	for i := range n {
		next = devserverFlattenOne(to.header(i), m.header(i), next)
	}
	return to
}

//go:norace
func devserverFlattenOne(to, from *Msghdr, next unsafe.Pointer) unsafe.Pointer {
	if from.Name != nil {
		devserverPoint(&to.Name, next)
		devserverPut(next, unsafe.Pointer(from.Name), min(uintptr(from.Namelen), devserverMaxAddr))
	}
	next = unsafe.Add(next, devserverMaxAddr)
	if from.Control != nil {
		devserverPoint(&to.Control, next)
		next = devserverPut(next, unsafe.Pointer(from.Control), uintptr(from.Controllen))
	}
	vectors := unsafe.Slice(from.Iov, int(from.Iovlen))
	copies := unsafe.Slice((*Iovec)(next), len(vectors))
	*(*uintptr)(unsafe.Pointer(&to.Iov)) = uintptr(next)
	next = unsafe.Add(next, uintptr(len(vectors))*unsafe.Sizeof(Iovec{}))
	for i, v := range vectors {
		copies[i].Len = v.Len
		devserverPoint(&copies[i].Base, next)
		next = devserverPut(next, unsafe.Pointer(v.Base), uintptr(v.Len))
	}
	return next
}

// devserverPoint lets a field that the collector does not know of point to p.
//
//go:norace
func devserverPoint(field **byte, p unsafe.Pointer) {
	*(*uintptr)(unsafe.Pointer(field)) = uintptr(p)
}

// devserverPut copies n bytes and returns where the next may stand.
//
//go:norace
func devserverPut(to, from unsafe.Pointer, n uintptr) unsafe.Pointer {
	if n > 0 {
		copy(unsafe.Slice((*byte)(to), n), unsafe.Slice((*byte)(from), n))
	}
	return unsafe.Add(to, (n+7)&^7)
}

// received looks at the senders of what a receiving call has brought, and returns how many bytes it brought: the
// program sees production's address where a stand-in has answered. Descriptors that came along are judged.
//
//go:norace
func (c *devserverArgs) received(n int) (bytes int, refused Errno) {
	switch c.trap {
	case SYS_RECVFROM:
		if c.a[4] != 0 && c.a[5] != 0 {
			c.sender(c.pointer(4), (*uint32)(c.pointer(5)))
		}
	case SYS_RECVMSG:
		h := (*Msghdr)(c.pointer(1))
		c.sender(unsafe.Pointer(h.Name), &h.Namelen)
		return n, c.rights(h)
	case devserverRecvmmsg:
		m := devserverMessages{c.pointer(1), unsafe.Sizeof(devserverMmsghdr{})}
		for i := range n {
			h := m.header(i)
			c.sender(unsafe.Pointer(h.Name), &h.Namelen)
			if e := c.rights(h); e != 0 {
				refused = e
			}
		}
		return m.total(n), refused
	}
	return n, 0
}

// rights asks about descriptors in what came in beside the bytes. Those that are refused are closed.
//
//go:norace
func (c *devserverArgs) rights(h *Msghdr) Errno {
	if h.Control == nil || h.Controllen == 0 || h.Controllen > devserverMaxControl {
		return 0
	}
	control := append([]byte(nil), unsafe.Slice(h.Control, int(h.Controllen))...)
	_, _, e := devserverHook(true, nil, devserverRights, c.a[0], 0, 0, control, 0, 0)
	return Errno(e)
}

//go:norace
func (c *devserverArgs) sender(p unsafe.Pointer, size *uint32) {
	if p == nil || *size == 0 || *size > devserverMaxAddr {
		return
	}
	addr := devserverAddr(p, uintptr(*size))
	_, n, _ := devserverHook(true, nil, devserverSender, c.a[0], 0, 0, addr, 0, 0)
	if n == len(addr) { // another family would not fit where this one stands
		copy(unsafe.Slice((*byte)(p), n), addr)
	}
}

// take is accept on the app's own listener: a connection comes as a message with its descriptor.
//
//go:norace
func (c *devserverArgs) take() (r1, r2 uintptr, err Errno) {
	flags := uintptr(0)
	if c.trap == SYS_ACCEPT4 {
		flags = c.a[3]
	}
	for {
		data, control := make([]byte, 1024), make([]byte, CmsgSpace(4*4))
		v := Iovec{Base: &data[0]}
		v.SetLen(len(data))
		h := &Msghdr{Iov: &v, Iovlen: 1, Control: &control[0]}
		h.SetControllen(len(control))
		if r1, r2, err = devserverSyscall6(SYS_RECVMSG, c.a[0], uintptr(unsafe.Pointer(h)), MSG_CMSG_CLOEXEC, 0, 0, 0); err != 0 {
			return r1, r2, err
		}
		data = append(data[:r1], control[:h.Controllen]...)
		_, fd, e := devserverHook(true, nil, devserverTaken, c.a[0], flags, 0, data, int(r1), 0)
		switch Errno(e) {
		case 0:
			c.peer(data[:cap(data)])
			return uintptr(fd), 0, 0
		case EINTR: // there was none
		default:
			return ^uintptr(0), 0, Errno(e)
		}
	}
}

// peer writes the client's address where accept is to put it, as much as there is room for.
//
//go:norace
func (c *devserverArgs) peer(addr []byte) {
	if c.a[1] == 0 || c.a[2] == 0 {
		return
	}
	size := uint32(SizeofSockaddrInet6)
	if *(*uint16)(unsafe.Pointer(&addr[0])) == AF_INET {
		size = SizeofSockaddrInet4
	}
	room := *(*uint32)(c.pointer(2))
	copy(unsafe.Slice((*byte)(c.pointer(1)), min(room, size)), addr)
	*(*uint32)(c.pointer(2)) = size
}

// socketpair makes two sockets that only this process and its children know; its number of a call passes no hook.
func socketpair(domain int, typ int, proto int, fd *[2]int32) (err error) {
	if devserverHook == nil || !devserver_judged() {
		return devserverSocketpair(domain, typ, proto, fd)
	}
	if err = devserverSocketpair(domain, typ, proto, fd); err != nil {
		return err
	}
	if _, _, e := devserverHook(true, nil, devserverPair, uintptr(domain), uintptr(fd[0]), uintptr(fd[1]), nil, 0, 0); e != 0 {
		devserverRawSyscall(SYS_CLOSE, uintptr(fd[0]), 0, 0)
		devserverRawSyscall(SYS_CLOSE, uintptr(fd[1]), 0, 0)
		return Errno(e)
	}
	return nil
}
