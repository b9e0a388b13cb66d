//go:build linux && (amd64 || arm64)

package agent

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"syscall"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// A call is a system call of user code that concerns a socket, as package syscall's hook tells it.
type call struct {
	trap uintptr
	fd   uintptr // of SYS_SOCKET the domain
	a2   uintptr // of SYS_SOCKET the type
	a3   uintptr // of SYS_SOCKET the protocol
	addr []byte  // struct sockaddr, may be rewritten up to its capacity
	n    int     // what the call returned: bytes, or a descriptor
	err  syscall.Errno
}

// senderOf is no call: package syscall asks which sender the program shall see.
const senderOf = ^uintptr(0)

// judgeCall is package syscall's hook: see devserverHook there.
func (a *Agent) judgeCall(after bool, trap, fd, a2, a3 uintptr, addr []byte, n int, errno uintptr) (int, uintptr) {
	c := &call{trap: trap, fd: fd, a2: a2, a3: a3, addr: addr, n: n, err: syscall.Errno(errno)}
	var err error
	if after {
		err = a.called(c)
	} else {
		err = a.calling(c)
	}
	return len(c.addr), uintptr(errnoOf(err))
}

func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	if err != nil && !errors.As(err, &errno) {
		return syscall.EACCES
	}
	return errno
}

// calling judges a call before it is made.
func (a *Agent) calling(c *call) error {
	if c.trap == syscall.SYS_CLOSE {
		a.closing(int(c.fd))
		return nil
	}
	target, ok := readSockaddr(c.addr)
	if !ok && c.trap != syscall.SYS_LISTEN {
		return nil // another family: the kernel's own sockets (netlink and the like) are not the network's
	}
	s, err := a.known(c, target)
	if s == nil || err != nil {
		return err
	}
	switch c.trap {
	case syscall.SYS_BIND:
		return s.Bind(target.addr)
	case syscall.SYS_LISTEN:
		return s.Listening()
	case syscall.SYS_CONNECT:
		route, err := s.Connect(target.path, target.addr)
		if err == nil && route.Standin {
			c.addr = writeSockaddr(c.addr, route.Addr)
		}
		return err
	default: // the sending calls
		route, err := s.SendTo(target.addr)
		if err == nil && route.Standin {
			c.addr = writeSockaddr(c.addr, route.Addr)
		}
		return err
	}
}

// closing forgets a descriptor while its number still is this socket's.
func (a *Agent) closing(fd int) {
	if s := a.lentSocket(fd); s != nil {
		a.Unlend(fd, s)
		s.Close()
	}
}

// known returns the socket of a descriptor. One that this program did not make is taken over, if the rules allow it.
func (a *Agent) known(c *call, target sockaddr) (*Socket, error) {
	fd := int(c.fd)
	if s := a.lentSocket(fd); s != nil {
		return s, nil
	}
	if c.trap == syscall.SYS_LISTEN {
		return nil, nil // not a socket of the internet, or bound before it was known: bind was judged
	}
	s, err := a.Box.Adopt(target.network(fd), netip.AddrPort{}, netip.AddrPort{}, a.Origin())
	if err == nil && s != nil {
		a.Lend(fd, s)
	}
	return s, err
}

// called records a call that was made.
func (a *Agent) called(c *call) error {
	if c.trap == syscall.SYS_SOCKET {
		return a.made(c)
	}
	s := a.lentSocket(int(c.fd))
	if s == nil || c.trap == syscall.SYS_CLOSE {
		return nil
	}
	switch c.trap {
	case senderOf:
		if from, ok := readSockaddr(c.addr); ok && from.addr.IsValid() {
			c.addr = writeSockaddr(c.addr, s.From(from.addr))
		}
	case syscall.SYS_CONNECT:
		err := error(nil)
		if c.err != 0 && c.err != syscall.EINPROGRESS && c.err != syscall.EINTR {
			err = c.err
		}
		s.Connected(sandbox.Op{}, localAddr(int(c.fd)), err)
	case syscall.SYS_BIND, syscall.SYS_LISTEN:
		// judged and recorded before
	case syscall.SYS_ACCEPT4, sysAccept:
		if c.err == 0 {
			a.Lend(c.n, s.Accepted(localAddr(c.n), netip.AddrPort{}, a.Origin()))
		}
	case syscall.SYS_SHUTDOWN:
		a.done(s, sandbox.KindShutdown, c)
	case syscall.SYS_READ, syscall.SYS_READV, syscall.SYS_RECVFROM, syscall.SYS_RECVMSG, sysRecvmmsg:
		a.done(s, sandbox.KindReceive, c)
	default:
		a.done(s, sandbox.KindSend, c)
	}
	return nil
}

// done records an operation that took place already.
func (a *Agent) done(s *Socket, k sandbox.Kind, c *call) {
	if c.err == syscall.EAGAIN || c.err == syscall.EINTR {
		return // nothing happened yet
	}
	err, n := error(nil), c.n
	if c.err != 0 {
		err, n = c.err, 0
	} else if k == sandbox.KindReceive && n == 0 && isStream(int(c.fd)) {
		err = io.EOF
	}
	op, refused := s.Begin(k, n)
	if refused == nil {
		s.End(op, n, err)
	}
}

// made judges a socket that socket(2) has made; an error closes it.
func (a *Agent) made(c *call) error {
	if c.err != 0 {
		return nil
	}
	network := networkOf(c.fd, c.a2)
	if network == "" {
		return nil
	}
	s, err := a.Box.Socket(network, a.Origin())
	if err != nil {
		return err
	}
	fd := c.n
	s.SetCloser(func() { syscall.Shutdown(fd, syscall.SHUT_RDWR) }) // the number is the program's to close
	a.Lend(fd, s)
	return nil
}

// networkOf names what socket(domain, typ) makes, "" for what the rules do not speak of.
func networkOf(domain, typ uintptr) string {
	family := ""
	switch domain {
	case syscall.AF_INET:
		family = "4"
	case syscall.AF_INET6:
		family = "6"
	case syscall.AF_UNIX:
		return "unix"
	case syscall.AF_PACKET:
		return "packet"
	default:
		return ""
	}
	switch typ & 0xf {
	case syscall.SOCK_STREAM:
		return "tcp" + family
	case syscall.SOCK_DGRAM:
		return "udp" + family
	}
	return "ip" + family
}

func isStream(fd int) bool {
	t, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	return err == nil && t == syscall.SOCK_STREAM
}

func localAddr(fd int) netip.AddrPort {
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}
	}
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// A sockaddr is a struct sockaddr of a family that the rules speak of.
type sockaddr struct {
	family uint16
	addr   netip.AddrPort
	path   string // of AF_UNIX
}

func (s sockaddr) network(fd int) string {
	if s.family == syscall.AF_UNIX {
		return "unix"
	}
	if isStream(fd) {
		return "tcp"
	}
	return "udp"
}

// Sizes of struct sockaddr_in and sockaddr_in6.
const (
	sizeInet4 = 16
	sizeInet6 = 28
)

func readSockaddr(b []byte) (sockaddr, bool) {
	if len(b) < 2 {
		return sockaddr{}, false
	}
	s := sockaddr{family: binary.NativeEndian.Uint16(b)}
	switch {
	case s.family == syscall.AF_UNIX:
		s.path = string(b[2:])
		return s, true
	case s.family == syscall.AF_INET && len(b) >= sizeInet4:
		s.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:]))
		return s, true
	case s.family == syscall.AF_INET6 && len(b) >= sizeInet6:
		s.addr = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])).Unmap(), binary.BigEndian.Uint16(b[2:]))
		return s, true
	}
	return sockaddr{}, false
}

// writeSockaddr rewrites b, which holds an address of the descriptor's family, to another address of that family.
func writeSockaddr(b []byte, to netip.AddrPort) []byte {
	binary.BigEndian.PutUint16(b[2:], to.Port())
	if binary.NativeEndian.Uint16(b) == syscall.AF_INET {
		ip := to.Addr().Unmap().As4()
		copy(b[4:8], ip[:])
		return b[:sizeInet4]
	}
	ip := to.Addr().As16()
	copy(b[8:24], ip[:])
	return b[:sizeInet6]
}
