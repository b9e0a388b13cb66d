//go:build unix

package net

import (
	"internal/devserver/agent"
	"internal/devserver/sandbox"
	"os"
	"syscall"
)

// Each call says the same: may it begin, do it, it ended.

// devserverBegin asks whether an operation of size bytes may begin.
func (fd *netFD) devserverBegin(k sandbox.Kind, size int) (sandbox.Op, error) {
	op, err := fd.devserver.sock.Begin(k, size)
	if err == nil && fd.devserver.lent.Load() != 0 {
		agent.Trust() // user code knows the descriptor: its system calls are judged, these are package net's
	}
	return op, err
}

// devserverEnd tells how the operation ended and returns the error for the program.
func (fd *netFD) devserverEnd(op sandbox.Op, n int, err error) error {
	if fd.devserver.lent.Load() != 0 && agent.Trusted() {
		agent.Distrust()
	}
	return fd.devserver.sock.End(op, n, err)
}

// devserverTap returns what captures the operations of kind k, held until devserverMoved; nil when they are not captured.
func (fd *netFD) devserverTap(k sandbox.Kind) *sandbox.Tap {
	tap := fd.devserver.sock.Tap(k)
	tap.Lock()
	return tap
}

// devserverMoved is devserverEnd of an operation that moved the first n bytes of p, which tap keeps before.
func (fd *netFD) devserverMoved(tap *sandbox.Tap, op sandbox.Op, p []byte, n int, err error) error {
	if tap == nil {
		return fd.devserverEnd(op, n, err)
	}
	tap.Keep(op.At(), n, p)
	err = fd.devserverEnd(op, n, err)
	tap.Unlock()
	return err
}

// devserverCancel takes back an operation that did not happen.
func (fd *netFD) devserverCancel(op sandbox.Op) {
	if fd.devserver.lent.Load() != 0 && agent.Trusted() {
		agent.Distrust()
	}
	fd.devserver.sock.Cancel(op)
}

func (fd *netFD) Read(p []byte) (n int, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverRead(p)
	}
	op, err := fd.devserverBegin(sandbox.KindReceive, len(p))
	if err != nil {
		return 0, err
	}
	tap := fd.devserverTap(sandbox.KindReceive)
	n, err = fd.devserverRead(p)
	return n, fd.devserverMoved(tap, op, p, n, err)
}

func (fd *netFD) Write(p []byte) (nn int, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverWrite(p)
	}
	op, err := fd.devserverBegin(sandbox.KindSend, len(p))
	if err != nil {
		return 0, err
	}
	tap := fd.devserverTap(sandbox.KindSend)
	nn, err = fd.devserverWrite(p)
	return nn, fd.devserverMoved(tap, op, p, nn, err)
}

func (fd *netFD) writeBuffers(v *Buffers) (n int64, err error) {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverWriteBuffers(v)
	}
	total := 0
	for _, b := range *v {
		total += len(b)
	}
	op, err := fd.devserverBegin(sandbox.KindSend, total)
	if err != nil {
		return 0, err
	}
	tap := fd.devserverTap(sandbox.KindSend)
	if tap == nil {
		n, err = fd.devserverWriteBuffers(v)
		return n, fd.devserverEnd(op, int(n), err)
	}
	all := append([][]byte(nil), *v...) // what is sent leaves v
	n, err = fd.devserverWriteBuffers(v)
	tap.Keep(op.At(), int(n), all...)
	err = fd.devserverEnd(op, int(n), err)
	tap.Unlock()
	return n, err
}

// Close is the program's, or the finalizer's. A socket that the sandbox has closed lets the first Close succeed.
func (fd *netFD) Close() error {
	if fd.devserver.own != nil {
		fd.devserverUnlend()
		fd.devserver.own.Close()
		return fd.devserverClose()
	}
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverClose()
	}
	fd.devserverUnlend()
	reclaimed := s.Reclaimed()
	if !reclaimed && agent.Get().Kept(s) {
		return fd.devserverClose()
	}
	first := s.Close()
	err := fd.devserverClose()
	if reclaimed && first {
		return nil
	}
	return err
}

// devserverUnlend says that the descriptor's number is about to be free. The number is the one of the lending: the
// sandbox may be closing pfd at the same time.
func (fd *netFD) devserverUnlend() {
	n := fd.devserver.lent.Load()
	switch {
	case n == 0:
	case fd.devserver.own != nil:
		fd.devserver.own.Unlend(int(n - 1))
	default:
		agent.Get().Unlend(int(n-1), fd.devserver.sock)
	}
}

func (fd *netFD) shutdown(how int) error {
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverShutdown(how)
	}
	op, err := fd.devserverBegin(sandbox.KindShutdown, 0)
	if err != nil {
		return err
	}
	return fd.devserverEnd(op, 0, fd.devserverShutdown(how))
}

// dup makes a second descriptor.
func (fd *netFD) dup() (f *os.File, err error) {
	if fd.devserver.own != nil {
		return fd.devserverOwnDup()
	}
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverDup()
	}
	if err := s.Dup(); err != nil {
		return nil, err
	}
	// Whoever has the duplicate has this number as well: the end of one of the two is not the socket's.
	if err := fd.pfd.RawControl(func(number uintptr) { agent.SetTrust(fd.devserverLend(number)) }); err != nil {
		return nil, err
	}
	agent.Trust()
	defer agent.Distrust()
	ns, call, err := fd.pfd.Dup()
	if err != nil {
		return nil, wrapSyscallError(call, err)
	}
	agent.Get().Lend(ns, s) // what is done with the duplicate is seen
	return newUnixFile(ns, fd.name()), nil
}

func (fd *netFD) accept() (netfd *netFD, err error) {
	if fd.devserver.own != nil {
		return fd.devserverTake()
	}
	s := fd.devserver.sock
	if s == nil {
		return fd.devserverAccept()
	}
	op, err := fd.devserverBegin(sandbox.KindAccept, 0)
	if err != nil {
		return nil, err
	}
	netfd, err = fd.devserverAccept()
	if err = fd.devserverEnd(op, 0, err); err != nil {
		if netfd != nil {
			netfd.Close()
		}
		return nil, err
	}
	a := agent.Get()
	devserverTrack(netfd, s.Accepted(devserverAddrPort(netfd.laddr), devserverAddrPort(netfd.raddr), a.Origin()), false)
	return netfd, nil
}

// newFileFD takes over a descriptor that package net did not make.
func newFileFD(f *os.File) (*netFD, error) {
	a := agent.Get()
	if a == nil || agent.Trusted() {
		return devserverNewFileFD(f)
	}
	if l := a.OwnListener(int(f.Fd())); l != nil {
		return devserverOwnFile(l)
	}
	agent.Trust()
	fd, err := devserverNewFileFD(f)
	agent.Distrust()
	if err != nil {
		return nil, err
	}
	s, err := a.Box.Adopt(fd.net, devserverAddrPort(fd.laddr), devserverAddrPort(fd.raddr), a.Origin())
	if err != nil {
		fd.Close()
		return nil, err
	}
	listens := devserverListens(fd)
	if listens {
		if err := s.Listening(); err != nil {
			s.Close()
			fd.Close()
			return nil, err
		}
	}
	devserverTrack(fd, s, a.Reclaims() && !listens)
	return fd, nil
}

// devserverListens reports whether a descriptor that package net did not make is a listener's.
func devserverListens(fd *netFD) bool {
	agent.Trust()
	defer agent.Distrust()
	n, err := fd.pfd.GetsockoptInt(syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return err == nil && n != 0
}
