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
	*net.TCPConn
	proxy *Proxy

	mu     sync.Mutex
	target *target         // which the transports lead to; guarded by mu
	http1  *http.Transport // nil until used; guarded by mu
	http2  *http.Transport // nil until used; guarded by mu
}

// listener makes every connection a client.
type listener struct {
	net.Listener
	proxy *Proxy
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	from := &client{TCPConn: c.(*net.TCPConn), proxy: l.proxy}
	l.proxy.keep(from)
	return from, nil
}

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
	return c.TCPConn.Close()
}

func (c *client) hangUpLocked() {
	for _, t := range []*http.Transport{c.http1, c.http2} {
		if t != nil {
			t.CloseIdleConnections()
		}
	}
	c.target, c.http1, c.http2 = nil, nil, nil
}

// transport returns what carries this client's requests to t.
func (c *client) transport(t *target, http2 bool) *http.Transport {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.target != t {
		c.hangUpLocked()
		c.target = t
	}
	which := &c.http1
	if http2 {
		which = &c.http2
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
			return t.backend.Hand(ctx, c.RemoteAddr(), c.LocalAddr())
		},
		Protocols:             protocols,
		DisableCompression:    true, // the client's Accept-Encoding is the one that counts
		MaxIdleConnsPerHost:   100,  // a client that speaks HTTP/2 may have as many requests at once
		ExpectContinueTimeout: expectContinue,
	}
}
