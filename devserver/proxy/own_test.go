package proxy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// dialed is a client's connection whose steps have a limit.
func dialed(t *testing.T, f *front) (*net.TCPConn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn), bufio.NewReader(c)
}

// asks sends a request and reads its answer.
func asks(t *testing.T, c net.Conn, br *bufio.Reader, request string) (*http.Response, string) {
	t.Helper()
	io.WriteString(c, request)
	res, err := http.ReadResponse(br, &http.Request{Method: request[:strings.IndexByte(request, ' ')]})
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	return res, string(body)
}

// TestProblemKeepsConnection: after a page of the proxy's own the same connection gets the app's answer.
func TestProblemKeepsConnection(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	f.Release(&Problem{Title: "broken"})
	c, br := dialed(t, f)
	post := "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
	for _, request := range []string{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", post} {
		if res, _ := asks(t, c, br, request); res.StatusCode != 503 || res.Close {
			t.Errorf("%q is answered %s, close %v", request, res.Status, res.Close)
		}
	}
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })))
	if res, body := asks(t, c, br, post); res.StatusCode != 200 || body != "body" {
		t.Errorf("the app answers %s %q", res.Status, body)
	}
}

// TestProblemAndBody: a page also reaches a client that has not sent its body.
func TestProblemAndBody(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	f.Release(&Problem{Title: "broken"})
	for _, head := range []string{"Content-Length: 1000000", "Transfer-Encoding: chunked", "Expect: 100-continue\r\nContent-Length: 9"} {
		c, br := dialed(t, f)
		res, body := asks(t, c, br, "POST / HTTP/1.1\r\nHost: h\r\n"+head+"\r\n\r\n")
		if res.StatusCode != 503 || !res.Close || !strings.Contains(body, "broken") {
			t.Errorf("%s: the answer is %s %q, close %v", head, res.Status, body, res.Close)
		}
		if _, err := br.ReadByte(); err != io.EOF {
			t.Errorf("%s: then comes %v, want the end", head, err)
		}
	}
}

// TestHandle: a handler of ours answers on the app's connection, flushes, and sees its client go.
func TestHandle(t *testing.T) {
	t.Parallel()
	entered, left := make(chan struct{}), make(chan struct{})
	f := serve(t, Config{Handle: func(r *http.Request) http.Handler {
		switch r.URL.Path {
		case "/own":
			return says("ours")
		case "/own/stream":
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "begun")
				w.(http.Flusher).Flush()
				close(entered)
				<-r.Context().Done()
				close(left)
			})
		}
		return nil
	}})
	f.Use(newApp(t, says("the app's")))
	c, br := dialed(t, f)
	for _, tt := range []struct{ path, want string }{{"/own", "ours"}, {"/", "the app's"}, {"/own", "ours"}} {
		if _, body := asks(t, c, br, "GET "+tt.path+" HTTP/1.1\r\nHost: h\r\n\r\n"); body != tt.want {
			t.Errorf("%s is answered %q, want %q", tt.path, body, tt.want)
		}
	}
	io.WriteString(c, "GET /own/stream HTTP/1.1\r\nHost: h\r\n\r\n")
	<-entered
	if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 200 {
		t.Errorf("the stream begins with %v, %v", res, err)
	}
	c.Close()
	select {
	case <-left:
	case <-time.After(patience):
		t.Error("the stream's context goes on")
	}
}

// TestHandleHTTP2: a handler of ours leaves its type and date to the server over HTTP/2 too.
func TestHandleHTTP2(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{Handle: func(r *http.Request) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "a.css", time.Now(), strings.NewReader("p {}"))
		})
	}})
	res, err := newClient2(t).Get(f.url)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if kind := res.Header.Get("Content-Type"); kind != "text/css; charset=utf-8" || res.Header.Get("Date") == "" {
		t.Errorf("a style sheet comes with %v", res.Header)
	}
}

// TestAsk: only the headers that it changes are not the client's.
func TestAsk(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{Ask: func(r *http.Request) {
		r.Header.Del("Accept-Encoding")
		r.Header.Set("If-Match", "new")
	}})
	f.Use(newApp(t, http.HandlerFunc(echo)))
	c, br := dialed(t, f)
	_, body := asks(t, c, br, "GET / HTTP/1.1\r\nHost: h\r\naccept-encoding: gzip\r\nif-match: old\r\nx-odd: 1\r\nPragma: no-cache\r\n\r\n")
	for _, line := range []string{"X-Odd: [\"1\"]\n", "If-Match: [\"new\"]\n", "Pragma: [\"no-cache\"]\n"} {
		if !strings.Contains(body, line) {
			t.Errorf("the app got %s without %q", body, line)
		}
	}
	if strings.Contains(body, "Accept-Encoding") || strings.Contains(body, "old") {
		t.Errorf("the app got %s", body)
	}
}

// TestRewrite: what is changed goes in chunks, all else as it came, and the connection goes on.
func TestRewrite(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{Rewrite: func(b Backend, r *http.Request, res *http.Response) {
		if b == nil || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			return
		}
		res.Header.Del("ETag")
		res.Header.Set("X-New", "1")
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(res.Body, strings.NewReader("<script>")), res.Body}
	}})
	const html = "HTTP/1.1 200 Fine\r\nContent-Type: text/html\r\nx-ODD: y\r\nETag: \"x\"\r\n"
	texts := []struct{ came, want string }{
		{html + "Content-Length: 4\r\n\r\nbody", "body<script>"},
		{html + "Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\nSum: 1\r\n\r\n", "body<script>"},
		{"HTTP/1.1 200 Fine\r\nx-ODD: y\r\nContent-Length: 4\r\n\r\nbody", "body"},
		{html + "\r\nto the end", "to the end<script>"},
	}
	var all []string
	for _, tt := range texts {
		all = append(all, tt.came)
	}
	s := newStage(t, conform{raw: saysRaw(all...)})
	f.Use(s.newVersion())
	c, br := dialed(t, f)
	for _, tt := range texts {
		res, body := asks(t, c, br, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		changed := tt.want != "body"
		if body != tt.want || res.Status != "200 Fine" || (res.Header.Get("X-New") != "") != changed || (res.ContentLength < 0) != changed || res.Header.Get("ETag") != "" {
			t.Errorf("%q\narrives as %s %v, length %d: %q, want %q", tt.came, res.Status, res.Header, res.ContentLength, body, tt.want)
		}
	}
	if _, err := br.ReadByte(); err != io.EOF {
		t.Errorf("after the app's end comes %v", err)
	}
}

// TestRewriteHTTP10: a client that knows no chunks gets none.
func TestRewriteHTTP10(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{Rewrite: func(b Backend, r *http.Request, res *http.Response) {
		res.Body = io.NopCloser(io.MultiReader(res.Body, strings.NewReader("<script>")))
	}})
	f.Use(newApp(t, says("body")))
	c, _ := dialed(t, f)
	io.WriteString(c, "GET / HTTP/1.0\r\nHost: h\r\n\r\n")
	got, err := io.ReadAll(c)
	if err != nil || !bytes.HasSuffix(got, []byte("\r\n\r\nbody<script>")) || bytes.Contains(got, []byte("chunked")) || bytes.Contains(got, []byte("Content-Length")) {
		t.Errorf("the client gets %q, %v", got, err)
	}
}

// TestRewriteOf10: an answer in HTTP/1.0 has no chunks for a newer client either, and its connection ends with it.
func TestRewriteOf10(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.0 200 OK\r\nx-ODD: y\r\n"
	for _, rest := range []string{"Connection: keep-alive\r\nContent-Length: 4\r\n\r\nbody", "\r\nbody"} {
		f := serve(t, Config{Rewrite: func(b Backend, r *http.Request, res *http.Response) {
			res.Body = io.NopCloser(io.MultiReader(res.Body, strings.NewReader("<script>")))
		}})
		f.Use(newStage(t, conform{raw: saysRaw(head + rest)}).newVersion())
		c, _ := dialed(t, f)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		got, err := io.ReadAll(c)
		if want := head + "Connection: close\r\n\r\nbody<script>"; err != nil || string(got) != want {
			t.Errorf("the client gets %q, %v\nwant %q", got, err, want)
		}
	}
}

// TestUnclearIsLast: a request that others may read otherwise is the last on its connection, also where the app would go on.
func TestUnclearIsLast(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	f.Use(newApp(t, says("ok")))
	for _, request := range []string{
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		c, br := dialed(t, f)
		if res, body := asks(t, c, br, request); res.StatusCode != 200 || body != "ok" {
			t.Errorf("%q is answered %s %q", request, res.Status, body)
		}
		if _, err := br.ReadByte(); err != io.EOF {
			t.Errorf("%q: after the answer comes %v, want the end", request, err)
		}
	}
}

// TestCut ends what an old version still has, and nothing else.
func TestCut(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	old := newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			io.WriteString(w, "old")
		case "/upgrade":
			takes(switching, echoes)(w, r)
		default:
			io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}))
	f.Use(old)
	idle, idleReader := dialed(t, f)
	asks(t, idle, idleReader, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	stream, streamReader := dialed(t, f)
	io.WriteString(stream, "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
	res, err := http.ReadResponse(streamReader, nil)
	if err != nil {
		t.Fatal(err)
	}
	up, upReader := dialed(t, f)
	io.WriteString(up, "GET /upgrade HTTP/1.1\r\nHost: h\r\n\r\n")
	if res, err := http.ReadResponse(upReader, nil); err != nil || res.StatusCode != 101 {
		t.Fatalf("the upgrade is answered %v, %v", res, err)
	}
	drained := f.Use(newApp(t, says("new")))
	select {
	case <-drained:
		t.Error("the old version is drained with a stream and an upgraded connection open")
	default:
	}
	f.Cut(old)
	if _, err := io.Copy(io.Discard, res.Body); err == nil {
		t.Error("the stream ends as if it were whole")
	}
	if _, err := upReader.ReadByte(); err == nil {
		t.Error("the upgraded connection says something")
	}
	select {
	case <-drained:
	case <-time.After(patience):
		t.Error("the old version is not drained after the cut")
	}
	if _, body := asks(t, idle, idleReader, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); body != "new" {
		t.Errorf("the idle connection is answered %q, want the new version", body)
	}
	f.gate.mu.Lock()
	defer f.gate.mu.Unlock()
	if n := len(f.gate.targets); n != 1 {
		t.Errorf("the gate remembers %d versions, want the live one", n)
	}
}

// TestUploadIsNotKept: the app reads slower than its client sends, and the rest stays with the client.
func TestUploadIsNotKept(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 256 MiB")
	}
	const size = 256 << 20
	f := serve(t, Config{})
	half := make(chan struct{})
	goOn := make(chan struct{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.CopyN(io.Discard, r.Body, size/2)
		close(half)
		<-goOn
		m, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n+m)
	})))
	before := heap()
	c, br := dialed(t, f)
	c.SetDeadline(time.Now().Add(2 * patience))
	go func() {
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", size)
		piece := make([]byte, 64<<10)
		for range size / len(piece) {
			if _, err := c.Write(piece); err != nil {
				return
			}
		}
	}()
	<-half
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("with half of %d bytes on the way %d are kept", size, grown)
	}
	close(goOn)
	if _, body := asks(t, c, br, " "); body != fmt.Sprint(size) {
		t.Errorf("the app got %s bytes, want %d", body, size)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestClientGoesWhileWaiting: a request whose client has reset its connection is not kept for the next version.
func TestClientGoesWhileWaiting(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{}) // holds
	c, _ := dialed(t, f)
	io.WriteString(c, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
	for f.busy() == 0 {
		runtime.Gosched()
	}
	c.SetLinger(0)
	c.Close()
	select {
	case a := <-f.answers:
		if a.Status != 0 || a.URL != "/x" || a.Err != "the client went away" {
			t.Errorf("the recording is told %+v", a)
		}
	case <-time.After(patience):
		t.Error("the request still waits")
	}
}

// busy is how many requests of HTTP/1 are under way.
func (p *Proxy) busy() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.turns
}

// TestCloseWaits: a request under way is answered, an idle connection does not hold Close up.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	entered, goOn := make(chan struct{}), make(chan struct{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(entered)
			<-goOn
		}
		io.WriteString(w, "done")
	})))
	idle, idleReader := dialed(t, f)
	asks(t, idle, idleReader, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	c, br := dialed(t, f)
	io.WriteString(c, "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	closed := make(chan error)
	go func() { closed <- f.Close(ctx) }()
	for !f.ending() {
		runtime.Gosched()
	}
	close(goOn)
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); string(body) != "done" || err != nil {
		t.Errorf("the request under way is answered %q, %v", body, err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close = %v", err)
	}
	if _, err := idleReader.ReadByte(); err == nil {
		t.Error("the idle connection says something")
	}
}

// TestForwardedLines: what is added stands behind all else, and what others said stays.
func TestForwardedLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ came, want string }{
		{"GET / HTTP/1.1\r\nhost: h\r\na:b\r\n\r\n", "GET / HTTP/1.1\r\nhost: h\r\na:b\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Host: h\r\nX-Forwarded-Proto: https\r\n\r\n"},
		{"GET / HTTP/1.1\r\nHost: h\r\nx-forwarded-for: a,\r\n b\r\nX-FORWARDED-PROTO: ftp\r\nX-Forwarded-For: c\r\nForwarded: x\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\nForwarded: x\r\nX-Forwarded-For: a, b, c, 192.0.2.7\r\nX-Forwarded-Host: h\r\nX-Forwarded-Proto: https\r\n\r\n"},
		{"GET / HTTP/1.0\n\n", "GET / HTTP/1.0\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\n"},
	} {
		got, err := newTurn(&Proxy{}, []byte(tt.came), false)
		if err != nil {
			t.Fatal(err)
		}
		c := clientOf(&Proxy{}, from{}, "https")
		if out := got.forwardHead(c); string(out) != tt.want {
			t.Errorf("%q goes on as\n%q, want\n%q", tt.came, out, tt.want)
		}
	}
	if !slices.Contains(forwardedNames, "X-Forwarded-Proto") {
		t.Error("X-Forwarded-Proto is the client's")
	}
}

// from is a connection that comes from an address.
type from struct{ net.Conn }

func (from) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1234} }
