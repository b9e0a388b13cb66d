// Package proxy is the front door of an app: what browsers and clients connect to.
//
// Each request goes to the worker that is live when it arrives, over a connection of its client's own, so that the
// app sees the client's address. While a new version is being built requests wait for it; when it accepts, Use moves
// the traffic, and the old worker keeps what it has until that is finished.
//
//	client ── connection ──► server ──► gate: which worker? ──► Backend.Hand ──► app
//	                                     │ none: a page that says why
//	                                     └ Hold, Use, Release, Drop: the app's loop in package devserver
package proxy

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
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
	Answered  func(Answer)  // told of each request that no app answered, from any goroutine; nil: nobody is
}

// Answer is a request that the proxy answered itself, or that no app did.
type Answer struct {
	At         time.Time
	Duration   time.Duration
	Method     string
	URL        string // as the client wrote it
	RemoteAddr string
	Status     int // 0: the connection was cut
	BytesOut   int64
	Err        string // why
}

// Proxy serves one app. Its methods may be called from any goroutine.
type Proxy struct {
	conf    Config
	gate    *gate
	server  *http.Server
	forward *httputil.ReverseProxy

	mu       sync.Mutex
	closed   bool                 // guarded by mu
	clients  map[*client]struct{} // guarded by mu
	handlers sync.WaitGroup       // counted up with mu held, while not closed
}

// New returns a proxy that holds every request until Use or Drop.
func New(c Config) *Proxy {
	if c.WaitLimit == 0 {
		c.WaitLimit = 30 * time.Second
	}
	silent := log.New(io.Discard, "", 0) // what goes wrong is the app's or the client's; both are told
	p := &Proxy{conf: c, gate: newGate(!c.ServeOld), clients: map[*client]struct{}{}}
	p.forward = &httputil.ReverseProxy{
		Rewrite:       rewrite,
		Transport:     (*forwarder)(p),
		FlushInterval: -1,
		ErrorLog:      silent,
		ErrorHandler:  p.failed,
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	p.server = &http.Server{
		Handler:     p,
		Protocols:   protocols,
		ErrorLog:    silent,
		ConnContext: withClient,
	}
	return p
}

// Serve accepts connections of ln until Close, and then returns nil.
func (p *Proxy) Serve(ln net.Listener) error {
	err := p.server.Serve(listener{ln, p})
	if err == http.ErrServerClosed {
		return nil
	}
	return err
}

// Close stops accepting, lets requests under way finish until ctx ends, cuts the rest, and returns when all have ended.
func (p *Proxy) Close(ctx context.Context) error {
	err := p.server.Shutdown(ctx)
	if err != nil {
		err = p.server.Close()
	}
	p.mu.Lock()
	p.closed = true
	for c := range p.clients { // the server has forgotten those that were upgraded
		c.TCPConn.Close()
	}
	p.mu.Unlock()
	p.handlers.Wait()
	return err
}

// enter counts a request in. It reports false after Close.
func (p *Proxy) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.handlers.Add(1)
	}
	return !p.closed
}

// keep remembers a client until it is closed.
func (p *Proxy) keep(c *client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients[c] = struct{}{}
}

func (p *Proxy) forget(c *client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.clients, c)
}

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
	// The app's answer is passed on while its request is still arriving, as it would be without a proxy. An error
	// says that the protocol always does so.
	http.NewResponseController(w).EnableFullDuplex()
	// A header that the app left out stays out: a nil value keeps the server from adding its own.
	w.Header()["Date"], w.Header()["Content-Type"] = nil, nil
	p.forward.ServeHTTP(w, x.request(r))
}

// rewrite makes the request that the app gets. ReverseProxy has taken out what belongs to the connection.
func rewrite(pr *httputil.ProxyRequest) {
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
