// Package peer serves the peers that stand in for production's when nothing is installed: builtin:echo,
// builtin:whois and builtin:smtp. Each listens on a loopback port of its own and is reached through a stand-in only.
package peer

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// idleLimit ends a conversation in which the client says nothing. It is longer than any production's idle limit, so
// that a reclaimed connection is seen to be ended by the sandbox, not by the peer.
const idleLimit = time.Hour

// talk is one conversation; its caller closes the connection.
type talk func(*Server, net.Conn)

// kinds are the peers by the name behind "builtin:".
var kinds = map[string]talk{"echo": echo, "whois": whois, "smtp": smtp}

// Server is a running peer.
type Server struct {
	Name string // echo, whois, smtp
	ln   net.Listener
	talk talk
	mail func(Mail)
	wait sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]struct{} // guarded by mu
	closed bool                  // guarded by mu
}

// Start serves the peer of that name on a free loopback port. Mail is told of what builtin:smtp took; nil drops it.
func Start(name string, mail func(Mail)) (*Server, error) {
	talk, ok := kinds[name]
	if !ok {
		return nil, fmt.Errorf("builtin:%s is not known; there are builtin:echo, builtin:whois and builtin:smtp", name)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("builtin:%s: %w", name, err)
	}
	s := &Server{Name: name, ln: ln, talk: talk, mail: mail, conns: map[net.Conn]struct{}{}}
	s.wait.Go(s.serve)
	return s, nil
}

// Addr is where it listens: host:port.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Close ends every conversation and returns when all have ended.
func (s *Server) Close() error {
	err := s.ln.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.wait.Wait()
	return err
}

func (s *Server) serve() {
	for {
		c, err := s.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no descriptor is free, for now
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if !s.keep(c) {
			c.Close()
			return
		}
		s.wait.Go(func() {
			defer s.drop(c)
			s.talk(s, c)
		})
	}
}

func (s *Server) keep(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.conns[c] = struct{}{}
	}
	return !s.closed
}

func (s *Server) drop(c net.Conn) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// patient gives every read and write the idle limit.
type patient struct{ net.Conn }

func (p patient) Read(b []byte) (int, error) {
	p.SetReadDeadline(time.Now().Add(idleLimit))
	return p.Conn.Read(b)
}

func (p patient) Write(b []byte) (int, error) {
	p.SetWriteDeadline(time.Now().Add(idleLimit))
	return p.Conn.Write(b)
}
