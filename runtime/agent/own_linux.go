//go:build linux && (amd64 || arm64)

package agent

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"time"
)

// Servers with an event loop of their own wait and accept with system calls, and some make their listener with them too. What
// $PORT is bound to becomes the app's own listener; accept on it takes what the supervisor hands over.

// ownCall answers a call on the app's own listener, and the bind and listen that make one. It reports whether it did; size is
// done then, or the length of an option's value.
func (a *Agent) ownCall(c *call, size *int, err *error) bool {
	fd := int(c.fd)
	l := a.OwnListener(fd)
	switch {
	case l != nil && c.isOption():
		*size = ownOption(c)
		return true
	case l != nil:
		*size = done
		return a.onOwn(c, l, err)
	case c.trap == syscall.SYS_BIND:
		return a.bindOwn(c, size)
	case c.trap == syscall.SYS_LISTEN:
		addr, ok := a.boundTo(fd)
		if ok && a.cfg.ConnFD == 0 {
			c.state = &callState{own: true}
		} else if ok {
			*size, *err = done, a.listenAt(fd, addr)
		}
		return ok
	}
	return false
}

// onOwn answers a call on the own listener; false: the system does.
func (a *Agent) onOwn(c *call, l *Listener, err *error) bool {
	switch c.trap {
	case syscall.SYS_ACCEPT4, sysAccept:
		l.Accepting()
	case syscall.SYS_LISTEN, syscall.SYS_SHUTDOWN: // the connection socket is not this descriptor's alone
	case syscall.SYS_BIND:
		*err = syscall.EINVAL
	case syscall.SYS_CONNECT:
		*err = syscall.EISCONN
	case syscall.SYS_READ, syscall.SYS_READV, syscall.SYS_WRITE, syscall.SYS_WRITEV, syscall.SYS_RECVFROM, syscall.SYS_SENDTO,
		syscall.SYS_RECVMSG, syscall.SYS_SENDMSG, sysRecvmmsg, sysSendmmsg, syscall.SYS_SENDFILE, sendingTo:
		*err = syscall.ENOTCONN
	default: // closing and duplicating
		return false
	}
	return true
}

// ownOption answers for the listener that the own one stands for: what is set on it would be of no effect, since the front proxy
// holds the port.
func ownOption(c *call) int {
	if c.trap == syscall.SYS_SETSOCKOPT {
		return 0
	}
	value := make([]byte, 4)
	if c.a2 == syscall.SOL_SOCKET {
		switch c.a3 {
		case syscall.SO_TYPE:
			binary.NativeEndian.PutUint32(value, syscall.SOCK_STREAM)
		case syscall.SO_ACCEPTCONN, syscall.SO_REUSEADDR:
			binary.NativeEndian.PutUint32(value, 1)
		}
	}
	return copy(c.data, value)
}

// soReusePort is SO_REUSEPORT, which package syscall does not name.
const soReusePort = 15

// bindOwn looks for a bind to $PORT. With a supervisor nothing is bound, since the front proxy has the port; without one
// it is bound on loopback, and becomes an ordinary listener there. size is as in ownCall.
func (a *Agent) bindOwn(c *call, size *int) bool {
	fd := int(c.fd)
	target, ok := readSockaddr(c.data)
	if !ok || !target.addr.IsValid() || !a.OwnPort(target.addr.Port()) || !isStream(fd) {
		return false
	}
	if a.lentSocket(fd) == nil {
		return false
	}
	if a.cfg.ConnFD != 0 {
		a.bind(fd, target.addr)
		*size = done
		return true
	}
	c.state = &callState{own: true}
	if target.addr.Addr().IsUnspecified() {
		c.data = writeSockaddr(c.data, netip.AddrPortFrom(loopback(fd, target.family), target.addr.Port()))
	}
	*size = len(c.data)
	return true
}

// loopback is the address on loopback of what would take connections to all addresses.
func loopback(fd int, family uint16) netip.Addr {
	only, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY)
	if family == syscall.AF_INET6 && (err != nil || only != 0) {
		return netip.IPv6Loopback()
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// ownCalled is told how a bind to $PORT, or a listen there, went without a supervisor.
func (a *Agent) ownCalled(c *call, s *Socket) {
	switch {
	case c.err != 0:
	case c.trap == syscall.SYS_BIND:
		a.bind(int(c.fd), netip.AddrPort{})
	default: // no rule speaks of it any more
		a.unbind(int(c.fd))
		a.Unlend(int(c.fd), s)
		s.Close()
	}
}

// bind notes that fd is bound to $PORT at addr.
func (a *Agent) bind(fd int, addr netip.AddrPort) {
	a.lentMu.Lock()
	defer a.lentMu.Unlock()
	a.bound[fd] = addr
}

// boundTo returns where on $PORT fd is bound.
func (a *Agent) boundTo(fd int) (addr netip.AddrPort, ok bool) {
	a.lentMu.RLock()
	defer a.lentMu.RUnlock()
	addr, ok = a.bound[fd]
	return addr, ok
}

// unbind forgets that fd is bound to $PORT.
func (a *Agent) unbind(fd int) {
	a.lentMu.Lock()
	defer a.lentMu.Unlock()
	delete(a.bound, fd)
}

// listenAt puts a descriptor of the own listener in the place of fd, a socket that is bound to $PORT. No rule speaks of it any more.
func (a *Agent) listenAt(fd int, addr netip.AddrPort) error {
	shared, _ := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, soReusePort)
	mode, err := fcntl(fd, syscall.F_GETFL)
	if err != nil {
		return err
	}
	closing, err := fcntl(fd, syscall.F_GETFD)
	if err != nil {
		return err
	}
	l, err := a.ListenOwn(addr, shared != 0)
	if err != nil {
		return err
	}
	defer syscall.Close(l.FD)
	flags := 0
	if closing&syscall.FD_CLOEXEC != 0 {
		flags = syscall.O_CLOEXEC
	}
	if s := a.lentSocket(fd); s != nil {
		a.Unlend(fd, s)
		s.Close()
	}
	if err = syscall.Dup3(l.FD, fd, flags); err != nil {
		l.Close()
		return err
	}
	_ = syscall.SetNonblock(fd, mode&syscall.O_NONBLOCK != 0)
	a.unbind(fd)
	l.Lend(fd)
	l.Accepting() // nobody sees when the program first waits for a connection
	return nil
}

func fcntl(fd, cmd int) (int, error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), uintptr(cmd), 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// ownDuplicated follows the own listener to a second number.
func (a *Agent) ownDuplicated(c *call, l *Listener) {
	if c.isDup() && c.err == 0 && c.n != int(c.fd) {
		a.closing(c.n) // what had the number until now
		a.listenMu.Lock()
		other := a.opened(c.n, l.Addr)
		a.listenMu.Unlock()
		other.Lend(c.n)
	}
}

// taken takes the connection in what a receive on the own listener has brought: c.n bytes, and a control message behind
// them. It returns the descriptor for the program, and the client's address in c.data. EINTR: there was none, look again.
// An accept that waits while another thread closes the listener still takes the next connection, as the system's does.
func (a *Agent) taken(c *call) (fd int, err error) {
	l := &Listener{a: a}
	if c.n == 0 { // the supervisor is gone, and the agent ends the process
		if a.OwnListener(int(c.fd)) == nil {
			return 0, syscall.EBADF // closed meanwhile
		}
		time.Sleep(10 * time.Millisecond)
		return 0, syscall.EINTR
	}
	h, err := l.Receive(c.data[:c.n], c.data[c.n:])
	if err != nil {
		return 0, syscall.EINTR // not a connection: nothing was lost, the supervisor keeps its end
	}
	if c.a2&syscall.SOCK_NONBLOCK == 0 {
		_ = syscall.SetNonblock(h.FD, false)
	}
	putSockaddr(c.data[:cap(c.data)], h.Remote)
	l.Taken(h)
	return h.FD, nil
}
