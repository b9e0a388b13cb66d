package devserver

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
)

// streams is a second file for source: server-sent events that never end by themselves, and a WebSocket that answers each
// short message with the version in front.
const streams = `package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

func init() {
	http.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for r.Context().Err() == nil {
			fmt.Fprintf(w, "data: %s\n\n", version)
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	})
	http.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		c, both, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(sum[:]))
		for frame(c, both.Reader) {
		}
	})
}

// frame answers one frame of RFC 6455, and tells whether another may come.
func frame(c net.Conn, r *bufio.Reader) bool {
	var head [6]byte // final and opcode, masked and length, mask
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return false
	}
	text := make([]byte, head[1]&0x7f)
	if _, err := io.ReadFull(r, text); err != nil {
		return false
	}
	for i := range text {
		text[i] ^= head[2+i%4]
	}
	goes := head[0]&0x0f != 8 // close is answered as it came
	if goes {
		text = append([]byte(version+" "), text...)
	}
	_, err := c.Write(append([]byte{head[0], byte(len(text))}, text...))
	return goes && err == nil
}
`

// TestReloads saves again and again while clients never pause: no request fails, streams go on across a swap, and nothing
// is left over. Half of the saves are with --on-build=serve-old.
//
// It is not parallel: it counts the descriptors and goroutines of this process.
func TestReloads(t *testing.T) {
	reloads(t, "wait", 25)
	reloads(t, "serve-old", 25)
}

// TestSoakReloads does so for long: make soak.
func TestSoakReloads(t *testing.T) {
	if os.Getenv("DEVSERVER_SOAK") == "" {
		t.Skip("takes minutes; make soak runs it")
	}
	reloads(t, "wait", 250)
	reloads(t, "serve-old", 250)
}

func reloads(t *testing.T, onBuild string, saves int) {
	descriptors, goroutines := count(t), runtime.NumGoroutine()
	s := newSite(t, map[string]string{"main.go": source, "streams.go": streams})
	s.opts.OnBuild = onBuild
	s.up()
	l := newLoad(s)
	for i := range saves {
		version := []string{"even", "odd"}[i%2] // two contents: the compiler has seen both soon
		s.write("main.go", versionOf(version))
		ready := waitFor[AppReady](s, nil)
		if ready.Reload != i+1 || !slices.Equal(ready.Files, []string{"main.go"}) || ready.First {
			t.Errorf("reload %d is told as %+v", i+1, ready)
		}
		l.swapped()
		if got := s.get("/"); got != version+" 0" {
			t.Errorf("after save %d / = %q, want %s", i+1, got, version)
		}
	}
	l.stop()
	s.stop()
	nothingLeft(t, descriptors, goroutines)
	s.checkReloads(saves)
}

// checkReloads looks at what is left of so many saves.
func (s *site) checkReloads(saves int) {
	s.t.Helper()
	programs, err := os.ReadDir(filepath.Join(s.data, "bin", "shop"))
	if err != nil || len(programs) > 2 {
		s.t.Errorf("after %d saves %d programs are kept, %v", saves, len(programs), err)
	}
	runs, err := s.recording().Runs(s.t.Context())
	if err != nil || len(runs) != saves+1 {
		s.t.Errorf("%d runs are recorded, %v, want %d", len(runs), err, saves+1)
	}
	for _, r := range runs {
		if isOurs(r.PID) {
			s.t.Errorf("process %d of run %d is still there", r.PID, r.ID)
		}
	}
	if d, ok := taken[DrainEnded](s, nil); ok {
		s.t.Errorf("a version was ended with requests left: %+v", d)
	}
}

// load is clients of all kinds that never pause.
type load struct {
	*site
	ctx     context.Context
	stopAll context.CancelFunc
	clients sync.WaitGroup
	swap    atomic.Pointer[chan struct{}] // closed at the next swap
	served  [4]int                        // each of one client, read when it has ended
}

func newLoad(s *site) *load {
	l := &load{site: s}
	l.ctx, l.stopAll = context.WithCancel(s.t.Context())
	l.swap.Store(new(make(chan struct{})))
	for i, client := range []func() int{
		func() int { return l.ask(true) }, func() int { return l.ask(false) }, l.listen, l.talk,
	} {
		l.clients.Go(func() { l.served[i] = client() })
	}
	return l
}

// swapped tells the clients that another version serves.
func (l *load) swapped() { close(*l.swap.Swap(new(make(chan struct{})))) }

func (l *load) stop() {
	l.t.Helper()
	l.stopAll()
	l.clients.Wait()
	l.t.Logf("served: %d requests over one connection, %d each over its own, %d streams of events, %d WebSockets", l.served[0], l.served[1], l.served[2], l.served[3])
	for i, n := range l.served {
		if n == 0 {
			l.t.Errorf("client %d was served nothing", i)
		}
	}
}

// ask sends requests without a body, with one, and with one in chunks, one after the other.
func (l *load) ask(keepAlive bool) (served int) {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: !keepAlive}}
	defer c.CloseIdleConnections()
	for ; l.ctx.Err() == nil; served++ {
		method, want := "POST", " 4"
		var body io.Reader
		switch served % 3 {
		case 0:
			method, want = "GET", " 0"
		case 1:
			body = strings.NewReader("body")
		case 2:
			body = io.MultiReader(strings.NewReader("bo"), strings.NewReader("dy")) // of unknown length: chunked
		}
		req, err := http.NewRequest(method, l.url, body)
		if err != nil {
			l.t.Error(err)
			return served
		}
		res, err := c.Do(req)
		if err != nil {
			l.t.Errorf("a request failed: %v", err)
			return served
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 200 || !bytes.HasSuffix(text, []byte(want)) {
			l.t.Errorf("a %s was answered %s %q, %v", method, res.Status, text, err)
		}
	}
	return served
}

// listen reads streams of events, each from before a swap until after it: all of it is of one version.
func (l *load) listen() (crossed int) {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for l.ctx.Err() == nil {
		next := *l.swap.Load()
		req, err := http.NewRequestWithContext(l.ctx, "GET", l.url+"/events", nil)
		if err != nil {
			l.t.Error(err)
			return crossed
		}
		res, err := c.Do(req)
		if err != nil {
			l.failed("a stream of events", err)
			return crossed
		}
		err = readEvents(bufio.NewScanner(res.Body), next)
		res.Body.Close()
		if err != nil {
			l.failed("a stream of events", err)
			return crossed
		}
		crossed++
	}
	return crossed
}

// readEvents reads until two events after a swap.
func readEvents(lines *bufio.Scanner, swap <-chan struct{}) error {
	first := ""
	for after := 0; after < 2; {
		if !lines.Scan() {
			return fmt.Errorf("it ended: %v", lines.Err())
		}
		line := lines.Text()
		if line == "" {
			continue
		}
		if first == "" {
			first = line
		}
		if line != first || !strings.HasPrefix(line, "data: ") {
			return fmt.Errorf("%q came after %q", line, first)
		}
		if !isOpen(swap) {
			after++
		}
	}
	return nil
}

// failed tells of a failure that is not the load's own end.
func (l *load) failed(what string, err error) {
	if l.ctx.Err() == nil {
		l.t.Errorf("%s: %v", what, err)
	}
}

// talk speaks over WebSockets, each before a swap and after it, to one version.
func (l *load) talk() (crossed int) {
	for l.ctx.Err() == nil {
		if err := l.talkOnce(*l.swap.Load()); err != nil {
			l.failed("a WebSocket", err)
			return crossed
		}
		crossed++
	}
	return crossed
}

func (l *load) talkOnce(swap <-chan struct{}) error {
	c, _, err := websocket.Dial(l.ctx, l.url+"/socket", nil)
	if err != nil {
		return err
	}
	defer c.CloseNow()
	var answers [2]string
	for i := range answers {
		if i == 1 {
			select {
			case <-swap:
			case <-l.ctx.Done():
				return l.ctx.Err()
			}
		}
		if err := c.Write(l.ctx, websocket.MessageText, []byte("hello")); err != nil {
			return err
		}
		_, text, err := c.Read(l.ctx)
		if err != nil {
			return err
		}
		answers[i] = string(text)
	}
	if answers[0] != answers[1] || !strings.HasSuffix(answers[0], " hello") {
		return fmt.Errorf("it answers %q", answers)
	}
	return c.Close(websocket.StatusNormalClosure, "")
}
