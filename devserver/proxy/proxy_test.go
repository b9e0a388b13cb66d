package proxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/worker"
)

// app is a Backend that lives in the test: an http.Server whose listener takes what Hand makes.
type app struct {
	conns chan net.Conn
	gone  chan struct{}
	hands atomic.Int64 // connections handed over
	once  sync.Once
}

type handed struct {
	net.Conn
	remote net.Addr
}

func (h handed) RemoteAddr() net.Addr { return h.remote }

func newApp(t testing.TB, h http.Handler) *app {
	t.Helper()
	a := &app{conns: make(chan net.Conn), gone: make(chan struct{})}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: h, Protocols: protocols}
	go server.Serve(a)
	t.Cleanup(func() { a.Close(); server.Close() })
	return a
}

func (a *app) Accept() (net.Conn, error) {
	select {
	case c := <-a.conns:
		return c, nil
	case <-a.gone:
		return nil, net.ErrClosed
	}
}

func (a *app) Close() error   { a.once.Do(func() { close(a.gone) }); return nil }
func (a *app) Addr() net.Addr { return &net.TCPAddr{} }

func (a *app) Gone() <-chan struct{} { return a.gone }

func (a *app) Hand(ctx context.Context, remote, local net.Addr) (net.Conn, error) {
	a.hands.Add(1)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	ours, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		return nil, err
	}
	theirs, err := ln.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case a.conns <- handed{theirs, remote}:
		return ours, nil
	case <-a.gone:
		ours.Close()
		theirs.Close()
		return nil, worker.ErrGone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// front is a proxy that serves, and what it said it answered.
type front struct {
	*Proxy
	url, addr string
	answers   chan Answer
}

func serve(t *testing.T, c Config) *front {
	t.Helper()
	return serveBy(t, c, (*Proxy).Serve)
}

// serveBy is serve by another method than Serve.
func serveBy(t *testing.T, c Config, by func(*Proxy, net.Listener) error) *front {
	t.Helper()
	f := &front{answers: make(chan Answer, 100)}
	c.App, c.Answered = "guestbook", func(a Answer) { f.answers <- a }
	f.Proxy = New(c)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.addr = ln.Addr().String()
	f.url = "http://" + f.addr
	served := make(chan error, 1)
	go func() { served <- by(f.Proxy, ln) }()
	t.Cleanup(func() {
		f.Close(t.Context())
		if err := <-served; err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	return f
}

// newClient is a client with connections of its own.
func newClient(t *testing.T) *http.Client {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func get(t *testing.T, c *http.Client, url string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, text) })
}

func TestForwards(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	a := newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s host=%s for=%s proto=%s xhost=%s remote=%v agent=%q enc=%q", r.Method, r.RequestURI, r.Host,
			r.Header["X-Forwarded-For"], r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-Forwarded-Host"),
			r.RemoteAddr != "", r.Header.Get("User-Agent"), r.Header.Get("Accept-Encoding"))
	}))
	f.Use(a)
	for _, tt := range []struct{ request, want string }{
		{"GET /a?b=1;c&%zz HTTP/1.1\r\nHost: example.org:80\r\n\r\n",
			`GET /a?b=1;c&%zz host=example.org:80 for=[127.0.0.1] proto=http xhost=example.org:80 remote=true agent="" enc=""`},
		{"GET /a%2Fb/%7e|x HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\r\n",
			`GET /a%2Fb/%7e|x host=h for=[192.0.2.1, 127.0.0.1] proto=http xhost=h remote=true agent="" enc=""`},
		{"GET //x/../y HTTP/1.1\r\nHost: h\r\nUser-Agent: me\r\nAccept-Encoding: br\r\n\r\n",
			`GET //x/../y host=h for=[127.0.0.1] proto=http xhost=h remote=true agent="me" enc="br"`},
		{"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", ``},
	} {
		res, body := raw(t, f, tt.request)
		if res.StatusCode != 200 || body != tt.want {
			t.Errorf("%q\n got %s %s\nwant %s", tt.request, res.Status, body, tt.want)
		}
	}
}

// raw sends bytes and reads one response.
func raw(t *testing.T, f *front, request string) (*http.Response, string) {
	t.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, request)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// TestOneConnectionPerClient: the app sees each client's own address, and a client's keep-alive is the app's.
func TestOneConnectionPerClient(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	a := newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) }))
	f.Use(a)
	seen := map[string]bool{}
	for range 3 {
		c := newClient(t)
		_, first := get(t, c, f.url)
		_, second := get(t, c, f.url)
		if first != second {
			t.Errorf("one client connection came as %s and %s", first, second)
		}
		seen[first] = true
	}
	if n := a.hands.Load(); len(seen) != 3 || n != 3 {
		t.Errorf("3 clients came as %d, over %d connections", len(seen), n)
	}
}

func TestStreams(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	step := make(chan struct{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush() // the head alone
		<-step
		io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		<-step
	})))
	res, err := newClient(t).Get(f.url) // returns when the head is there
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	step <- struct{}{}
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	if line != "data: 1\n" || err != nil {
		t.Errorf("the first event is %q, %v", line, err)
	}
	step <- struct{}{}
}

func TestTrailersAndInformational(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "Sum")
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", body, r.Trailer.Get("Mark"))
		w.Header().Set("Sum", "42")
		w.Header().Set(http.TrailerPrefix+"Late", "yes")
	})))
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: Mark\r\n\r\n5\r\nhello\r\n0\r\nMark: here\r\n\r\n")
	br := bufio.NewReader(c)
	res, err := http.ReadResponse(br, nil)
	if err != nil || res.StatusCode != 103 || res.Header.Get("Link") == "" {
		t.Fatalf("first comes %v, %v, want the early hint", res, err)
	}
	if res, err = http.ReadResponse(br, nil); err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if string(body) != "hello here" || err != nil {
		t.Errorf("body = %q, %v", body, err)
	}
	if res.Trailer.Get("Sum") != "42" || res.Trailer.Get("Late") != "yes" {
		t.Errorf("trailers = %v", res.Trailer)
	}
}

// TestHeadersLeftOut: what the app does not send is not added.
func TestHeadersLeftOut(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"], w.Header()["Content-Type"] = nil, nil
		io.WriteString(w, "<html>")
	})))
	res, _ := raw(t, f, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	for _, name := range []string{"Date", "Content-Type", "Server", "Via"} {
		if v, ok := res.Header[name]; ok {
			t.Errorf("%s: %s was added", name, v)
		}
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		rw.Flush()
		io.Copy(c, rw)
	})))
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	br := bufio.NewReader(c)
	if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 101 {
		t.Fatalf("the upgrade is answered %v, %v", res, err)
	}
	io.WriteString(c, "ping\n")
	if line, err := br.ReadString('\n'); line != "ping\n" {
		t.Errorf("the upgraded connection says %q, %v", line, err)
	}
}

// TestCloseCutsUpgraded: neither end of an upgraded connection says anything, and Close does not wait for them.
func TestCloseCutsUpgraded(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		rw.Flush()
		io.Copy(io.Discard, c)
		c.Close()
	})))
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.Close(ctx)
	if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client sees %v, want the end", err)
	}
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		io.Copy(w, r.Body)
		fmt.Fprint(w, " by ", r.Proto)
	})))
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: protocols}
	defer tr.CloseIdleConnections()
	for kind, want := range map[string]string{"application/grpc+proto": "ping by HTTP/2.0", "text/plain": "ping by HTTP/1.1"} {
		res, err := (&http.Client{Transport: tr}).Post(f.url, kind, strings.NewReader("ping"))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(body) != want || res.ProtoMajor != 2 || res.Trailer.Get("Grpc-Status") != "0" {
			t.Errorf("%s: %s %q with trailers %v, want %q", kind, res.Proto, body, res.Trailer, want)
		}
	}
}

// TestSwap: while versions change, a client that never pauses meets no failure, and each version drains.
func TestSwap(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	a := newApp(t, says("0"))
	f.Use(a)
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	served := make(chan struct{})
	for range 4 {
		clients.Go(func() {
			c := newClient(t)
			for ctx.Err() == nil {
				res, err := c.Post(f.url, "text/plain", bytes.NewReader(make([]byte, 1000)))
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != 200 {
					t.Errorf("status %s", res.Status)
				}
				select {
				case served <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	for i := range 50 {
		for range 5 {
			<-served
		}
		f.Hold()
		next := newApp(t, says(fmt.Sprint(i)))
		drained := f.Use(next)
		select {
		case <-drained:
		case <-time.After(patience):
			t.Fatal("the old version does not drain")
		}
		a.Close() // as the worker that is stopped now
		a = next
	}
	stop()
	clients.Wait()
}

// TestNotTakenGoesToTheNext: a worker that dies before it accepts loses no request, nor its body.
func TestNotTakenGoesToTheNext(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	dying := &app{conns: make(chan net.Conn), gone: make(chan struct{})} // accepts nothing
	f.Use(dying)
	answer := make(chan string)
	go func() {
		res, err := newClient(t).Post(f.url, "text/plain", strings.NewReader("body"))
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answer <- string(body)
	}()
	for dying.hands.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	dying.Close()
	f.Hold()
	f.Drop(dying, &Problem{Title: "gone"})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })))
	if got := <-answer; got != "body" {
		t.Errorf("the request is answered %q, want its body; %+v", got, <-f.answers)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	f.Release(&Problem{Title: "The app does not compile", Text: "main.go:3:1: <oops>", Advice: "Mend it."})
	c := newClient(t)
	status, body := get(t, c, f.url+"/x?y", "Accept", "text/html,*/*")
	if status != 503 || !strings.Contains(body, "main.go:3:1: &lt;oops&gt;") || !strings.Contains(body, "<h1>The app does not compile</h1>") {
		t.Errorf("a browser gets %d %s", status, body)
	}
	status, body = get(t, c, f.url+"/x?y", "Accept", "*/*")
	if want := "guestbook: The app does not compile\n\nmain.go:3:1: <oops>\n\nMend it.\n"; status != 503 || body != want {
		t.Errorf("a program gets %d %q, want %q", status, body, want)
	}
	<-f.answers
	a := <-f.answers
	if a.Status != 503 || a.URL != "/x?y" || a.Method != "GET" || a.Err != "The app does not compile" || a.BytesOut != int64(len(body)) || a.RemoteAddr == "" {
		t.Errorf("the recording is told %+v", a)
	}
}

// TestCrash: a request whose worker dies is told how, one that the app cuts is cut.
func TestCrash(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	entered := make(chan net.Conn)
	a := newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		entered <- c
	}))
	f.Use(a)
	go func() {
		c := <-entered
		a.Close()
		c.Close()
		f.Drop(a, &Problem{Title: "The app ended: exit status 2", Text: "panic: oops"})
	}()
	status, body := get(t, newClient(t), f.url)
	if status != 502 || !strings.Contains(body, "panic: oops") {
		t.Errorf("the request is answered %d %q, want the last words", status, body)
	}
	<-f.answers

	f.Use(newApp(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })))
	if res, err := newClient(t).Get(f.url); !errors.Is(err, io.EOF) {
		t.Errorf("the app cut the connection, the client sees %v, %v", res, err)
	}
	if a := <-f.answers; a.Status != 0 || a.Err == "" {
		t.Errorf("the recording is told %+v", a)
	}
}

func TestClientGoesAway(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	left := make(chan struct{})
	entered := make(chan struct{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(left)
	})))
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", f.url, nil)
	go func() {
		<-entered
		cancel()
	}()
	newClient(t).Do(req)
	select {
	case <-left:
	case <-time.After(patience):
		t.Error("the handler's context goes on")
	}
}

// TestWaiting tries in fake time who waits for what.
func TestWaiting(t *testing.T) {
	problem := &Problem{Title: "broken"}
	live, next := &app{gone: make(chan struct{})}, &app{gone: make(chan struct{})}
	enter := func(g *gate) (string, time.Duration) {
		start := time.Now()
		got, p, err := g.enter(context.Background(), start.Add(30*time.Second))
		took := time.Since(start)
		switch {
		case err != nil:
			return err.Error(), took
		case p != nil:
			return p.Title, took
		case got.backend == live:
			return "live", took
		}
		return "next", took
	}
	for _, tt := range []struct {
		name  string
		wait  bool
		setup func(*gate)
		after func(*gate) // after 5 seconds
		want  string
		took  time.Duration
	}{
		{"nothing yet", true, func(*gate) {}, nil, stillStarting.Title, 30 * time.Second},
		{"the first one", true, func(*gate) {}, func(g *gate) { g.use(live) }, "live", 5 * time.Second},
		{"live", true, func(g *gate) { g.use(live) }, nil, "live", 0},
		{"a build under way", true, func(g *gate) { g.use(live); g.hold() }, func(g *gate) { g.use(next) }, "next", 5 * time.Second},
		{"a build that fails", true, func(g *gate) { g.use(live); g.hold() }, func(g *gate) { g.release(problem) }, "live", 5 * time.Second},
		{"a build without end", true, func(g *gate) { g.use(live); g.hold() }, nil, "live", 30 * time.Second},
		{"serve the old", false, func(g *gate) { g.use(live); g.hold() }, nil, "live", 0},
		{"serve the old, none is", false, func(g *gate) { g.hold() }, func(g *gate) { g.use(next) }, "next", 5 * time.Second},
		{"the first one broken", true, func(g *gate) { g.release(problem) }, nil, "broken", 0},
		{"dead", true, func(g *gate) { g.use(live); g.drop(live, problem) }, nil, "broken", 0},
		{"dead, restarting", true, func(g *gate) { g.use(live); g.hold(); g.drop(live, problem) }, func(g *gate) { g.use(next) }, "next", 5 * time.Second},
		{"dead, restarting for long", true, func(g *gate) { g.use(live); g.hold(); g.drop(live, problem) }, nil, "broken", 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(tt.wait)
				tt.setup(g)
				if tt.after != nil {
					time.AfterFunc(5*time.Second, func() { tt.after(g) })
				}
				if got, took := enter(g); got != tt.want || took != tt.took {
					t.Errorf("a request gets %q after %v, want %q after %v", got, took, tt.want, tt.took)
				}
			})
		})
	}
}
