package proxy

import (
	"net"
	"strings"
	"sync"
)

// preface is what a client sends first that speaks HTTP/2 (RFC 9113, 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// feed is a listener that takes connections from the program.
type feed struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newFeed() *feed { return &feed{conns: make(chan net.Conn), closed: make(chan struct{})} }

// give has the listener return c. It reports false after Close.
func (f *feed) give(c net.Conn) bool {
	select {
	case f.conns <- c:
		return true
	case <-f.closed:
		return false
	}
}

// Accept is net.Listener's.
func (f *feed) Accept() (net.Conn, error) {
	select {
	case c := <-f.conns:
		return c, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

// Close is net.Listener's.
func (f *feed) Close() error { f.once.Do(func() { close(f.closed) }); return nil }

// Addr is net.Listener's. Nobody asks.
func (f *feed) Addr() net.Addr { return &net.TCPAddr{} }

// serveConn serves a connection from outside until its end, or hands it to the server of HTTP/2. Its scheme, "http" or
// "https", is what the app is told. Whoever calls it has called enter.
func (p *Proxy) serveConn(conn net.Conn, scheme string) {
	p.start.Do(func() {
		p.servers.Go(func() { p.server.Serve(p.second) })
		p.servers.Go(func() { p.own.Serve(p.inside) })
	})
	c := clientOf(p, conn, scheme)
	if !p.keep(c) {
		conn.Close()
		return
	}
	if !c.speaksHTTP2() {
		s := &session{proxy: p, client: c, in: &c.in}
		s.run()
		return
	}
	if !p.second.give(c) {
		c.Close()
	}
}

// speaksHTTP2 waits until what the client sends tells its protocol.
func (c *client) speaksHTTP2() bool {
	for {
		b := c.in.bytes()
		if len(b) >= len(preface) {
			return string(b[:len(preface)]) == preface
		}
		if !strings.HasPrefix(preface, string(b)) {
			return false
		}
		if err := c.in.fill(); err != nil {
			return false // the session meets it again
		}
	}
}
