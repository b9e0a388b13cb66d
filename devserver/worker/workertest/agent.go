// Package workertest is the other end of a worker for tests: a process that speaks runtime/wire as an agent does, but
// is built with any Go. A test binary runs itself again with Main.
package workertest

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/seed-d81df0db/devserver/runtime/wire"
)

// Agent is a process's end of the sockets of a worker.
type Agent struct {
	Config wire.Config
	// Command answers a command; nil answers every one with success. Set it before Listen.
	Command func(wire.Message) error

	control *os.File
	conns   *net.UnixConn
	mu      sync.Mutex // guards writes to control
	once    sync.Once
}

// Start reads the configuration that the worker was started with and says hello.
func Start() (*Agent, error) {
	text, err := os.ReadFile(os.Getenv(wire.Env))
	if err != nil {
		return nil, err
	}
	a := &Agent{}
	if err := json.Unmarshal(text, &a.Config); err != nil {
		return nil, err
	}
	syscall.CloseOnExec(a.Config.ControlFD)
	syscall.CloseOnExec(a.Config.ConnFD)
	syscall.SetNonblock(a.Config.ControlFD, true)
	a.control = os.NewFile(uintptr(a.Config.ControlFD), "control")
	conns := os.NewFile(uintptr(a.Config.ConnFD), "conns")
	defer conns.Close()
	c, err := net.FileConn(conns)
	if err != nil {
		return nil, err
	}
	a.conns = c.(*net.UnixConn)
	return a, a.Say(wire.Message{Type: wire.Hello, PID: os.Getpid(), Go: "go0"})
}

// Say sends a message to the supervisor.
func (a *Agent) Say(m wire.Message) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, err = a.control.Write(append(line, '\n'))
	return err
}

// Serve answers commands until the supervisor is gone. Its error is never nil.
func (a *Agent) Serve() error {
	lines := bufio.NewScanner(a.control)
	for lines.Scan() {
		var m wire.Message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return err
		}
		done := wire.Message{Type: wire.Done, ID: m.ID}
		if a.Command != nil {
			if err := a.Command(m); err != nil {
				done.Error = err.Error()
			}
		}
		if err := a.Say(done); err != nil {
			return err
		}
	}
	return errors.Join(io.EOF, lines.Err())
}

// Listen is the app's own listener.
func (a *Agent) Listen() (net.Listener, error) {
	return (*listener)(a), a.Say(wire.Message{Type: wire.Listening, Addr: ":8080"})
}

type listener Agent

func (l *listener) Accept() (net.Conn, error) {
	a := (*Agent)(l)
	a.once.Do(func() { a.Say(wire.Message{Type: wire.Accepting}) })
	buf, rights := make([]byte, 4096), make([]byte, 64)
	n, rn, _, _, err := a.conns.ReadMsgUnix(buf, rights)
	if err != nil || n == 0 {
		return nil, errors.Join(net.ErrClosed, err)
	}
	var c wire.Conn
	if err := json.Unmarshal(buf[:n], &c); err != nil {
		return nil, err
	}
	fd, err := received(rights[:rn])
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "conn")
	defer f.Close()
	nc, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	taken, _ := json.Marshal(wire.ConnTaken{ID: c.ID})
	a.conns.Write(taken)
	return conn{nc, c}, nil
}

// received takes the one descriptor out of a control message.
func received(rights []byte) (int, error) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil || len(messages) != 1 {
		return 0, errors.Join(errors.New("no descriptor came"), err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return 0, errors.Join(errors.New("no descriptor came"), err)
	}
	syscall.CloseOnExec(fds[0])
	return fds[0], nil
}

func (l *listener) Close() error   { return l.conns.Close() }
func (l *listener) Addr() net.Addr { return address(":8080") }

// conn is a connection that comes from the client's address.
type conn struct {
	net.Conn
	said wire.Conn
}

func (c conn) RemoteAddr() net.Addr { return address(c.said.Remote) }
func (c conn) LocalAddr() net.Addr  { return address(c.said.Local) }

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }
