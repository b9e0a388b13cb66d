package proxy

import (
	"context"
	"net"
	"sync"
	"sync/atomic"

	"github.com/seed-d81df0db/devserver/devserver/worker"
)

// appConn is a connection to a worker, which its target knows until it is closed.
type appConn struct {
	net.Conn
	gate    *gate
	target  *target
	written atomic.Int64 // bytes
	once    sync.Once
}

// hand makes a connection to t that comes from c. After cut there are no more: it is as if the worker had ended.
func (g *gate) hand(ctx context.Context, t *target, c *client) (*appConn, error) {
	conn, err := t.backend.Hand(ctx, c.RemoteAddr(), c.LocalAddr())
	if err != nil {
		return nil, err
	}
	a := &appConn{Conn: conn, gate: g, target: t}
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.cut {
		conn.Close()
		return nil, worker.ErrGone
	}
	t.conns[a] = struct{}{}
	return a, nil
}

// Write also counts.
func (a *appConn) Write(p []byte) (int, error) {
	n, err := a.Conn.Write(p)
	a.written.Add(int64(n))
	return n, err
}

// Close also has the target forget it.
func (a *appConn) Close() error {
	a.once.Do(func() {
		a.gate.mu.Lock()
		defer a.gate.mu.Unlock()
		delete(a.target.conns, a)
		a.gate.forgetLocked(a.target)
	})
	return a.Conn.Close()
}

// CloseWrite ends what the app is sent.
func (a *appConn) CloseWrite() error { closeWrite(a.Conn); return nil }

// NetConn returns the connection itself.
func (a *appConn) NetConn() net.Conn { return a.Conn }

// cut closes all connections to b.
func (g *gate) cut(b Backend) {
	g.mu.Lock()
	var open []*appConn
	for t := range g.targets {
		if t.backend == b {
			t.cut = t.retired // a live one would be asked for connections for ever
			for a := range t.conns {
				open = append(open, a)
			}
		}
	}
	g.mu.Unlock()
	for _, a := range open {
		a.Close()
	}
}

// forgetLocked lets go of a target that is retired and has nothing any more.
func (g *gate) forgetLocked(t *target) {
	if t.retired && t.requests == 0 && len(t.conns) == 0 {
		delete(g.targets, t)
	}
}

// leftBehind tells whether requests go elsewhere than to t.
func (g *gate) leftBehind(t *target) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return t.retired || t.gone()
}
