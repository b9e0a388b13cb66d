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
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/worker"
)

// patience is how long a step of a case may take.
const patience = time.Minute

// conform is one case: the same client speaks to the same app, directly and through a proxy whose versions change all
// the while. Both must see the same bytes, but for the Date and X-Forwarded-*.
type conform struct {
	name   string
	app    http.HandlerFunc // served by net/http, or
	raw    func(*appSide)   // spoken by hand: a connection of the app's
	send   string           // by the client, which then reads until the end, or
	client func(*peer)      // what the client does
	calm   bool             // versions do not change: which one closes what is the question
	loose  bool             // how much the app reads is chance
}

// stage is one run of a case.
type stage struct {
	t       *testing.T
	c       conform
	addr    string
	touched chan struct{} // the app was given something; nil: nobody wants to know
	mu      sync.Mutex
	conns   []*appSide    // in the order in which they came; guarded by mu
	open    int           // of them; guarded by mu
	shut    chan struct{} // one more is closed
	signals chan string   // from the handlers
	step    chan struct{} // to the handlers
}

// appSide is the app's end of a connection.
type appSide struct {
	*net.TCPConn
	remote net.Addr
	stage  *stage
	br     *bufio.Reader
	mu     sync.Mutex
	asked  bytes.Buffer // what it has read; guarded by mu
	once   sync.Once
}

func (a *appSide) RemoteAddr() net.Addr { return a.remote }

func (a *appSide) Read(p []byte) (int, error) {
	n, err := a.TCPConn.Read(p)
	a.mu.Lock()
	a.asked.Write(p[:n])
	a.mu.Unlock()
	a.stage.touch()
	return n, err
}

func (a *appSide) Write(p []byte) (int, error) {
	defer a.stage.touch()
	return a.TCPConn.Write(p)
}

// ReadFrom keeps net/http from writing past Write.
func (a *appSide) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{a}, r)
}

// WriteTo keeps io.Copy from reading past Read.
func (a *appSide) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{a})
}

func (a *appSide) Close() error {
	err := a.TCPConn.Close()
	a.once.Do(func() {
		a.stage.mu.Lock()
		a.stage.open--
		a.stage.mu.Unlock()
		select {
		case a.stage.shut <- struct{}{}:
		default:
		}
	})
	return err
}

func (s *stage) touch() {
	select {
	case s.touched <- struct{}{}:
	default:
	}
}

// accept makes the app's end of c.
func (s *stage) accept(c net.Conn, remote net.Addr) *appSide {
	a := &appSide{TCPConn: c.(*net.TCPConn), remote: remote, stage: s}
	a.br = bufio.NewReader(a)
	s.mu.Lock()
	s.open++
	s.conns = append(s.conns, a)
	s.mu.Unlock()
	return a
}

// asked is all that the app has read, without what the proxy adds.
func (s *stage) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, a := range s.conns {
		a.mu.Lock()
		b.Write(a.asked.Bytes())
		a.mu.Unlock()
	}
	return added.ReplaceAllString(b.String(), "")
}

var (
	added = regexp.MustCompile(`X-Forwarded-(For|Host|Proto): [^\r\n]*\r\n`)
	dated = regexp.MustCompile(`Date: [^\r\n]*GMT\r\n`)
)

// version is one version of the app: a listener of its own, which is a Backend too.
type version struct {
	stage *stage
	conns chan net.Conn
	gone  chan struct{}
	once  sync.Once
}

func (s *stage) newVersion() *version {
	v := &version{stage: s, conns: make(chan net.Conn), gone: make(chan struct{})}
	s.t.Cleanup(func() { v.Close() })
	if s.c.raw != nil {
		go v.speak()
		return v
	}
	server := &http.Server{Handler: s.c.app, ErrorLog: silent, ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, stageKey{}, s)
	}}
	go server.Serve(v)
	s.t.Cleanup(func() { server.Close() })
	return v
}

// speak has the case's own words spoken on each connection.
func (v *version) speak() {
	for {
		c, err := v.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			v.stage.c.raw(c.(*appSide))
		}()
	}
}

type stageKey struct{}

func stageOf(r *http.Request) *stage { return r.Context().Value(stageKey{}).(*stage) }

func (v *version) Accept() (net.Conn, error) {
	select {
	case c := <-v.conns:
		return c, nil
	case <-v.gone:
		return nil, net.ErrClosed
	}
}

func (v *version) Addr() net.Addr        { return &net.TCPAddr{} }
func (v *version) Close() error          { v.once.Do(func() { close(v.gone) }); return nil }
func (v *version) Gone() <-chan struct{} { return v.gone }

func (v *version) Hand(ctx context.Context, remote, _ net.Addr) (net.Conn, error) {
	ours, theirs := pair(v.stage.t)
	select {
	case v.conns <- v.stage.accept(theirs, remote):
		return ours, nil
	case <-v.gone:
		return nil, worker.ErrGone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pair is both ends of a connection on loopback.
func pair(t *testing.T) (ours, theirs net.Conn) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		return nil, nil
	}
	defer ln.Close()
	if ours, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Error(err)
	}
	if theirs, err = ln.Accept(); err != nil {
		t.Error(err)
	}
	return ours, theirs
}

// direct serves the case without a proxy.
func direct(t *testing.T, c conform) *stage {
	s := newStage(t, c)
	v := s.newVersion()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	s.addr = ln.Addr().String()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			v.conns <- s.accept(conn, conn.RemoteAddr())
		}
	}()
	return s
}

func newStage(t *testing.T, c conform) *stage {
	return &stage{t: t, c: c, shut: make(chan struct{}, 1), signals: make(chan string, 100), step: make(chan struct{})}
}

// proxied serves the case through a proxy. With each byte that the app reads or writes another version may become live.
func proxied(t *testing.T, c conform) (s *stage, swaps *atomic.Int64) {
	s, swaps = newStage(t, c), new(atomic.Int64)
	if !c.calm {
		s.touched = make(chan struct{}, 1)
	}
	f := serve(t, Config{})
	s.addr = f.addr
	one, two := s.newVersion(), s.newVersion()
	f.Use(one)
	if c.calm {
		return s, swaps
	}
	ctx, stop := context.WithCancel(t.Context())
	var swapping sync.WaitGroup
	t.Cleanup(swapping.Wait)
	t.Cleanup(stop)
	swapping.Go(func() {
		for {
			select {
			case <-s.touched:
			case <-ctx.Done():
				return
			}
			one, two = two, one
			f.Hold()
			f.Use(one)
			swaps.Add(1)
		}
	})
	return s, swaps
}

// peer is the client's end of a connection, and what it got.
type peer struct {
	*net.TCPConn
	stage *stage
	got   bytes.Buffer
	ended string // how the connection ended
}

// run has the client do its part, and returns what it saw.
func (s *stage) run() *peer {
	t := s.t
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	p := &peer{TCPConn: conn.(*net.TCPConn), stage: s}
	if s.c.client != nil {
		s.c.client(p)
	} else {
		sent := make(chan struct{})
		go func() { defer close(sent); io.WriteString(conn, s.c.send) }()
		p.rest()
		conn.Close()
		<-sent
	}
	conn.Close()
	s.allClosed()
	return p
}

// allClosed waits until the app has closed its connections.
func (s *stage) allClosed() {
	limit := time.After(patience)
	for {
		s.mu.Lock()
		open := s.open
		s.mu.Unlock()
		if open == 0 {
			return
		}
		select {
		case <-s.shut:
		case <-limit:
			s.t.Errorf("%s: the app's connections stay open", s.c.name)
			return
		}
	}
}

func (p *peer) send(s string) { io.WriteString(p.TCPConn, s) }

// until reads until the end of what it got is s, or s is anywhere in what came since.
func (p *peer) until(s string) {
	from := p.got.Len()
	buf := make([]byte, 4096)
	for !strings.Contains(string(p.got.Bytes()[max(0, from-len(s)+1):]), s) {
		n, err := p.Read(buf)
		p.got.Write(buf[:n])
		if err != nil {
			p.end(err)
			return
		}
	}
}

// rest reads until the end.
func (p *peer) rest() {
	_, err := io.Copy(&p.got, p.TCPConn)
	p.end(err)
}

func (p *peer) end(err error) {
	switch {
	case err == nil || err == io.EOF:
		p.ended = "end"
	case errors.Is(err, syscall.ECONNRESET):
		p.ended = "reset"
	default:
		p.ended = err.Error()
	}
}

// said is what a handler signalled.
func (p *peer) said() string {
	select {
	case s := <-p.stage.signals:
		fmt.Fprintf(&p.got, "<%s>", s)
		return s
	case <-time.After(patience):
		p.stage.t.Errorf("%s: the handler says nothing", p.stage.c.name)
		return ""
	}
}

// next has the handler go on.
func (p *peer) next() {
	select {
	case p.stage.step <- struct{}{}:
	case <-time.After(patience):
		p.stage.t.Errorf("%s: the handler does not wait", p.stage.c.name)
	}
}

// TestConformance runs every case directly and through the proxy.
func TestConformance(t *testing.T) {
	t.Parallel()
	conformance(t, 1)
}

// TestSoakConformance does it twenty times.
func TestSoakConformance(t *testing.T) {
	if os.Getenv("DEVSERVER_SOAK") == "" {
		t.Skip("set DEVSERVER_SOAK=1 to run the cases twenty times")
	}
	conformance(t, 20)
}

func conformance(t *testing.T, rounds int) {
	cases := conformCases()
	if len(cases) < 200 {
		t.Errorf("%d cases, want 200", len(cases))
	}
	names := map[string]bool{}
	var ran, swaps atomic.Int64
	t.Run("cases", func(t *testing.T) {
		for _, c := range cases {
			if names[c.name] {
				t.Errorf("two cases are called %q", c.name)
			}
			names[c.name] = true
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				for range rounds {
					ran.Add(1)
					swaps.Add(compare(t, c))
				}
			})
		}
	})
	if n, all := swaps.Load(), int64(len(cases)*rounds); n < all && ran.Load() == all { // not of a few that -run names
		t.Errorf("the version changed %d times in %d cases", n, all)
	}
	t.Logf("%d cases, %d changes of the version", ran.Load(), swaps.Load())
}

func compare(t *testing.T, c conform) int64 {
	plain := direct(t, c)
	want := plain.run()
	through, swaps := proxied(t, c)
	got := through.run()
	if w, g := mask(want), mask(got); w != g {
		t.Errorf("the client gets\n%q, directly\n%q", clip(g, w), clip(w, g))
	}
	if want.ended != got.ended {
		t.Errorf("the client's connection ends by %q, directly by %q", got.ended, want.ended)
	}
	if w, g := plain.asked(), through.asked(); !c.loose && w != g {
		t.Errorf("the app reads\n%q, directly\n%q", clip(g, w), clip(w, g))
	}
	return swaps.Load()
}

func mask(p *peer) string { return dated.ReplaceAllString(p.got.String(), "Date: masked\r\n") }

// clip leaves of a long text the part around where it differs from another.
func clip(s, other string) string {
	if len(s) < 2000 {
		return s
	}
	i := 0
	for i < len(s) && i < len(other) && s[i] == other[i] {
		i++
	}
	return fmt.Sprintf("... from byte %d of %d: %s", i, len(s), s[i:min(len(s), i+300)])
}
