package proxy

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// client is a connection from outside. What it asks of the app travels over connections that are its alone: the app
// sees its address on them.
type client struct {
	net.Conn
	proxy  *Proxy
	scheme string // "http" or "https"
	in     stream // what was read ahead to tell the protocol

	mu         sync.Mutex
	target     *target         // which the transports lead to; guarded by mu
	transport1 *http.Transport // nil until used; guarded by mu
	transport2 *http.Transport // nil until used; guarded by mu
}

func clientOf(p *Proxy, c net.Conn, scheme string) *client {
	return &client{Conn: c, proxy: p, scheme: scheme, in: stream{r: c}}
}

// Read begins with what was read ahead.
func (c *client) Read(p []byte) (int, error) { return c.in.Read(p) }

type clientKey struct{}

func withClient(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, clientKey{}, c)
}

// Close also closes the connections to the app that nothing is using any more.
func (c *client) Close() error {
	c.proxy.forget(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hangUpLocked()
	return c.Conn.Close()
}

func (c *client) hangUpLocked() {
	for _, t := range []*http.Transport{c.transport1, c.transport2} {
		if t != nil {
			t.CloseIdleConnections()
		}
	}
	c.target, c.transport1, c.transport2 = nil, nil, nil
}

// transport returns what carries this client's requests to t.
func (c *client) transport(t *target, http2 bool) *http.Transport {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.target != t {
		c.hangUpLocked()
		c.target = t
	}
	which := &c.transport1
	if http2 {
		which = &c.transport2
	}
	if *which == nil {
		*which = c.newTransport(t, http2)
	}
	return *which
}

func (c *client) newTransport(t *target, http2 bool) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetUnencryptedHTTP2(http2)
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return c.proxy.gate.hand(ctx, t, c)
		},
		Protocols:             protocols,
		DisableCompression:    true, // the client's Accept-Encoding is the one that counts
		MaxIdleConnsPerHost:   100,  // a client that speaks HTTP/2 may have as many requests at once
		ExpectContinueTimeout: expectContinue,
	}
}
