// Package proxy is the front door of an app: what browsers and clients connect to.
//
// Each request goes to the worker that is live when it arrives, over a connection of its client's own, so that the
// app sees the client's address. While a new version is being built requests wait for it; when it accepts, Use moves
// the traffic, and the old worker keeps what it has until that is finished.
//
//	client ── connection ──► session (HTTP/1) ──► gate: which worker? ──► Backend.Hand ──► link ──► app
//	               │                               │ none: a page that says why
//	               └── http.Server (HTTP/2) ──►    └ Hold, Use, Release, Drop, Cut: the app's loop in package devserver
//
// HTTP/1 passes byte for byte but for X-Forwarded-*. A session reads what its client sends and a link what the app
// sends, only for where heads and bodies end: a turn is one request with its answer. What the proxy answers itself, an
// http.Server answers that sees a connection of one request (own). HTTP/2 goes through ReverseProxy.
package proxy

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"sync/atomic"
	"time"
)

// Backend is a worker that requests go to.
type Backend interface {
	// Hand gives the app a connection that comes from remote, and returns its other end once the app has accepted it.
	// An error that is worker.ErrGone says that the app never saw it.
	Hand(ctx context.Context, remote, local net.Addr) (net.Conn, error)
	// Gone is closed when the worker has ended.
	Gone() <-chan struct{}
}

// Config says how requests are served.
type Config struct {
	App       string        // its name, for pages
	ServeOld  bool          // requests that arrive during a build get the old version instead of waiting
	WaitLimit time.Duration // how long a request waits for a version; 0: 30 s
	Answered  func(Answer)  // told of each request that no app answered, but for those that Follow hears of, from any goroutine; nil: nobody is

	// Handle returns what answers a request instead of the app, nil for none. A nil Handle: none ever.
	Handle func(*http.Request) http.Handler
	// Ask may change the headers of a request before the app gets it; nil changes nothing.
	Ask func(*http.Request)
	// Rewrite may change headers and body of an answer by b; nil changes nothing.
	Rewrite func(b Backend, r *http.Request, res *http.Response)
	// Follow is told of each request right before a worker gets it, and returns who hears of the rest. It may
	// be called from any goroutine. nil: nobody follows.
	Follow func(Backend, Sent) Follower
}

// Answer is how a request ended.
type Answer struct {
	At         time.Time
	Duration   time.Duration
	Method     string
	URL        string // as the client wrote it
	RemoteAddr string
	Proto      string
	Status     int    // 0: the connection was cut
	BytesIn    int64  // of the body, as far as the app was sent it
	BytesOut   int64  // of the body
	Err        string // why it did not end well; "": it did
}

// to completes an answer with what was asked, and when; it ends now.
func (a Answer) to(r *http.Request, at time.Time) Answer {
	a.At, a.Duration = at, time.Since(at)
	a.Method, a.URL, a.RemoteAddr, a.Proto = r.Method, r.RequestURI, r.RemoteAddr, r.Proto
	return a
}

// Proxy serves one app. Its methods may be called from any goroutine.
type Proxy struct {
	conf    Config
	gate    *gate
	waiting atomic.Int64 // nanoseconds: how long a request waits for a version
	server  *http.Server // of clients that speak HTTP/2
	second  *feed        // its connections
	forward *httputil.ReverseProxy
	own     *http.Server // of what the proxy answers itself on HTTP/1 connections
	inside  *feed        // its connections
	start   sync.Once
	servers sync.WaitGroup
	ctx     context.Context // ends when Close cuts what is under way
	cancel  context.CancelFunc

	mu        sync.Mutex
	closing   bool                      // no new request begins; guarded by mu
	closed    bool                      // nor one of HTTP/2; guarded by mu
	listeners map[net.Listener]struct{} // guarded by mu
	clients   map[*client]struct{}      // guarded by mu
	turns     int                       // requests of HTTP/1 under way; guarded by mu
	idle      chan struct{}             // closed when there are none while closing; guarded by mu
	handlers  sync.WaitGroup            // counted up with mu held, while not closed
}

// silent takes what servers complain of: it is the app's or the client's doing, and both are told.
var silent = log.New(io.Discard, "", 0)

// New returns a proxy that holds every request until Use or Drop.
func New(c Config) *Proxy {
	if c.WaitLimit == 0 {
		c.WaitLimit = 30 * time.Second
	}
	p := &Proxy{
		conf: c, gate: newGate(!c.ServeOld), own: ownServer(), second: newFeed(), inside: newFeed(), idle: make(chan struct{}),
		clients: map[*client]struct{}{}, listeners: map[net.Listener]struct{}{},
	}
	p.waiting.Store(int64(c.WaitLimit))
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.forward = &httputil.ReverseProxy{
		Rewrite:       p.rewrite,
		Transport:     (*forwarder)(p),
		FlushInterval: -1,
		ErrorLog:      silent,
		ErrorHandler:  p.failed,
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	p.server = &http.Server{
		Handler:     p,
		Protocols:   protocols,
		ErrorLog:    silent,
		ConnContext: withClient,
	}
	return p
}

// Serve accepts connections of ln until Close, and then returns nil. It may be called for several listeners.
func (p *Proxy) Serve(ln net.Listener) error {
	return p.accept(ln, func(c net.Conn) { p.serveConn(c, "http") })
}

// ServeTLS is Serve for a listener whose clients speak TLS, in HTTP/2 where conf.NextProtos has h2.
func (p *Proxy) ServeTLS(ln net.Listener, conf *tls.Config) error {
	return p.accept(ln, func(c net.Conn) { p.serveTLS(c, conf) })
}

// accept has serve serve each connection of ln until Close.
func (p *Proxy) accept(ln net.Listener, serve func(net.Conn)) error {
	if !p.listen(ln) {
		return nil
	}
	for wait := time.Duration(0); ; {
		c, err := ln.Accept()
		switch {
		case err == nil:
			wait = 0
			p.admit(func() { serve(c) }, c)
		case p.ending():
			return nil
		case temporary(err): // out of descriptors: some are closed soon
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			p.pause(wait)
		default:
			return err
		}
	}
}

func temporary(err error) bool {
	t, ok := err.(interface{ Temporary() bool })
	return ok && t.Temporary()
}

func (p *Proxy) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-p.ctx.Done():
	}
}

// admit serves a connection in a goroutine that Close waits for.
func (p *Proxy) admit(serve func(), c net.Conn) {
	if !p.enter() {
		c.Close()
		return
	}
	go func() {
		defer p.handlers.Done()
		serve()
	}()
}

func (p *Proxy) listen(ln net.Listener) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		ln.Close()
		return false
	}
	p.listeners[ln] = struct{}{}
	return true
}

func (p *Proxy) ending() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closing
}

// Close stops accepting, lets requests under way finish until ctx ends, cuts the rest, and returns when all have ended.
func (p *Proxy) Close(ctx context.Context) error {
	idle := p.stop()
	err := p.server.Shutdown(ctx)
	select {
	case <-idle:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		err = p.server.Close()
	}
	p.mu.Lock()
	p.closed = true
	for c := range p.clients { // also those that were upgraded
		c.Conn.Close()
	}
	p.mu.Unlock()
	p.cancel()
	p.second.Close()
	p.handlers.Wait()
	p.inside.Close()
	p.own.Close()
	p.servers.Wait()
	return err
}

// stop has no new request begin. The channel is closed when those of HTTP/1 have ended.
func (p *Proxy) stop() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closing {
		p.closing = true
		p.settleLocked()
	}
	for ln := range p.listeners {
		ln.Close()
	}
	return p.idle
}

func (p *Proxy) settleLocked() {
	if p.closing && p.turns == 0 {
		close(p.idle)
	}
}

// beginTurn counts a request of HTTP/1 in. It reports false while closing.
func (p *Proxy) beginTurn() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closing {
		p.turns++
	}
	return !p.closing
}

func (p *Proxy) endTurn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turns--
	p.settleLocked()
}

// enter counts a connection or a request of HTTP/2 in. It reports false after Close.
func (p *Proxy) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.handlers.Add(1)
	}
	return !p.closed
}

// keep remembers a client until it is closed. It reports false while closing.
func (p *Proxy) keep(c *client) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closing {
		p.clients[c] = struct{}{}
	}
	return !p.closing
}

func (p *Proxy) forget(c *client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.clients, c)
}

// Cut ends what is still under way on b, which Use has replaced: requests, streams and upgraded connections. Their
// clients see the connection end.
func (p *Proxy) Cut(b Backend) { p.gate.cut(b) }

// Hold says that a new version is under way. Requests wait for it, unless Config says that the old one serves them.
func (p *Proxy) Hold() { p.gate.hold() }

// Release says that nothing is under way any more: the live version serves, or else problem is shown.
func (p *Proxy) Release(problem *Problem) { p.gate.release(problem) }

// Use moves the traffic to b. The channel is closed when the version before it has finished its last request; it is
// closed at once when there was none.
func (p *Proxy) Use(b Backend) (drained <-chan struct{}) { return p.gate.use(b) }

// Left returns how many requests b has, also as the version before: upgraded connections and streams are requests
// until they end.
func (p *Proxy) Left(b Backend) int { return p.gate.left(b) }

// Drop says that b has ended, and why. Nothing is live if b was; requests that it had accepted are told.
func (p *Proxy) Drop(b Backend, problem *Problem) { p.gate.drop(b, problem) }

// ServeHTTP forwards the request to the app.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.enter() {
		panic(http.ErrAbortHandler)
	}
	defer p.handlers.Done()
	x := newExchange(p, r)
	defer x.leave()
	defer x.ended()
	// The app's answer is passed on while its request is still arriving, as it would be without a proxy. An error
	// says that the protocol always does so.
	http.NewResponseController(w).EnableFullDuplex()
	if p.conf.Handle != nil {
		if own := p.conf.Handle(r); own != nil {
			own.ServeHTTP(w, r)
			return
		}
	}
	p.forward.ServeHTTP(answerWriter{w, x}, x.request(r))
}

// rewrite makes the request that the app gets. ReverseProxy has taken out what belongs to the connection.
func (p *Proxy) rewrite(pr *httputil.ProxyRequest) {
	in, out := pr.In, pr.Out
	out.URL.Scheme, out.URL.Host, out.Host = "http", "app", in.Host
	out.URL.RawQuery = in.URL.RawQuery // also the parts that Go's parser refuses
	keepPath(in, out)
	out.Trailer = in.Trailer // the server fills this map at the end of the body
	for _, name := range []string{"Forwarded", "X-Forwarded-For"} {
		if v, ok := in.Header[name]; ok {
			out.Header[name] = v
		}
	}
	pr.SetXForwarded()
	if c, ok := in.Context().Value(clientKey{}).(*client); ok {
		out.Header.Set("X-Forwarded-Proto", c.scheme)
	}
	if p.conf.Ask != nil {
		p.conf.Ask(out)
	}
}

// keepPath has the path sent in the very bytes in which it came.
func keepPath(in, out *http.Request) {
	path := in.RequestURI
	for i := range path {
		if path[i] == '?' {
			path = path[:i]
			break
		}
	}
	if len(path) > 1 && path[0] == '/' && path[1] != '/' { // "//x" would be read as a host
		out.URL.Opaque = path
	}
}
