//go:build unix

package net

import (
	"context"
	"internal/devserver/agent"
	"internal/devserver/sandbox"
	"internal/poll"
	"net/netip"
	"runtime"
	"sync/atomic"
	"syscall"
	"weak"
)

// devserverFD is what a netFD knows for the sandbox. Its zero value is a descriptor that nobody judges.
type devserverFD struct {
	sock  *sandbox.Socket
	own   *agent.Listener // set for the app's own listener: the supervisor hands its connections over
	times *devserverTimes // where production's deadline is enforced; nil elsewhere
	lent  atomic.Int64    // the descriptor's number and 1, once user code has been told it; else 0
}

type (
	devserverHostKey struct{} // context key: the name that is dialled, a string
	devserverCtrl    = func(context.Context, string, string, syscall.RawConn) error
)

// socket makes every socket of package net: it asks before there is a descriptor.
func socket(ctx context.Context, net string, family, sotype, proto int, ipv6only bool, laddr, raddr sockaddr, ctrlCtxFn func(context.Context, string, string, syscall.RawConn) error) (fd *netFD, err error) {
	a := agent.Get()
	if a == nil || agent.Trusted() {
		return devserverSocket(ctx, net, family, sotype, proto, ipv6only, laddr, raddr, ctrlCtxFn)
	}
	o := devserverOpening{a: a, net: net, family: family, sotype: sotype, proto: proto, ipv6only: ipv6only, laddr: laddr, raddr: raddr, ctrl: ctrlCtxFn}
	if o.listens() && laddr.family() != syscall.AF_UNIX && a.OwnPort(devserverAddrPort(laddr).Port()) {
		return o.listenOwn(ctx)
	}
	if err := o.judge(ctx); err != nil {
		return nil, err
	}
	return o.open(ctx)
}

// devserverOpening is a socket about to be made: what was asked for, and what was decided.
type devserverOpening struct {
	a            *agent.Agent
	net          string
	family       int
	sotype       int
	proto        int
	ipv6only     bool
	laddr, raddr sockaddr
	ctrl         devserverCtrl

	sock  *sandbox.Socket
	route sandbox.Route
	op    sandbox.Op // of the connect
}

// listens reports whether a stream listener is asked for, as the original socket tells it.
func (o *devserverOpening) listens() bool {
	return o.laddr != nil && o.raddr == nil && (o.sotype == syscall.SOCK_STREAM || o.sotype == syscall.SOCK_SEQPACKET)
}

func (o *devserverOpening) judge(ctx context.Context) (err error) {
	origin := o.a.Origin()
	local, remote := devserverAddrPort(o.laddr), devserverAddrPort(o.raddr)
	switch {
	case o.listens():
		o.sock, err = o.a.Box.Listen(o.net, local, devserverPath(o.laddr), origin)
	case o.raddr == nil:
		o.sock, err = o.a.Box.ListenPacket(o.net, local, origin)
	default:
		host, _ := ctx.Value(devserverHostKey{}).(string)
		if p := devserverPath(o.raddr); p != "" {
			host = p
		}
		o.sock, o.route, err = o.a.Box.Dial(o.net, host, local, remote, origin)
	}
	return err
}

// open makes the descriptor. The system calls below it are package net's own: they are not judged again.
func (o *devserverOpening) open(ctx context.Context) (*netFD, error) {
	agent.Trust()
	defer agent.Distrust()
	laddr, raddr, ctrl := o.laddr, o.raddr, o.untrusted()
	if o.route.Standin {
		// The family is the stand-in's: a descriptor for IPv6 cannot reach 127.0.0.1.
		laddr, raddr = nil, devserverSockaddr(o.raddr, o.route.Addr)
		o.family = syscall.AF_INET6
		if o.route.Addr.Addr().Is4() {
			o.family = syscall.AF_INET
		}
	}
	s, err := sysSocket(o.family, o.sotype, o.proto)
	if err != nil {
		return nil, o.failed(err)
	}
	if err = setDefaultSockopts(s, o.family, o.sotype, o.ipv6only); err != nil {
		poll.CloseFunc(s)
		return nil, o.failed(err)
	}
	fd, err := devserverNewFD(s, o.family, o.sotype, o.net)
	if err != nil {
		poll.CloseFunc(s)
		return nil, o.failed(err)
	}
	devserverTrack(fd, o.sock, o.a.Reclaims() && !o.listens())
	if o.raddr != nil && fd.devserver.times != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		o.sock.SetCutter(func(sandbox.Kind, bool) { cancel() })
		o.op = o.sock.Connecting()
	}
	if o.sotype == syscall.SOCK_DGRAM && devserverInternet(o.net) {
		o.sock.OptionDefaults(sandbox.DefaultsUDP)
	}
	if err = o.start(ctx, fd, laddr, raddr, ctrl); err != nil {
		err = o.failed(err)
		fd.Close()
		return nil, err
	}
	if o.route.Standin {
		fd.raddr = o.raddr // the program sees production's address
	}
	if o.raddr != nil {
		err := o.sock.Connected(o.op, devserverAddrPort(fd.laddr), nil)
		if fd.devserver.times != nil {
			devserverCutter(fd, o.sock)
		}
		return fd, err
	}
	o.sock.Opened(devserverAddrPort(fd.laddr))
	return fd, nil
}

func (o *devserverOpening) start(ctx context.Context, fd *netFD, laddr, raddr sockaddr, ctrl devserverCtrl) error {
	switch {
	case o.listens():
		return fd.listenStream(ctx, laddr, listenerBacklog(), ctrl)
	case laddr != nil && raddr == nil && o.sotype == syscall.SOCK_DGRAM:
		return fd.listenDatagram(ctx, laddr, ctrl)
	}
	return fd.dial(ctx, laddr, raddr, ctrl)
}

// failed records the error with which the machine itself ended the attempt.
func (o *devserverOpening) failed(err error) error {
	return o.sock.Connected(o.op, netip.AddrPort{}, err)
}

// untrusted wraps the program's Control function: it is user code again, and it sees production's address.
func (o *devserverOpening) untrusted() devserverCtrl {
	if o.ctrl == nil {
		return nil
	}
	return func(ctx context.Context, network, address string, c syscall.RawConn) error {
		defer agent.SetTrust(agent.SetTrust(0))
		if o.route.Standin {
			prod := devserverAddrPort(o.raddr).Addr().Unmap()
			network, address = network[:len(network)-1]+"6", o.raddr.String()
			if prod.Is4() {
				network = network[:len(network)-1] + "4"
			}
		}
		return o.ctrl(ctx, network, address, c)
	}
}

// devserverTrack joins a descriptor with its sandbox socket. One that is reclaimed may be held by the sandbox: a
// connection that the program has lost stays until then, as in production, and the recording shows it. Any other is
// closed by its finalizer as always, so the sandbox must not keep it alive.
func devserverTrack(fd *netFD, s *sandbox.Socket, reclaimed bool) {
	fd.devserver.sock = s
	if agent.Get().Box.Cuts() {
		fd.devserver.times = new(devserverTimes)
		devserverCutter(fd, s)
	}
	if reclaimed {
		s.SetCloser(fd.devserverEndBy)
		return
	}
	w := weak.Make(fd)
	s.SetCloser(func() {
		if fd := w.Value(); fd != nil {
			fd.devserverEndBy()
		}
	})
}

// devserverCutter lets the sandbox wake what waits on fd.
func devserverCutter(fd *netFD, s *sandbox.Socket) {
	w := weak.Make(fd)
	s.SetCutter(func(k sandbox.Kind, wake bool) {
		if fd := w.Value(); fd != nil {
			fd.devserverCut(k, wake)
		}
	})
}

// devserverEndBy ends fd when the sandbox says so: shut down first, since a duplicate would keep the connection open,
// then close, which wakes a blocked operation. It does not wait for who holds the descriptor in SyscallConn: other
// sockets and the clock would wait too, and for good when that one's own call has found the socket idle for too long.
func (fd *netFD) devserverEndBy() {
	agent.Trust() // no call of the program's, even on a descriptor that it knows
	defer agent.Distrust()
	fd.pfd.Shutdown(syscall.SHUT_RDWR)
	fd.devserverUnlend()
	fd.pfd.DevserverClose()
	runtime.KeepAlive(fd)
}

// srcAddrs asks the system which source address it would take, by connecting UDP sockets that send nothing.
func srcAddrs(addrs []IPAddr) []netip.Addr {
	if agent.Get() != nil {
		agent.Trust()
		defer agent.Distrust()
	}
	return devserverSrcAddrs(addrs)
}

// probe finds out which families this machine has; denied, IPv6 would be off unnoticed.
func (p *ipStackCapabilities) probe() {
	if agent.Get() != nil {
		agent.Trust()
		defer agent.Distrust()
	}
	p.devserverProbe()
}
