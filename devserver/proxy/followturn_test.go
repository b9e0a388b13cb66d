package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestFollowTurn: what a follower hears of requests in HTTP/1.
func TestFollowTurn(t *testing.T) {
	t.Parallel()
	hijacked := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			io.WriteString(c, answer)
		}
	}
	const chunks = "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nca\r\n2\r\nll\r\n0\r\nTrailer: x\r\n\r\n"
	for _, tt := range []struct {
		name, request string
		h             http.HandlerFunc
		calls         string
		status        int
		in, out       int64
		err           string
	}{
		{"length", "Content-Length: 4\r\n\r\ncall", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }, "answered ended", 200, 4, 4, ""},
		{"chunks", chunks, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, r.Body)
			http.NewResponseController(w).Flush()
		}, "answered ended", 200, 4, 4, ""},
		{"refused", "\r\n", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 404) }, "answered ended", 404, 0, 3, ""},
		{"early hints", "\r\n", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(204)
		}, "answered ended", 204, 0, 0, ""},
		{"until the end", "Connection: close\r\n\r\n", hijacked("HTTP/1.0 200 OK\r\n\r\nall of it"), "answered ended", 200, 0, 9, ""},
		{"upgraded", "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n", hijacked("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nbye"), "answered ended", 101, 0, 3, ""},
		{"no HTTP", "\r\n", hijacked("hello\r\n\r\n"), "answered ended", 0, 0, 9, ""},
		{"cut", "\r\n", hijacked("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), "answered ended", 200, 0, 4, "the app cut its answer short: EOF"},
		{"no answer", "Content-Length: 4\r\n\r\ncall", hijacked(""), "ended", 0, 4, 0, "the app closed the connection without an answer: EOF"},
		{"half a head", "\r\n", hijacked("HTTP/1.1 200 OK\r\n"), "ended", 0, 0, 0, "the app closed the connection without an answer: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := &notes{ended: make(chan struct{})}
			f := serve(t, Config{Follow: func(_ Backend, s Sent) Follower { h.sent = s; return h }})
			f.Use(newApp(t, tt.h))
			c, err := net.Dial("tcp", f.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprintf(c, "POST /a%%2fb?c HTTP/1.1\r\nHost: h\r\n%s", tt.request)
			go func() {
				io.Copy(io.Discard, c)
				c.Close()
			}()
			<-h.ended
			if calls := strings.Join(h.calls, " "); calls != tt.calls {
				t.Errorf("the follower hears %q, want %q", calls, tt.calls)
			}
			if a := h.end; a.Status != tt.status || a.BytesIn != tt.in || a.BytesOut != tt.out || a.Err != tt.err && (tt.err == "" || !strings.HasPrefix(a.Err, tt.err)) {
				t.Errorf("it ended as %+v; want status %d, %d bytes in, %d out, error %q", a, tt.status, tt.in, tt.out, tt.err)
			}
			if s := h.sent; s.Method != "POST" || s.URL != "/a%2fb?c" || s.Proto != "HTTP/1.1" || s.RemoteAddr == "" {
				t.Errorf("it was sent as %+v", s)
			}
			select {
			case a := <-f.answers:
				t.Errorf("Answered is told too: %+v", a)
			default:
			}
		})
	}
}

// TestFollowRewritten: of an answer that Rewrite has changed a follower hears what it hears of any other.
func TestFollowRewritten(t *testing.T) {
	t.Parallel()
	head := func(_ Backend, _ *http.Request, res *http.Response) { res.Header.Set("Cache-Control", "no-cache") }
	body := func(_ Backend, _ *http.Request, res *http.Response) {
		res.Body = io.NopCloser(io.MultiReader(res.Body))
	}
	const (
		ok     = "HTTP/1.1 200 OK\r\n"
		length = ok + "Content-Length: 9\r\n\r\n"
	)
	for _, tt := range []struct {
		name, answer string
		rewrite      func(Backend, *http.Request, *http.Response)
		out          int64
		err          string
	}{
		{"headers", length + "all of it", head, 9, ""},
		{"headers, until the end", ok + "\r\nall of it", head, 9, ""},
		{"headers, cut", length + "half", head, 4, "the app cut its answer short: EOF"},
		{"body", length + "all of it", body, 9, ""},
		{"body, until the end", ok + "\r\nall of it", body, 9, ""},
		{"body, cut", length + "half", body, 4, "the app cut its answer short: unexpected EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := &notes{ended: make(chan struct{})}
			f := serve(t, Config{Rewrite: tt.rewrite, Follow: func(Backend, Sent) Follower { return h }})
			s := newStage(t, conform{raw: saysRaw(tt.answer)})
			f.Use(s.newVersion())
			c, _ := dialed(t, f)
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			io.Copy(io.Discard, c)
			c.Close()
			<-h.ended
			if a := h.end; a.Status != 200 || a.BytesOut != tt.out || a.Err != tt.err {
				t.Errorf("it ended as %+v; want %d bytes out, error %q", a, tt.out, tt.err)
			}
		})
	}
}

// TestFollowTurns: each of several requests on a connection is followed, and one whose worker never saw it is followed anew.
func TestFollowTurns(t *testing.T) {
	t.Parallel()
	var all []*notes
	f := serve(t, Config{Follow: func(_ Backend, s Sent) Follower {
		all = append(all, &notes{sent: s, ended: make(chan struct{})})
		return all[len(all)-1]
	}})
	old := &unaccepting{app: newApp(t, says("")), asked: make(chan struct{})}
	f.Use(old)
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
	<-old.asked
	f.Use(newApp(t, says("next")))
	old.app.Close()
	in := bufio.NewReader(c)
	for range 2 {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
	}
	c.Close()
	f.Close(t.Context())
	var heard []string
	for _, h := range all {
		heard = append(heard, h.sent.URL+" "+strings.Join(h.calls, " "))
	}
	if got := strings.Join(heard, ", "); got != "/1 unseen, /1 answered ended, /2 answered ended" {
		t.Errorf("the followers hear %q", got)
	}
}
