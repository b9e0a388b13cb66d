//go:build unix

package net

import (
	"context"
	"internal/devserver/agent"
	"io"
	"os"
	"syscall"
	"time"
)

// listenOwn makes the app's own listener. Its descriptor is the socket over which the supervisor hands
// connections, so that deadlines, Close and the poller work as for any other; Addr is what the app asked for.
func (o *devserverOpening) listenOwn(ctx context.Context) (*netFD, error) {
	laddr := devserverListenAddr(o.laddr, o.family)
	l, err := o.a.ListenOwn(devserverAddrPort(laddr), false)
	if err != nil {
		return nil, err
	}
	if l == nil { // no supervisor: an ordinary listener, on loopback
		agent.Trust()
		defer agent.Distrust()
		return devserverSocket(ctx, o.net, o.family, o.sotype, o.proto, o.ipv6only, devserverOnLoopback(laddr), nil, o.untrusted())
	}
	fd, err := devserverOwn(l, o.family, o.net)
	if err != nil {
		return nil, err
	}
	if o.ctrl != nil {
		if err = o.untrusted()(ctx, fd.ctrlNetwork(), laddr.String(), newRawConn(fd)); err != nil {
			fd.Close()
			return nil, err
		}
	}
	return fd, nil
}

// devserverOwn makes the netFD of a descriptor of the app's own listener.
func devserverOwn(l *agent.Listener, family int, net string) (*netFD, error) {
	fd, err := devserverNewFD(l.FD, family, syscall.SOCK_STREAM, net)
	if err != nil {
		l.Close()
		syscall.Close(l.FD)
		return nil, err
	}
	fd.devserver.own = l
	if err = fd.init(); err != nil {
		fd.Close()
		return nil, err
	}
	fd.setAddr(TCPAddrFromAddrPort(l.Addr), nil)
	return fd, nil
}

// devserverOwnFile is newFileFD of a descriptor of the app's own listener.
func devserverOwnFile(l *agent.Listener) (*netFD, error) {
	l, err := l.Another()
	if err != nil {
		return nil, err
	}
	return devserverOwn(l, devserverFamily(l.Addr.Addr().Is4()), "tcp")
}

// devserverOwnDup is dup of the app's own listener. From here on user code may accept by itself, and nobody sees when it
// first waits for a connection: it accepts from now on.
func (fd *netFD) devserverOwnDup() (*os.File, error) {
	var l *agent.Listener
	var failed error
	err := fd.pfd.RawControl(func(uintptr) { l, failed = fd.devserver.own.Another() })
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	l.Lend(l.FD)
	l.Accepting()
	return newUnixFile(l.FD, fd.name()), nil
}

// devserverListenAddr is the address as getsockname would tell it: a wildcard of the family for no IP.
func devserverListenAddr(laddr sockaddr, family int) *TCPAddr {
	a := *laddr.(*TCPAddr)
	if len(a.IP) == 0 {
		a.IP = IPv6unspecified
		if family == syscall.AF_INET {
			a.IP = IPv4zero
		}
	}
	return &a
}

func devserverOnLoopback(a *TCPAddr) *TCPAddr {
	if !a.IP.IsUnspecified() {
		return a
	}
	b := *a
	b.IP = IPv6loopback
	if a.IP.To4() != nil {
		b.IP = IPv4(127, 0, 0, 1)
	} else if supportsIPv4map() {
		b.IP = IPv4(127, 0, 0, 1).To16()
	}
	return &b
}

// devserverTake is accept on the app's own listener.
func (fd *netFD) devserverTake() (*netFD, error) {
	l := fd.devserver.own
	l.Accepting()
	var buf [1024]byte
	oob := make([]byte, syscall.CmsgSpace(4*4))
	for {
		agent.Trust() // user code may know the descriptor
		n, oobn, _, _, err := fd.pfd.ReadMsg(buf[:], oob, devserverRecvFlags)
		agent.Distrust()
		if err == io.EOF {
			// The supervisor is gone, and the agent ends the process with its group. With an error the app would end
			// before, and leave what it has started behind. Close still ends the wait.
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if err != nil {
			return nil, wrapSyscallError("accept", err)
		}
		c, err := l.Receive(buf[:n], oob[:oobn])
		if err != nil {
			continue // not a connection: nothing was lost, the supervisor keeps its end
		}
		nfd, err := devserverNewFD(c.FD, devserverFamily(c.Remote.Addr().Is4()), syscall.SOCK_STREAM, fd.net)
		if err == nil {
			if err = nfd.init(); err != nil {
				nfd.Close()
			}
		}
		if err != nil {
			return nil, os.NewSyscallError("accept", err)
		}
		nfd.setAddr(TCPAddrFromAddrPort(c.Local), TCPAddrFromAddrPort(c.Remote))
		l.Taken(c)
		return nfd, nil
	}
}

func devserverFamily(is4 bool) int {
	if is4 {
		return syscall.AF_INET
	}
	return syscall.AF_INET6
}
