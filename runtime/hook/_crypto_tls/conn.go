package tls

import (
	"internal/devserver/agent"
	"internal/devserver/sandbox"
	"net"
)

// Read and Write are where the program's side of TLS passes.

func (c *Conn) Read(b []byte) (n int, err error) {
	tap := devserverTap(c, sandbox.KindReceive)
	if tap == nil {
		return c.devserverRead(b)
	}
	tap.Lock()
	defer tap.Unlock() // a connection of the program's own may panic
	at := agent.Get().Now()
	n, err = c.devserverRead(b)
	tap.Keep(at, n, b)
	return n, err
}

func (c *Conn) Write(b []byte) (n int, err error) {
	tap := devserverTap(c, sandbox.KindSend)
	if tap == nil {
		return c.devserverWrite(b)
	}
	tap.Lock()
	defer tap.Unlock()
	at := agent.Get().Now()
	n, err = c.devserverWrite(b)
	tap.Keep(at, n, b)
	return n, err
}

// devserverTap returns what captures the plaintext over the socket below c, nil when nothing does. TLS within TLS is not
// captured: a socket has one such layer, the one next to it.
func devserverTap(c *Conn, k sandbox.Kind) *sandbox.Tap {
	a := agent.Get()
	if a == nil || !a.Captures() {
		return nil
	}
	below := c.conn
	for range 8 {
		switch b := below.(type) {
		case *Conn:
			return nil
		case interface{ NetConn() net.Conn }:
			below = b.NetConn()
			continue
		}
		if s := agent.SocketOf(below); s != nil {
			return s.TLSTap(k)
		}
		return nil
	}
	return nil
}

// writeKeyLog is where every secret of a connection passes that a key log holds.
func (c *Config) writeKeyLog(label string, clientRandom, secret []byte) error {
	if c.KeyLogWriter == nil {
		if a := agent.Get(); a != nil {
			a.LogKey(label, clientRandom, secret)
		}
	}
	return c.devserverWriteKeyLog(label, clientRandom, secret)
}
