//go:build unix

package net

import (
	"internal/devserver/agent"
	"internal/devserver/sandbox"
	"internal/poll"
	"io"
)

// What the kernel copies by itself is one operation on each judged end.

func sendFile(c *netFD, r io.Reader) (written int64, err error, handled bool) {
	if c.devserver.sock == nil {
		return devserverSendFile(c, r)
	}
	return devserverCopied(c, nil, func() (int64, error, bool) { return devserverSendFile(c, r) })
}

func spliceFrom(c *netFD, r io.Reader) (written int64, err error, handled bool) {
	from := devserverEnd(r)
	if c.devserver.sock == nil && from == nil {
		return devserverSpliceFrom(c, r)
	}
	return devserverCopied(c, from, func() (int64, error, bool) { return devserverSpliceFrom(c, r) })
}

func spliceTo(w io.Writer, c *netFD) (written int64, err error, handled bool) {
	to := devserverEnd(w)
	if c.devserver.sock == nil && to == nil {
		return devserverSpliceTo(w, c)
	}
	return devserverCopied(to, c, func() (int64, error, bool) { return devserverSpliceTo(w, c) })
}

// devserverCopied makes a copy from one descriptor to another, either of which may be nil or not judged. A copy that
// the kernel declines was no operation: Read and Write follow. They also do where a quota may end the copy midway,
// or where the bytes are captured.
func devserverCopied(to, from *netFD, do func() (int64, error, bool)) (written int64, err error, handled bool) {
	if to.devserverMetered(sandbox.KindSend) || from.devserverMetered(sandbox.KindReceive) {
		return 0, nil, false
	}
	send, err := devserverCopies(to, sandbox.KindSend)
	if err != nil {
		return 0, err, true
	}
	receive, err := devserverCopies(from, sandbox.KindReceive)
	if err != nil {
		send.cancel()
		return 0, err, true
	}
	written, err, handled = do()
	if !handled {
		receive.cancel()
		send.cancel()
		return written, err, handled
	}
	receive.end(written, nil)
	return written, send.end(written, err), handled
}

// devserverMetered reports whether somebody must see each piece of what fd moves.
func (fd *netFD) devserverMetered(k sandbox.Kind) bool {
	return fd != nil && fd.devserver.sock != nil && (fd.devserver.sock.Metered(k) || fd.devserver.sock.Captures(k))
}

// devserverCopy is one end of a copy; without fd it is not judged.
type devserverCopy struct {
	fd *netFD
	op sandbox.Op
}

func devserverCopies(fd *netFD, k sandbox.Kind) (c devserverCopy, err error) {
	if fd == nil || fd.devserver.sock == nil {
		return c, nil
	}
	c.fd = fd
	c.op, err = fd.devserverBegin(k, 0)
	return c, err
}

func (c devserverCopy) end(n int64, err error) error {
	if c.fd == nil {
		return err
	}
	return c.fd.devserverEnd(c.op, int(n), err)
}

func (c devserverCopy) cancel() {
	if c.fd != nil {
		c.fd.devserverCancel(c.op)
	}
}

// devserverEnd returns the descriptor of v, one end of a copy, when it is a connection that is judged.
func devserverEnd(v any) *netFD {
	if lr, ok := v.(*io.LimitedReader); ok {
		v = lr.R
	}
	var fd *netFD
	switch c := v.(type) {
	case *TCPConn:
		fd = c.fd
	case tcpConnWithoutWriteTo:
		fd = c.fd
	case *UnixConn:
		fd = c.fd
	}
	if fd == nil || fd.devserver.sock == nil {
		return nil
	}
	return fd
}

// PollFD is how package os finds the descriptor for a copy in the kernel; nil makes it fall back.
func (c *rawConn) PollFD() *poll.FD {
	if c.ok() && c.fd.devserver.sock != nil {
		return nil
	}
	return c.devserverPollFD()
}

// Control, Read and Write give the descriptor to user code: what that code does with it is judged in package syscall. Who
// waits for it when it is reclaimed is not called once more, whether the close or the shutdown before it has come first.

func (c *rawConn) Control(f func(uintptr)) error {
	if c.devserverOwn() {
		return c.devserverControl(func(fd uintptr) {
			defer agent.SetTrust(c.fd.devserverLend(fd))
			f(fd)
		})
	}
	if !c.devserverJudged() {
		return c.devserverControl(f)
	}
	return c.devserverReclaimed(sandbox.KindReceive, c.devserverControl(func(fd uintptr) {
		defer agent.SetTrust(c.fd.devserverLend(fd))
		f(fd)
	}))
}

// Control of a listener: user code may wait and accept by itself on the own one's number, as on a duplicate.
func (l *rawListener) Control(f func(uintptr)) error {
	err := l.rawConn.Control(f)
	if err == nil && l.devserverOwn() {
		l.fd.devserver.own.Accepting()
	}
	return err
}

func (c *rawConn) Read(f func(uintptr) bool) error  { return c.devserverReady(sandbox.KindReceive, f) }
func (c *rawConn) Write(f func(uintptr) bool) error { return c.devserverReady(sandbox.KindSend, f) }

// devserverReady is Read or Write, by what the descriptor is to be ready for.
func (c *rawConn) devserverReady(k sandbox.Kind, f func(uintptr) bool) error {
	lent := func(fd uintptr) bool {
		defer agent.SetTrust(c.fd.devserverLend(fd))
		return f(fd)
	}
	switch {
	case c.devserverOwn():
		return c.devserverWait(k, lent)
	case !c.devserverJudged():
		return c.devserverWait(k, f)
	}
	sock, gone := c.fd.devserver.sock, false
	op := sock.Waiting(k)
	err := c.devserverWait(k, func(fd uintptr) bool {
		if gone = sock.Reclaimed(); gone {
			return true
		}
		return lent(fd)
	})
	if gone {
		name := "raw-read"
		if k == sandbox.KindSend {
			name = "raw-write"
		}
		err = &OpError{Op: name, Net: c.fd.net, Addr: c.fd.laddr, Err: poll.ErrNetClosing}
	}
	return c.devserverWaited(op, k, err)
}

// devserverWait is the original Read or Write.
func (c *rawConn) devserverWait(k sandbox.Kind, f func(uintptr) bool) error {
	if k == sandbox.KindSend {
		return c.devserverWrite(f)
	}
	return c.devserverRead(f)
}

// devserverWaited ends a wait for the descriptor to be ready, and puts what production says in the place of an error that
// the sandbox has made.
func (c *rawConn) devserverWaited(op sandbox.Op, k sandbox.Kind, err error) error {
	of, ok := err.(*OpError)
	if !ok {
		return c.fd.devserver.sock.Waited(op, err)
	}
	if told := c.fd.devserver.sock.Waited(op, of.Err); told != of.Err {
		own := *of
		own.Err = told
		return &own
	}
	return c.devserverReclaimed(k, err)
}

// devserverReclaimed puts a reclaimed socket's error in the place of the one that says that the descriptor is closed:
// the sandbox has closed it, not the program.
func (c *rawConn) devserverReclaimed(k sandbox.Kind, err error) error {
	op, ok := err.(*OpError)
	if !ok || !c.fd.devserver.sock.Reclaimed() || op.Err != poll.ErrNetClosing {
		return err
	}
	own := *op
	_, own.Err = c.fd.devserver.sock.Begin(k, 0)
	if own.Err == nil {
		return err
	}
	return &own
}

// devserverOwn reports whether c is of the app's own listener.
func (c *rawConn) devserverOwn() bool { return c.ok() && c.fd.devserver.own != nil }

func (c *rawConn) devserverJudged() bool { return c.ok() && c.fd.devserver.sock != nil }

// devserverLend notes that user code learns the number of a judged descriptor or of the own listener's, while it cannot be
// closed, and lets what the goroutine does be judged. It returns how far it was trusted.
func (fd *netFD) devserverLend(number uintptr) (trust int32) {
	if fd.devserver.own != nil {
		fd.devserver.own.Lend(int(number))
	} else {
		agent.Get().Lend(int(number), fd.devserver.sock)
	}
	fd.devserver.lent.Store(int64(number) + 1)
	return agent.SetTrust(0)
}

func init() {
	agent.SocketOf = devserverSocketOf
	agent.IsOwn = func(l any) bool {
		tcp, ok := l.(*TCPListener)
		return ok && tcp.ok() && tcp.fd.devserver.own != nil
	}
}

// devserverSocketOf returns the sandbox socket below a connection, looking through TLS; nil when there is none.
func devserverSocketOf(conn any) *agent.Socket {
	for range 8 {
		switch c := conn.(type) {
		case *TCPConn:
			if c.ok() {
				return c.fd.devserver.sock
			}
			return nil
		case *UnixConn:
			if c.ok() {
				return c.fd.devserver.sock
			}
			return nil
		case interface{ NetConn() Conn }:
			conn = c.NetConn()
		default:
			return nil
		}
	}
	return nil
}
