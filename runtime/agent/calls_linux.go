//go:build linux && (amd64 || arm64)

package agent

import (
	"encoding/binary"
	"io"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// A call is a system call of user code that concerns a socket, as package syscall's hook tells it.
type call struct {
	trap  uintptr
	fd    uintptr // of SYS_SOCKET the domain
	a2    uintptr // of SYS_SOCKET the type, of an option the level
	a3    uintptr // of SYS_SOCKET the protocol, of an option the name, of a batch how many messages
	data  []byte  // struct sockaddr, may be rewritten up to its capacity; or an option's value
	n     int     // before: bytes to be sent; after: what the call returned, bytes or a descriptor
	err   syscall.Errno
	state *callState
}

// callState is what the judge keeps from before a call to after it.
type callState struct {
	op     sandbox.Op
	option sandbox.OptionCall
	own    bool // a bind to $PORT without a supervisor, or a listen there
}

// Pseudo calls of package syscall's hook: see there.
const (
	senderOf = ^uintptr(0) - iota
	sendingTo
	rights
	pair
	takenOwn
)

// Sizes that are none.
const (
	notAnswered = -1 // of an option's value: the system itself is to be asked for it
	done        = -2 // the call is not to be made
)

// judgeCall is package syscall's hook: see devserverHook there.
func (a *Agent) judgeCall(after bool, state unsafe.Pointer, trap, fd, a2, a3 uintptr, data []byte, n int, errno uintptr) (unsafe.Pointer, int, uintptr) {
	c := &call{trap: trap, fd: fd, a2: a2, a3: a3, data: data, n: n, err: syscall.Errno(errno), state: (*callState)(state)}
	size, err := 0, error(nil)
	switch {
	case trap == takenOwn:
		size, err = a.taken(c)
	case !after && a.ownCall(c, &size, &err):
	case c.isOption():
		size, err = a.option(c, after)
	case after:
		err = a.called(c)
		size = len(c.data)
	default:
		err = a.calling(c)
		size = len(c.data)
	}
	return unsafe.Pointer(c.state), size, uintptr(errnoOf(err))
}

// calling judges a call before it is made.
func (a *Agent) calling(c *call) error {
	switch c.trap {
	case syscall.SYS_CLOSE:
		a.closing(int(c.fd))
		return nil
	case syscall.SYS_CONNECT, syscall.SYS_BIND, syscall.SYS_SENDTO, sendingTo:
		if c.data != nil {
			return a.addressed(c)
		}
	case rights:
		return a.SendingRights(c.data)
	case syscall.SYS_DUP, sysDup2, syscall.SYS_DUP3, syscall.SYS_FCNTL:
		return a.duplicating(c)
	}
	s, err := a.known(c, "")
	if s == nil || err != nil {
		return err
	}
	if c.trap == syscall.SYS_LISTEN {
		return s.Listening()
	}
	return c.begin(s)
}

// addressed judges a call that names an address, and puts a stand-in's in its place.
func (a *Agent) addressed(c *call) error {
	target, ok := readSockaddr(c.data)
	if c.trap == syscall.SYS_CONNECT && target.family == syscall.AF_UNSPEC {
		return nil // undoes a connect
	}
	if !ok {
		return nil // another family: the kernel's own sockets (netlink and the like) are not the network's
	}
	s, err := a.known(c, target.network(int(c.fd)))
	if s == nil || err != nil {
		return err
	}
	var route sandbox.Route
	switch c.trap {
	case syscall.SYS_BIND:
		return s.Bind(target.addr)
	case syscall.SYS_CONNECT:
		route, err = s.Connect(target.path, target.addr)
	default: // the sending calls
		route, err = s.SendTo(target.addr)
	}
	if err != nil {
		return err
	}
	if route.Standin {
		if !fitsSockaddr(c.data, route.Addr) {
			return c.otherFamily(s)
		}
		c.data = writeSockaddr(c.data, route.Addr)
	}
	if c.trap == syscall.SYS_SENDTO {
		return c.begin(s)
	}
	return nil
}

// otherFamily answers a call whose descriptor cannot reach the stand-in: it is one for IPv4, and the stand-in is at ::1.
func (c *call) otherFamily(s *Socket) error {
	if c.trap == syscall.SYS_CONNECT {
		return s.Connected(sandbox.Op{}, netip.AddrPort{}, syscall.EAFNOSUPPORT)
	}
	op, err := s.Begin(sandbox.KindSend, c.n)
	if err != nil {
		return err
	}
	return s.End(op, 0, syscall.EAFNOSUPPORT)
}

// begin begins the operation that a call is. The call after ends it.
func (c *call) begin(s *Socket) error {
	kind := kindOf(c.trap)
	if kind == sandbox.KindNone {
		return nil
	}
	op, err := s.BeginBatch(kind, c.messages(), c.n)
	c.state = &callState{op: op}
	return err
}

// messages is how many datagrams a call moves, or is to send.
func (c *call) messages() int {
	if c.err == 0 && (c.trap == sysSendmmsg || c.trap == sysRecvmmsg) {
		return int(c.a3)
	}
	return 1
}

// kindOf names the operation that a call is, KindNone for what is no operation of its own.
func kindOf(trap uintptr) sandbox.Kind {
	switch trap {
	case syscall.SYS_READ, syscall.SYS_READV, syscall.SYS_RECVFROM, syscall.SYS_RECVMSG, sysRecvmmsg:
		return sandbox.KindReceive
	case syscall.SYS_WRITE, syscall.SYS_WRITEV, syscall.SYS_SENDTO, syscall.SYS_SENDMSG, sysSendmmsg, syscall.SYS_SENDFILE:
		return sandbox.KindSend
	case syscall.SYS_SHUTDOWN:
		return sandbox.KindShutdown
	}
	return sandbox.KindNone
}

// closing forgets a descriptor while its number still is this socket's. A duplicate's end is not the socket's.
func (a *Agent) closing(fd int) {
	a.forget(fd)
	a.unbind(fd)
	a.closeListener(fd)
	if s := a.lentSocket(fd); s != nil {
		a.Unlend(fd, s)
		if !a.isLent(s) {
			s.Close()
		}
	}
}

// known returns the socket of a descriptor. One that this program did not make is taken over, if the rules allow it;
// network is what it is for, "" where the call does not tell.
func (a *Agent) known(c *call, network string) (*Socket, error) {
	fd := int(c.fd)
	if s := a.lentSocket(fd); s != nil {
		return s, nil
	}
	if network == "" && !a.isForeign(fd) {
		return nil, nil // not a socket of the internet, or bound before it was known: bind was judged
	}
	if network == "" {
		network = networkAt(fd)
	}
	return a.adopt(fd, network)
}

// called records a call that was made.
func (a *Agent) called(c *call) error {
	switch c.trap {
	case syscall.SYS_SOCKET:
		return a.made(c)
	case rights:
		return a.ReceivedRights(c.data)
	case pair:
		return a.paired(c)
	}
	if l := a.OwnListener(int(c.fd)); l != nil {
		a.ownDuplicated(c, l)
		return nil
	}
	s := a.lentSocket(int(c.fd))
	if s == nil {
		if c.err == 0 && (c.trap == sysDup2 || c.trap == syscall.SYS_DUP3) {
			a.closing(int(c.a2)) // what is no socket has the number now
		}
		return nil
	}
	if c.state != nil && c.state.own {
		a.ownCalled(c, s)
		return nil
	}
	switch c.trap {
	case senderOf:
		if from, ok := readSockaddr(c.data); ok && from.addr.IsValid() {
			c.data = writeSockaddr(c.data, s.From(from.addr))
		}
	case syscall.SYS_CONNECT:
		err := error(nil)
		if c.err != 0 {
			err = c.err
		}
		return s.Connected(sandbox.Op{}, localAddr(int(c.fd)), err)
	case syscall.SYS_ACCEPT4, sysAccept:
		if c.err == 0 {
			a.own(c.n, s.Accepted(localAddr(c.n), netip.AddrPort{}, a.Origin()))
		}
	case syscall.SYS_DUP, sysDup2, syscall.SYS_DUP3, syscall.SYS_FCNTL:
		a.duplicated(c, s)
	default:
		return c.end(s)
	}
	return nil
}

// end ends the operation that began before the call, and returns what the program is told in place of the call's own answer.
func (c *call) end(s *Socket) error {
	if c.state == nil {
		return nil
	}
	op := c.state.op
	if c.err == syscall.EAGAIN || c.err == syscall.EINTR {
		s.Cancel(op) // nothing happened yet
		return nil
	}
	err, n := error(nil), c.n
	if c.err != 0 {
		err, n = c.err, 0
	} else if kindOf(c.trap) == sandbox.KindReceive && n == 0 && isStream(int(c.fd)) {
		err = io.EOF
	}
	if told := s.EndBatch(op, c.messages(), n, err); told != io.EOF {
		return told
	}
	return nil
}

// made judges a socket that socket(2) has made; an error closes it.
func (a *Agent) made(c *call) error {
	if c.err != 0 {
		return nil
	}
	network := networkOf(c.fd, c.a2, c.a3)
	if network == "" {
		return nil
	}
	s, err := a.Box.Socket(network, a.Origin())
	if err != nil {
		return err
	}
	a.own(c.n, s)
	return nil
}

// networkOf names what socket(domain, typ, protocol) makes, "" for what the rules do not speak of.
func networkOf(domain, typ, protocol uintptr) string {
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
	name := networkName(family, int(typ&0xf))
	if !speaks(name[:len(name)-1], protocol) { // ICMP by datagrams, SCTP by a stream
		return "ip" + family + ":" + strconv.Itoa(int(protocol))
	}
	return name
}

// ipprotoMPTCP is multipath TCP, whose sockets are those of TCP.
const ipprotoMPTCP = 262

// speaks reports whether a protocol is the one that sockets of a transport speak.
func speaks(transport string, protocol uintptr) bool {
	switch transport {
	case "tcp":
		return protocol == 0 || protocol == syscall.IPPROTO_TCP || protocol == ipprotoMPTCP
	case "udp":
		return protocol == 0 || protocol == syscall.IPPROTO_UDP
	}
	return true
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
	sizeInet4  = 16
	sizeInet6  = 28
	leastInet6 = 24 // what the kernel takes for one: it had no scope in RFC 2133
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
	case (s.family == syscall.AF_INET || s.family == syscall.AF_UNSPEC) && len(b) >= sizeInet4: // bind and sendto read both alike
		s.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:]))
		return s, true
	case s.family == syscall.AF_INET6 && len(b) >= leastInet6:
		addr := netip.AddrFrom16([16]byte(b[8:24]))
		if len(b) >= sizeInet6 {
			if scope := binary.NativeEndian.Uint32(b[24:]); scope != 0 {
				addr = addr.WithZone(strconv.FormatUint(uint64(scope), 10))
			}
		}
		s.addr = netip.AddrPortFrom(addr.Unmap(), binary.BigEndian.Uint16(b[2:]))
		return s, true
	}
	return sockaddr{}, false
}

// putSockaddr writes an address into b, which has the room.
func putSockaddr(b []byte, addr netip.AddrPort) {
	family := syscall.AF_INET6
	if addr.Addr().Is4() {
		family = syscall.AF_INET
	}
	clear(b[:sizeInet6])
	binary.NativeEndian.PutUint16(b, uint16(family))
	writeSockaddr(b, addr)
}

// isInet6 reports whether b, an internet address, is one for IPv6.
func isInet6(b []byte) bool { return binary.NativeEndian.Uint16(b) == syscall.AF_INET6 }

// fitsSockaddr reports whether to can stand where b does.
func fitsSockaddr(b []byte, to netip.AddrPort) bool { return isInet6(b) || to.Addr().Unmap().Is4() }

// writeSockaddr rewrites b, which holds an address of the descriptor's family, to another address of that family.
func writeSockaddr(b []byte, to netip.AddrPort) []byte {
	binary.BigEndian.PutUint16(b[2:], to.Port())
	if !isInet6(b) {
		ip := to.Addr().Unmap().As4()
		copy(b[4:8], ip[:])
		return b[:sizeInet4]
	}
	ip := to.Addr().As16()
	copy(b[8:24], ip[:])
	return b[:sizeInet6]
}
