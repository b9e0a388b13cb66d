package delve

import (
	"context"
	"io"
	"net"
	"sync"
)

// Config says how programs are debugged.
type Config struct {
	Tool     string       // path of dlv, see Find
	Listener net.Listener // where clients connect; Close closes it
	Dir      string       // dlv's working directory
	// Warn is told when a process cannot be debugged, in a sentence that names the way out. It is called from any goroutine; nil: nobody is told.
	Warn func(text string)
}

// A Server lets clients debug one process after the other. Its methods may be called from any goroutine.
type Server struct {
	conf   Config
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	all    sync.WaitGroup
	wake   chan struct{} // there is another process

	turns sync.Mutex // held while dlv attaches or lets go
	now   *session   // guarded by turns; nil: none was started, or it could not attach

	mu      sync.Mutex
	pid     int             // of the process to debug; 0: none is. guarded by mu
	gone    <-chan struct{} // closed when it has ended; guarded by mu
	changed chan struct{}   // closed and made anew when there is another process; guarded by mu
}

// New serves clients on c.Listener until Close.
func New(c Config) *Server {
	if c.Warn == nil {
		c.Warn = func(string) {}
	}
	s := &Server{conf: c, wake: make(chan struct{}, 1), changed: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.all.Go(s.accept)
	s.all.Go(s.follow)
	return s
}

// Addr is where clients connect.
func (s *Server) Addr() string { return s.conf.Listener.Addr().String() }

// Target makes a process the one to debug; gone is closed when it has ended. It does not wait: the process before is let
// go of and goes on without a debugger, then dlv attaches to this one. What goes wrong, Warn is told.
func (s *Server) Target(pid int, gone <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pid, s.gone = pid, gone
	close(s.changed)
	s.changed = make(chan struct{})
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close lets go of the process, disconnects all clients and gives the address back.
func (s *Server) Close() error {
	s.cancel()
	err := s.conf.Listener.Close()
	s.all.Wait()
	return err
}

// follow attaches to each process when it becomes the one to debug.
func (s *Server) follow() {
	for {
		select {
		case <-s.wake:
			s.bring()
		case <-s.ctx.Done():
			s.turns.Lock()
			s.letGo()
			s.turns.Unlock()
			return
		}
	}
}

// bring returns the session of the process; nil when there is no process, or dlv cannot attach to it. A process whose dlv was
// ended by a client is attached to again.
func (s *Server) bring() *session {
	s.turns.Lock()
	defer s.turns.Unlock()
	s.mu.Lock()
	pid, gone := s.pid, s.gone
	s.mu.Unlock()
	if s.now != nil && s.now.gone == gone && !closed(s.now.done) {
		return s.now
	}
	s.letGo()
	if pid == 0 || closed(gone) || s.ctx.Err() != nil {
		return nil
	}
	fresh, err := start(s.ctx, s.conf.Tool, s.conf.Dir, pid)
	if err != nil {
		if s.ctx.Err() == nil && !closed(gone) {
			s.conf.Warn(err.Error())
		}
		return nil
	}
	fresh.gone = gone
	s.now = fresh
	s.all.Go(func() { // dlv outlives a process that has ended while clients look at it
		select {
		case <-gone:
			fresh.end()
		case <-fresh.done:
		}
	})
	return fresh
}

// letGo ends the session under way; the caller holds turns.
func (s *Server) letGo() {
	if s.now != nil {
		s.now.end()
		s.now = nil
	}
}

// accept takes clients.
func (s *Server) accept() {
	for {
		c, err := s.conf.Listener.Accept()
		if err != nil {
			return
		}
		if !sameUser(c) {
			c.Close()
			s.conf.Warn("a connection of another user of this machine to the debugger was refused")
			continue
		}
		s.all.Go(func() { s.serve(c) })
	}
}

// serve passes on what a client and dlv say to each other, until one of them or the session ends.
func (s *Server) serve(client net.Conn) {
	defer client.Close()
	session := s.session()
	if session == nil {
		return
	}
	dlv, err := session.dial(s.ctx)
	if err != nil {
		return
	}
	defer dlv.Close()
	stop := context.AfterFunc(s.ctx, func() { client.Close(); dlv.Close() })
	defer stop()
	ended := make(chan struct{}, 2)
	pass := func(to, from net.Conn) {
		io.Copy(to, from)
		ended <- struct{}{}
	}
	s.all.Go(func() { pass(dlv, client) })
	s.all.Go(func() { pass(client, dlv) })
	select {
	case <-ended:
	case <-session.done:
	}
}

// session returns that of the process, and waits for the next process where there is none; nil when the Server is closed or dlv
// cannot attach.
func (s *Server) session() *session {
	for {
		s.mu.Lock()
		gone, changed, none := s.gone, s.changed, s.pid == 0
		s.mu.Unlock()
		if !none && !closed(gone) {
			now := s.bring()
			if now != nil || !closed(gone) {
				return now
			}
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			return nil
		}
	}
}

// closed tells whether c is closed; a nil channel never is.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
