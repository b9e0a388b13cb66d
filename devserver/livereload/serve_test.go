package livereload

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T, l *Live) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := l.Handler(r); h != nil {
			h.ServeHTTP(w, r)
			return
		}
		http.Error(w, "the app's", http.StatusTeapot)
	}))
	t.Cleanup(s.Close)
	t.Cleanup(l.Close) // first: the server waits for its streams
	return s
}

// reader reads the states of a stream.
type reader struct {
	t     *testing.T
	lines *bufio.Scanner
}

func open(t *testing.T, s *httptest.Server) *reader {
	t.Helper()
	res, err := http.Get(s.URL + streamPath)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if got := res.Header.Get("Content-Type"); got != "text/event-stream; charset=utf-8" {
		t.Errorf("Content-Type: %s", got)
	}
	return &reader{t, bufio.NewScanner(res.Body)}
}

// until reads states until one that fits, and returns it.
func (r *reader) until(what string, fits func(state) bool) state {
	r.t.Helper()
	timer := time.AfterFunc(time.Minute, func() { panic("no state comes: " + what) })
	defer timer.Stop()
	for r.lines.Scan() {
		text, ok := strings.CutPrefix(r.lines.Text(), "data: ")
		if !ok {
			continue
		}
		var s state
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			r.t.Fatalf("%s: %v", text, err)
		}
		if fits(s) {
			return s
		}
	}
	r.t.Fatalf("the stream ends before: %s", what)
	return state{}
}

// TestStream: a stream begins with the whole state, brings each newer one, and ends with Close.
func TestStream(t *testing.T) {
	l := New(func(string) {})
	s := serve(t, l)
	r := open(t, s)
	r.until("none serves", func(s state) bool { return s.Version == 0 && s.Run != "" })
	l.Show(&Problem{Title: "no", Errors: []Error{{"a.go", 1, 2, "m\nn"}}})
	r.until("a problem", func(s state) bool { return s.Problem != nil && s.Problem.Errors[0].Message == "m\nn" })
	v := l.Next(true) // the first is a new one in any case
	l.Swapped(v, nil)
	r.until("a version, no problem", func(s state) bool { return s.Version == 1 && s.Styles == 0 && s.Problem == nil })
	l.Swapped(l.Next(true), nil)
	r.until("style sheets of a new version", func(s state) bool { return s.Version == 1 && s.Styles == 1 })
	l.Changed([]string{"/a/b.css", "c.CSS"})
	r.until("style sheets", func(s state) bool { return s.Styles == 2 && s.Assets == 0 })
	l.Changed([]string{"/a/b.css", "c.js"})
	r.until("others", func(s state) bool { return s.Styles == 2 && s.Assets == 1 })
	given := l.Next(false)
	if again := l.Next(false); again != given {
		t.Errorf("a version that never served took the number %d, the next has %d", given, again)
	}
	l.Swapped(given, nil)
	open(t, s).until("all at once for a reader that comes late", func(s state) bool { return s.Version == 2 && s.Styles == 2 && s.Assets == 1 })

	l.Close()
	for r.lines.Scan() {
		// to the end
	}
	if err := r.lines.Err(); err != nil {
		t.Errorf("the stream ends with %v", err)
	}
}

// TestHandler: which paths are taken from the app, and how they answer.
func TestHandler(t *testing.T) {
	s := serve(t, New(func(string) {}))
	for _, tt := range []struct {
		method, path string
		status       int
		kind         string
	}{
		{"GET", scriptPath, 200, "text/javascript; charset=utf-8"},
		{"HEAD", scriptPath, 200, "text/javascript; charset=utf-8"},
		{"HEAD", streamPath, 200, "text/event-stream; charset=utf-8"},
		{"POST", streamPath, 405, "text/plain; charset=utf-8"},
		{"GET", streamPath + "/", 418, "text/plain; charset=utf-8"},
		{"GET", "/_devserver/", 418, "text/plain; charset=utf-8"},
		{"GET", "/", 418, "text/plain; charset=utf-8"},
	} {
		r, err := http.NewRequest(tt.method, s.URL+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != tt.status || res.Header.Get("Content-Type") != tt.kind {
			t.Errorf("%s %s: %d, %s, want %d, %s", tt.method, tt.path, res.StatusCode, res.Header.Get("Content-Type"), tt.status, tt.kind)
		}
	}
}
