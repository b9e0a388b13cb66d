package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/worker"
)

// newClient2 is a client that speaks HTTP/2 without TLS.
func newClient2(t *testing.T) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: protocols}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// TestEndInHead: an answer that ends with its head ends so for the client too. An HTTP client knows by the length.
func TestEndInHead(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", "5")
	})))
	c := newClient2(t)
	for range 200 {
		res, err := c.Post(f.url, "application/grpc", strings.NewReader("call"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if res.Header.Get("Grpc-Status") != "5" || res.ContentLength != 0 || len(body) > 0 || err != nil {
			t.Fatalf("the client gets %v, length %d, %q, %v", res.Header, res.ContentLength, body, err)
		}
	}
}

// TestHeadersLeftOutHTTP2: what the app does not send is not added over HTTP/2 either, nor after an early hint.
func TestHeadersLeftOutHTTP2(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hint" {
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.Header()["Date"], w.Header()["Content-Type"] = nil, nil
		io.WriteString(w, "<html>")
	})))
	c := newClient2(t)
	for _, path := range []string{"/", "/hint"} {
		res, err := c.Get(f.url + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if len(res.Header) != 1 { // Content-Length
			t.Errorf("%s: headers were added: %v", path, res.Header)
		}
	}
}

// TestNearlyGRPC: gRPC-Web, whose calls go through HTTP/1.1 too and have their outcome in the body, is none of gRPC's kinds.
func TestNearlyGRPC(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"application/grpc": "HTTP/2.0", "application/grpc+proto": "HTTP/2.0", "application/grpc;x=y": "HTTP/2.0",
		"application/grpc-web": "HTTP/1.1", "application/grpc-web+proto": "HTTP/1.1", "application/grpc-web-text": "HTTP/1.1", "application/json": "HTTP/1.1",
	} {
		h := &notes{ended: make(chan struct{})}
		f := serve(t, Config{Follow: func(_ Backend, s Sent) Follower { h.sent = s; return h }})
		f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
			if r.ProtoMajor == 1 {
				w.Header().Del(http.TrailerPrefix + "Grpc-Status")
			}
			io.WriteString(w, r.Proto)
		})))
		res, err := newClient2(t).Post(f.url, kind, strings.NewReader("call"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if string(body) != want || err != nil {
			t.Errorf("%s: the app is asked in %q, %v, want %s", kind, body, err, want)
		}
		if <-h.ended; h.sent.Proto != want || h.end.Err != "" {
			t.Errorf("%s: it is recorded in %s with error %q, want %s and none", kind, h.sent.Proto, h.end.Err, want)
		}
	}
}

// TestNotRepeated: a request over HTTP/2 that the app has read and did not answer is sent to nobody again, neither to the same
// worker nor to the one after its death.
func TestNotRepeated(t *testing.T) {
	t.Parallel()
	var heard []*notes
	f := serve(t, Config{Follow: func(_ Backend, s Sent) Follower {
		heard = append(heard, &notes{sent: s, ended: make(chan struct{})})
		return heard[len(heard)-1]
	}})
	var cuts atomic.Int64
	next := newApp(t, says("repeated"))
	var a *app
	a = newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			cuts.Add(1)
			panic(http.ErrAbortHandler)
		case "/crash":
			f.Drop(a, &Problem{Title: "The app ended"})
			f.Use(next)
			a.Close()
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, "fine")
	}))
	f.Use(a)
	c := newClient2(t)
	get(t, c, f.url) // from now on there is a connection that the app has answered on
	if res, err := c.Get(f.url + "/cut"); err == nil {
		t.Errorf("the app cut the connection, the client sees %s", res.Status)
	}
	if n := cuts.Load(); n != 1 {
		t.Errorf("the app got the request %d times", n)
	}
	get(t, c, f.url)
	if status, body := get(t, c, f.url+"/crash"); status != 502 || !strings.Contains(body, "The app ended") {
		t.Errorf("the worker died of the request, which is answered %d %q", status, body)
	}
	for i, want := range []string{"/ answered ended", "/cut ended", "/ answered ended", "/crash ended"} {
		<-heard[i].ended
		if got := heard[i].sent.URL + " " + strings.Join(heard[i].calls, " "); got != want {
			t.Errorf("a follower hears %q, want %q", got, want)
		}
	}
	if end := heard[1].end.Err; end != "the app closed the connection without an answer: EOF" {
		t.Errorf("the cut request ended with %q", end)
	}
}

// TestFlush: the head is held back only where it ends the answer.
func TestFlush(t *testing.T) {
	t.Parallel()
	for _, headOnly := range []bool{false, true} {
		rec := httptest.NewRecorder()
		err := http.NewResponseController(answerWriter{rec, &exchange{headOnly: headOnly}}).Flush()
		if err != nil || rec.Flushed == headOnly {
			t.Errorf("with headOnly %v the head is flushed: %v, %v", headOnly, rec.Flushed, err)
		}
	}
}

// TestStreamError: that the app cut one stream is told from the end of its connection, which may be the worker's.
func TestStreamError(t *testing.T) {
	t.Parallel()
	a := newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }))
	conn, err := a.Hand(t.Context(), &net.TCPAddr{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: protocols, DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}
	defer tr.CloseIdleConnections()
	_, err = (&http.Client{Transport: tr}).Get("http://app/")
	if stream := (streamError{}); !errors.As(err, &stream) || stream.Code != 2 { // INTERNAL_ERROR
		t.Errorf("a cut stream is %v, want a stream error", err)
	}
}

// notes is a Follower that remembers.
type notes struct {
	sent  Sent
	calls []string
	end   Answer
	ended chan struct{}
}

func (h *notes) Unseen() {
	h.calls = append(h.calls, "unseen")
	close(h.ended)
}
func (h *notes) Answered() { h.calls = append(h.calls, "answered") }
func (h *notes) Ended(a Answer) {
	h.calls, h.end = append(h.calls, "ended"), a
	close(h.ended)
}

// TestFollow: what a follower hears of each way in which a request may end.
func TestFollow(t *testing.T) {
	t.Parallel()
	const call = "application/grpc"
	trailer := http.TrailerPrefix
	for _, tt := range []struct {
		name, kind string
		h          http.HandlerFunc
		calls      string
		status     int
		in, out    int64
		err        string
	}{
		{"plain", "text/plain", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }, "answered ended", 200, 4, 4, ""},
		{"refused", "text/plain", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 404) }, "answered ended", 404, 4, 3, ""},
		{"a call", call, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", call)
			io.Copy(w, r.Body)
			w.Header().Set(trailer+"Grpc-Status", "0")
		}, "answered ended", 200, 4, 4, ""},
		{"a call that failed", call, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", call)
			io.Copy(w, r.Body)
			w.Header().Set(trailer+"Grpc-Status", "5")
			w.Header().Set(trailer+"Grpc-Message", "no %22pear%22")
		}, "answered ended", 200, 4, 4, `grpc-status 5 NOT_FOUND: no "pear"`},
		{"one that failed at once", call, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", call)
			w.Header().Set("Grpc-Status", "99")
		}, "answered ended", 200, 4, 0, "grpc-status 99"},
		{"no outcome", call, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", call)
			io.Copy(w, r.Body)
		}, "answered ended", 200, 4, 4, "the call ended without a grpc-status"},
		{"cut", call, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, r.Body)
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "answered ended", 200, 4, 4, "the app cut its answer short: "},
		{"no answer", call, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		}, "ended", 200, 4, 0, "grpc-status 13 INTERNAL: the app reset the stream: INTERNAL_ERROR"},
		{"cut as a call", call, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", call)
			io.Copy(w, r.Body)
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "answered ended", 200, 4, 4, "grpc-status 13 INTERNAL: the app reset the stream: INTERNAL_ERROR"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := &notes{ended: make(chan struct{})}
			f := serve(t, Config{Follow: func(_ Backend, s Sent) Follower { h.sent = s; return h }})
			f.Use(newApp(t, tt.h))
			res, err := newClient2(t).Post(f.url+"/a%2fb?c", tt.kind, strings.NewReader("call"))
			if err == nil {
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			<-h.ended
			if calls := strings.Join(h.calls, " "); calls != tt.calls {
				t.Errorf("the follower hears %q, want %q", calls, tt.calls)
			}
			if a := h.end; a.Status != tt.status || a.BytesIn != tt.in || a.BytesOut != tt.out || a.Err != tt.err && (tt.err == "" || !strings.HasPrefix(a.Err, tt.err)) {
				t.Errorf("it ended as %+v; want status %d, %d bytes in, %d out, error %q", a, tt.status, tt.in, tt.out, tt.err)
			}
			proto := "HTTP/1.1"
			if tt.kind == call {
				proto = "HTTP/2.0"
			}
			if s := h.sent; s.Method != "POST" || s.URL != "/a%2fb?c" || s.Proto != proto || s.RemoteAddr == "" {
				t.Errorf("it was sent as %+v", s)
			}
		})
	}
}

// TestCallOutcome: what a gRPC client is told of a call that the app cut off, before and after it began to answer.
func TestCallOutcome(t *testing.T) {
	t.Parallel()
	for _, begun := range []bool{false, true} {
		f := serve(t, Config{})
		f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if begun {
				w.Header().Set("Content-Type", "application/grpc")
				io.WriteString(w, "begin")
				http.NewResponseController(w).Flush()
			}
			panic(http.ErrAbortHandler)
		})))
		res, err := newClient2(t).Post(f.url, "application/grpc", nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		h := res.Header
		if begun {
			h = res.Trailer
		}
		if got := h.Get("Grpc-Status") + " " + grpcMessage(h.Get("Grpc-Message")); got != "13 the app reset the stream: INTERNAL_ERROR" || err != nil || begun != (string(body) == "begin") {
			t.Errorf("begun %v: %q and %q, %v", begun, body, got, err)
		}
	}
	f := serve(t, Config{})
	f.Release(&Problem{Title: "The app does not compile", Text: "main.go:5:1: “x” is undefined\n" + strings.Repeat("ä", maxMessage)})
	res, err := newClient2(t).Post(f.url, "application/grpc", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	text := grpcMessage(res.Header.Get("Grpc-Message"))
	if want := "guestbook: The app does not compile\n\nmain.go:5:1: “x” is undefined\nä"; res.Header.Get("Grpc-Status") != "14" || !strings.HasPrefix(text, want) || len(text) > maxMessage+len("…") {
		t.Errorf("a call while the app does not compile: %v", res.Header)
	}
}

// TestOutcomeOf: each way of a stream's end, and the status that gRPC's clients make of it.
func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code    int // below 0: the connection ended
		timeout string
		want    string
	}{
		{-1, "", "14 the app closed the connection: EOF"},
		{0, "", "13 the app reset the stream: NO_ERROR"},
		{7, "", "14 the app reset the stream: REFUSED_STREAM"},
		{8, "", "1 the app reset the stream: CANCEL"},
		{8, "1H", "1 the app reset the stream: CANCEL"},
		{8, "99m", "4 the app reset the stream: CANCEL"},
		{8, "x", "1 the app reset the stream: CANCEL"},
		{2, "1m", "13 the app reset the stream: INTERNAL_ERROR"},
		{11, "", "8 the app reset the stream: ENHANCE_YOUR_CALM"},
		{12, "", "7 the app reset the stream: INADEQUATE_SECURITY"},
		{77, "", "13 the app reset the stream: 77"},
	} {
		x := &exchange{at: time.Now().Add(-100 * time.Millisecond), asked: &http.Request{Header: http.Header{"Grpc-Timeout": {tt.timeout}}}}
		err := io.EOF
		if tt.code >= 0 {
			err = streamError{Code: uint32(tt.code)}
		}
		h := x.outcomeOf(err)
		if got := h.Get("Grpc-Status") + " " + grpcMessage(h.Get("Grpc-Message")); got != tt.want {
			t.Errorf("code %d with a timeout of %q: %q, want %q", tt.code, tt.timeout, got, tt.want)
		}
	}
}

func TestGRPCTimeout(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{
		"1H": time.Hour, "2M": 2 * time.Minute, "3S": 3 * time.Second, "4m": 4 * time.Millisecond, "5u": 5 * time.Microsecond, "6n": 6,
		"99999999H": 1<<63 - 1, "99999999S": 99999999 * time.Second, "": -1, "S": -1, "1": -1, "1x": -1, "-1S": -1, "123456789S": -1, "1.5S": -1,
	} {
		if got, ok := grpcTimeout(s); ok != (want >= 0) || ok && got != want {
			t.Errorf("grpcTimeout(%q) = %v, %v; want %v", s, got, ok, want)
		}
	}
}

// TestFollowGone: a worker that never saw the request is not followed, the next one is.
func TestFollowGone(t *testing.T) {
	t.Parallel()
	var all []*notes
	f := serve(t, Config{Follow: func(_ Backend, s Sent) Follower {
		all = append(all, &notes{sent: s, ended: make(chan struct{})})
		return all[len(all)-1]
	}})
	old := &unaccepting{app: newApp(t, says("")), asked: make(chan struct{})}
	f.Use(old)
	got := make(chan string)
	go func() {
		_, body := get(t, newClient2(t), f.url)
		got <- body
	}()
	<-old.asked
	f.Use(newApp(t, says("next")))
	old.app.Close()
	if body := <-got; body != "next" {
		t.Errorf("the client gets %q", body)
	}
	<-all[1].ended
	if calls := fmt.Sprint(all[0].calls, all[1].calls); len(all) != 2 || calls != "[unseen] [answered ended]" {
		t.Errorf("the followers hear %s", calls)
	}
}

// TestFollowClientGone: a client that does not wait for the end is the reason for it.
func TestFollowClientGone(t *testing.T) {
	t.Parallel()
	h := &notes{ended: make(chan struct{})}
	f := serve(t, Config{Follow: func(_ Backend, s Sent) Follower { return h }})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begin")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})))
	req, err := http.NewRequest("POST", f.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	res, err := newClient2(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(res.Body, make([]byte, 5))
	res.Body.Close()
	<-h.ended
	if h.end.Err != clientGone || h.end.Status != 200 || h.end.BytesOut != 5 {
		t.Errorf("it ended as %+v", h.end)
	}
}

// unaccepting is a worker that ends without having accepted a connection.
type unaccepting struct {
	*app
	asked chan struct{}
}

func (u *unaccepting) Hand(ctx context.Context, remote, local net.Addr) (net.Conn, error) {
	close(u.asked)
	<-u.gone
	return nil, worker.ErrGone
}
