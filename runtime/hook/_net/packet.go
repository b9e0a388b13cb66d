//go:build unix

package net

import (
	"internal/devserver/agent"
	"internal/devserver/sandbox"
	"net/netip"
	"os"
	"syscall"
)

// Datagrams: every destination is judged, and a stand-in's answers come from production's address.

func (fd *netFD) readFrom(p []byte) (n int, sa syscall.Sockaddr, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverReadFrom(p)
	}
	op, err := fd.devserverBegin(sandbox.KindReceive, len(p))
	if err != nil {
		return 0, nil, err
	}
	tap := fd.devserverTap(sandbox.KindReceive)
	n, sa, err = fd.devserverReadFrom(p)
	return n, fd.devserverFrom(sa), fd.devserverMoved(tap, op, p, n, err)
}

func (fd *netFD) readFromInet4(p []byte, from *syscall.SockaddrInet4) (n int, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverReadFromInet4(p, from)
	}
	op, err := fd.devserverBegin(sandbox.KindReceive, len(p))
	if err != nil {
		return 0, err
	}
	tap := fd.devserverTap(sandbox.KindReceive)
	n, err = fd.devserverReadFromInet4(p, from)
	fd.devserverFrom4(from, err)
	return n, fd.devserverMoved(tap, op, p, n, err)
}

func (fd *netFD) readFromInet6(p []byte, from *syscall.SockaddrInet6) (n int, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverReadFromInet6(p, from)
	}
	op, err := fd.devserverBegin(sandbox.KindReceive, len(p))
	if err != nil {
		return 0, err
	}
	tap := fd.devserverTap(sandbox.KindReceive)
	n, err = fd.devserverReadFromInet6(p, from)
	fd.devserverFrom6(from, err)
	return n, fd.devserverMoved(tap, op, p, n, err)
}

func (fd *netFD) readMsg(p []byte, oob []byte, flags int) (n, oobn, retflags int, sa syscall.Sockaddr, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverReadMsg(p, oob, flags)
	}
	op, err := fd.devserverBegin(sandbox.KindReceive, len(p))
	if err != nil {
		return 0, 0, 0, nil, err
	}
	tap := fd.devserverTap(sandbox.KindReceive)
	n, oobn, retflags, sa, err = fd.devserverReadMsg(p, oob, flags)
	if err == nil && oobn > 0 && fd.family == syscall.AF_UNIX {
		err = fd.devserverRights(agent.Get().ReceivedRights, oob[:oobn])
	}
	return n, oobn, retflags, fd.devserverFrom(sa), fd.devserverMoved(tap, op, p, n, err)
}

func (fd *netFD) readMsgInet4(p []byte, oob []byte, flags int, sa *syscall.SockaddrInet4) (n, oobn, retflags int, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverReadMsgInet4(p, oob, flags, sa)
	}
	op, err := fd.devserverBegin(sandbox.KindReceive, len(p))
	if err != nil {
		return 0, 0, 0, err
	}
	tap := fd.devserverTap(sandbox.KindReceive)
	n, oobn, retflags, err = fd.devserverReadMsgInet4(p, oob, flags, sa)
	fd.devserverFrom4(sa, err)
	return n, oobn, retflags, fd.devserverMoved(tap, op, p, n, err)
}

func (fd *netFD) readMsgInet6(p []byte, oob []byte, flags int, sa *syscall.SockaddrInet6) (n, oobn, retflags int, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverReadMsgInet6(p, oob, flags, sa)
	}
	op, err := fd.devserverBegin(sandbox.KindReceive, len(p))
	if err != nil {
		return 0, 0, 0, err
	}
	tap := fd.devserverTap(sandbox.KindReceive)
	n, oobn, retflags, err = fd.devserverReadMsgInet6(p, oob, flags, sa)
	fd.devserverFrom6(sa, err)
	return n, oobn, retflags, fd.devserverMoved(tap, op, p, n, err)
}

func (fd *netFD) writeTo(p []byte, sa syscall.Sockaddr) (n int, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverWriteTo(p, sa)
	}
	to, op, err := fd.devserverSend(writeToSyscallName, len(p), devserverFromSyscall(sa))
	if err != nil {
		return 0, err
	}
	tap := fd.devserverTap(sandbox.KindSend)
	if to != nil {
		sa = to
	}
	n, err = fd.devserverWriteTo(p, sa)
	return n, fd.devserverMoved(tap, op, p, n, err)
}

func (fd *netFD) writeToInet4(p []byte, sa *syscall.SockaddrInet4) (n int, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverWriteToInet4(p, sa)
	}
	to, op, err := fd.devserverSend(writeToSyscallName, len(p), devserverFromSyscall(sa))
	if err != nil {
		return 0, err
	}
	tap := fd.devserverTap(sandbox.KindSend)
	if to != nil {
		n, err = fd.devserverWriteTo(p, to)
	} else {
		n, err = fd.devserverWriteToInet4(p, sa)
	}
	return n, fd.devserverMoved(tap, op, p, n, err)
}

func (fd *netFD) writeToInet6(p []byte, sa *syscall.SockaddrInet6) (n int, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverWriteToInet6(p, sa)
	}
	to, op, err := fd.devserverSend(writeToSyscallName, len(p), devserverFromSyscall(sa))
	if err != nil {
		return 0, err
	}
	tap := fd.devserverTap(sandbox.KindSend)
	if to != nil {
		n, err = fd.devserverWriteTo(p, to)
	} else {
		n, err = fd.devserverWriteToInet6(p, sa)
	}
	return n, fd.devserverMoved(tap, op, p, n, err)
}

func (fd *netFD) writeMsg(p []byte, oob []byte, sa syscall.Sockaddr) (n int, oobn int, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverWriteMsg(p, oob, sa)
	}
	if len(oob) > 0 && fd.family == syscall.AF_UNIX {
		if err := fd.devserverRights(agent.Get().SendingRights, oob); err != nil {
			return 0, 0, err
		}
	}
	to, op, err := fd.devserverSend(writeMsgSyscallName, len(p), devserverFromSyscall(sa))
	if err != nil {
		return 0, 0, err
	}
	tap := fd.devserverTap(sandbox.KindSend)
	if to != nil {
		sa = to
	}
	n, oobn, err = fd.devserverWriteMsg(p, oob, sa)
	return n, oobn, fd.devserverMoved(tap, op, p, n, err)
}

func (fd *netFD) writeMsgInet4(p []byte, oob []byte, sa *syscall.SockaddrInet4) (n int, oobn int, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverWriteMsgInet4(p, oob, sa)
	}
	to, op, err := fd.devserverSend(writeMsgSyscallName, len(p), devserverFromSyscall(sa))
	if err != nil {
		return 0, 0, err
	}
	tap := fd.devserverTap(sandbox.KindSend)
	if to != nil {
		n, oobn, err = fd.devserverWriteMsg(p, oob, to)
	} else {
		n, oobn, err = fd.devserverWriteMsgInet4(p, oob, sa)
	}
	return n, oobn, fd.devserverMoved(tap, op, p, n, err)
}

func (fd *netFD) writeMsgInet6(p []byte, oob []byte, sa *syscall.SockaddrInet6) (n int, oobn int, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverWriteMsgInet6(p, oob, sa)
	}
	to, op, err := fd.devserverSend(writeMsgSyscallName, len(p), devserverFromSyscall(sa))
	if err != nil {
		return 0, 0, err
	}
	tap := fd.devserverTap(sandbox.KindSend)
	if to != nil {
		n, oobn, err = fd.devserverWriteMsg(p, oob, to)
	} else {
		n, oobn, err = fd.devserverWriteMsgInet6(p, oob, sa)
	}
	return n, oobn, fd.devserverMoved(tap, op, p, n, err)
}

// devserverRights judges the descriptors in a control message of a unix socket.
func (fd *netFD) devserverRights(judge func(control []byte) error, control []byte) error {
	agent.Trust()
	defer agent.Distrust()
	return judge(control)
}

// devserverSend judges a datagram's destination and begins its send. to is nil when the datagram goes where it was
// addressed, else the stand-in's address. call is the system call that an error names.
func (fd *netFD) devserverSend(call string, size int, dst netip.AddrPort) (to syscall.Sockaddr, op sandbox.Op, err error) {
	s := fd.devserver.sock
	if dst.IsValid() {
		route, err := s.SendTo(dst)
		if se, ok := err.(*os.SyscallError); ok {
			err = &os.SyscallError{Syscall: call, Err: se.Err} // as the system's own answer is named
		}
		if err != nil {
			return nil, op, err
		}
		if route.Standin {
			if to, err = devserverTo(fd.family, route.Addr); err != nil {
				return nil, op, err
			}
		}
	}
	op, err = fd.devserverBegin(sandbox.KindSend, size)
	return to, op, err
}

func (fd *netFD) devserverFrom(sa syscall.Sockaddr) syscall.Sockaddr {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		fd.devserverFrom4(sa, nil)
	case *syscall.SockaddrInet6:
		fd.devserverFrom6(sa, nil)
	}
	return sa
}

// devserverFrom4 replaces a stand-in's address by production's, where that is one of this family.
func (fd *netFD) devserverFrom4(sa *syscall.SockaddrInet4, err error) {
	if sa == nil || err != nil {
		return
	}
	if prod := fd.devserver.sock.From(devserverFromSyscall(sa)); prod.Addr().Is4() {
		sa.Addr, sa.Port = prod.Addr().As4(), int(prod.Port())
	}
}

func (fd *netFD) devserverFrom6(sa *syscall.SockaddrInet6, err error) {
	if sa == nil || err != nil {
		return
	}
	if prod := fd.devserver.sock.From(devserverFromSyscall(sa)); prod.IsValid() {
		sa.Addr, sa.Port = prod.Addr().As16(), int(prod.Port())
	}
}
