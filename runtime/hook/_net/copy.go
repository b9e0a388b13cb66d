//go:build unix

package net

import (
	"internal/devserver/agent"
	"internal/poll"
	"io"
)

// The kernel's own copying would pass unseen: for a judged socket it is declined, and io.Copy falls back to Read
// and Write.

func sendFile(c *netFD, r io.Reader) (written int64, err error, handled bool) {
	if c.devserver.sock != nil {
		return 0, nil, false
	}
	return devserverSendFile(c, r)
}

func spliceFrom(c *netFD, r io.Reader) (written int64, err error, handled bool) {
	if c.devserver.sock != nil || devserverJudged(r) {
		return 0, nil, false
	}
	return devserverSpliceFrom(c, r)
}

func spliceTo(w io.Writer, c *netFD) (written int64, err error, handled bool) {
	if c.devserver.sock != nil || devserverJudged(w) {
		return 0, nil, false
	}
	return devserverSpliceTo(w, c)
}

// devserverJudged reports whether v, one end of a copy, is a connection with a sandbox socket.
func devserverJudged(v any) bool {
	if lr, ok := v.(*io.LimitedReader); ok {
		v = lr.R
	}
	switch c := v.(type) {
	case *TCPConn:
		return c.fd.devserver.sock != nil
	case tcpConnWithoutWriteTo:
		return c.fd.devserver.sock != nil
	case *UnixConn:
		return c.fd.devserver.sock != nil
	}
	return false
}

// PollFD is how package os finds the descriptor for a copy in the kernel; nil makes it fall back.
func (c *rawConn) PollFD() *poll.FD {
	if c.ok() && c.fd.devserver.sock != nil {
		return nil
	}
	return c.devserverPollFD()
}

// Control, Read and Write give the descriptor to user code: what that code does with it is judged in package syscall.

func (c *rawConn) Control(f func(uintptr)) error {
	if !c.devserverLend() {
		return c.devserverControl(f)
	}
	return c.devserverControl(func(fd uintptr) {
		defer agent.SetTrust(agent.SetTrust(0))
		f(fd)
	})
}

func (c *rawConn) Read(f func(uintptr) bool) error {
	if !c.devserverLend() {
		return c.devserverRead(f)
	}
	return c.devserverRead(func(fd uintptr) bool {
		defer agent.SetTrust(agent.SetTrust(0))
		return f(fd)
	})
}

func (c *rawConn) Write(f func(uintptr) bool) error {
	if !c.devserverLend() {
		return c.devserverWrite(f)
	}
	return c.devserverWrite(func(fd uintptr) bool {
		defer agent.SetTrust(agent.SetTrust(0))
		return f(fd)
	})
}

// devserverLend notes that user code learns the number of a judged descriptor.
func (c *rawConn) devserverLend() bool {
	if !c.ok() || c.fd.devserver.sock == nil {
		return false
	}
	if a := agent.Get(); a != nil {
		a.Lend(c.fd.pfd.Sysfd, c.fd.devserver.sock)
		c.fd.devserver.lent.Store(true)
	}
	return true
}

func init() {
	agent.SocketOf = devserverSocketOf
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
