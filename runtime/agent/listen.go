package agent

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"runtime"
	"syscall"

	"github.com/seed-d81df0db/devserver/runtime/wire"
)

// A Listener is the app's own: the supervisor hands it the connections of the front proxy.
type Listener struct {
	FD int // a duplicate of the connection socket, for package net's poller; closed by its holder
	a  *Agent
}

// A Handed connection was accepted by the front proxy. FD is a loopback TCP connection.
type Handed struct {
	FD            int
	Remote, Local netip.AddrPort // the client's real address, and the one it connected to
	id            uint64
}

// OwnPort reports whether a listen on port is the app's own.
func (a *Agent) OwnPort(port uint16) bool {
	return a.cfg.Port != 0 && int(port) == a.cfg.Port
}

// ListenOwn opens the app's own listener; addr is what the app asked for. It returns nil where no supervisor hands
// connections over, and EADDRINUSE while it is open already.
func (a *Agent) ListenOwn(addr string) (*Listener, error) {
	if a.cfg.ConnFD == 0 {
		return nil, nil
	}
	a.listenMu.Lock()
	defer a.listenMu.Unlock()
	if a.listening {
		return nil, os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	syscall.ForkLock.RLock()
	fd, err := syscall.Dup(a.cfg.ConnFD)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	a.listening = true
	a.send(wire.Message{Type: wire.Listening, Addr: addr})
	return &Listener{FD: fd, a: a}, nil
}

// ServesTLS tells the supervisor when the listener that is to serve TLS is the app's own.
func (a *Agent) ServesTLS(listener any) {
	if IsOwn(listener) {
		a.send(wire.Message{Type: wire.Listening, TLS: true})
	}
}

// Close lets the app listen again. The caller closes FD.
func (l *Listener) Close() {
	l.a.listenMu.Lock()
	defer l.a.listenMu.Unlock()
	l.a.listening = false
}

// Accepting tells the supervisor, once, that the app takes connections.
func (l *Listener) Accepting() {
	l.a.listenMu.Lock()
	first := !l.a.accepting
	l.a.accepting = true
	l.a.listenMu.Unlock()
	if first {
		l.a.send(wire.Message{Type: wire.Accepting})
	}
}

// Receive reads a connection out of what a recvmsg on FD returned.
func (l *Listener) Receive(data, oob []byte) (Handed, error) {
	msgs, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return Handed{}, err
	}
	var fds []int
	for i := range msgs {
		got, err := syscall.ParseUnixRights(&msgs[i])
		if err == nil {
			fds = append(fds, got...)
		}
	}
	h, err := handed(data, fds)
	if err != nil {
		for _, fd := range fds {
			syscall.Close(fd)
		}
	}
	return h, err
}

func handed(data []byte, fds []int) (Handed, error) {
	if len(fds) != 1 {
		return Handed{}, errors.New("a handed connection has one descriptor")
	}
	var c wire.Conn
	if err := json.Unmarshal(data, &c); err != nil {
		return Handed{}, err
	}
	h := Handed{FD: fds[0], id: c.ID}
	var err error
	if h.Remote, err = netip.ParseAddrPort(c.Remote); err != nil {
		return Handed{}, err
	}
	if h.Local, err = netip.ParseAddrPort(c.Local); err != nil {
		return Handed{}, err
	}
	syscall.CloseOnExec(h.FD)
	return h, syscall.SetNonblock(h.FD, true)
}

// Taken tells the supervisor that the app's Accept returns h.
func (l *Listener) Taken(h Handed) {
	text, _ := json.Marshal(wire.ConnTaken{ID: h.id})
	for {
		_, err := syscall.Write(l.a.cfg.ConnFD, text)
		if err != syscall.EAGAIN && err != syscall.EINTR && err != syscall.ENOBUFS {
			return // sent, or the supervisor is gone and its end shows on the control socket
		}
		runtime.Gosched()
	}
}
