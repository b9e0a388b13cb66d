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

// A Listener is one descriptor of the app's own listener: the supervisor hands it the connections of the front proxy.
type Listener struct {
	FD   int            // a duplicate of the connection socket; closed by its holder
	Addr netip.AddrPort // what the app asked for
	a    *Agent
	open bool // guarded by a.listenMu
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

// ListenOwn opens the app's own listener at the address that the app asked for. It returns nil where no supervisor hands
// connections over, and EADDRINUSE while it is open already, unless the app shares its port (SO_REUSEPORT).
func (a *Agent) ListenOwn(addr netip.AddrPort, shared bool) (*Listener, error) {
	if a.cfg.ConnFD == 0 {
		return nil, nil
	}
	a.listenMu.Lock()
	defer a.listenMu.Unlock()
	if a.listening > 0 && !shared {
		return nil, os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	l, err := a.listener(addr)
	if err == nil {
		a.send(wire.Message{Type: wire.Listening, Addr: addr.String()})
	}
	return l, err
}

// Another returns a further descriptor of the same listener.
func (l *Listener) Another() (*Listener, error) {
	l.a.listenMu.Lock()
	defer l.a.listenMu.Unlock()
	return l.a.listener(l.Addr)
}

// listener makes a descriptor of the own listener. The caller holds listenMu.
func (a *Agent) listener(addr netip.AddrPort) (*Listener, error) {
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
	return a.opened(fd, addr), nil
}

// opened counts a descriptor of the own listener. The caller holds listenMu.
func (a *Agent) opened(fd int, addr netip.AddrPort) *Listener {
	a.listening++
	return &Listener{FD: fd, Addr: addr, a: a, open: true}
}

// ServesTLS tells the supervisor when the listener that is to serve TLS is the app's own.
func (a *Agent) ServesTLS(listener any) {
	if IsOwn(listener) {
		a.send(wire.Message{Type: wire.Listening, TLS: true})
	}
}

// Close lets the app listen again, once no descriptor of its listener is open. The caller closes FD.
func (l *Listener) Close() {
	l.a.listenMu.Lock()
	defer l.a.listenMu.Unlock()
	if l.open {
		l.open = false
		l.a.listening--
	}
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
