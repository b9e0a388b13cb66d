package devserver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/export"
	"github.com/seed-d81df0db/devserver/devserver/otlp"
	"github.com/seed-d81df0db/devserver/devserver/otlp/otlptest"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// follow tails a recording into a store, as a supervisor does; finish ends it.
func follow(t *testing.T, x *traffic, rec *Recording, url string, notify func(otlp.Trouble)) (out *otlpOut, finish func() otlp.Left) {
	t.Helper()
	target, err := otlpTarget(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := otlp.TailConfig{Config: impatient, Every: time.Millisecond, UsageEvery: 10 * time.Millisecond, Failed: func(err error) { t.Error(err) }}
	c.Target, c.Notify = target, notify
	out = &otlpOut{target: target, tail: otlp.NewTail(strict{rec, t}, otlp.Start{}, c), stop: func() {}}
	x.wrote = out.see
	out.start()
	return out, func() otlp.Left {
		out.stop()
		out.running.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, left := out.tail.Finish(ctx)
		return left
	}
}

// wait waits until a receiver has what is asked for.
func wait(t *testing.T, v *otlptest.Receiver, what string, enough func() bool) {
	t.Helper()
	limit := time.After(patience)
	for {
		news := v.News()
		if enough() {
			return
		}
		select {
		case <-news:
		case <-limit:
			t.Fatalf("the receiver does not get %s; it has %d spans and %d records", what, len(v.Spans()), len(v.Records()))
		}
	}
}

// storeAt serves a receiver at an address until stop, which waits for requests under way.
func storeAt(t *testing.T, v *otlptest.Receiver, addr string) (url string, stop func()) {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	last := &lastCall{next: v}
	server := &http.Server{Handler: last}
	var wait sync.WaitGroup
	wait.Go(func() { server.Serve(ln) })
	stop = sync.OnceFunc(func() {
		ln.Close()
		last.close() // http.Server.Shutdown waits seconds for connections that were only dialled
		server.Close()
		wait.Wait()
	})
	t.Cleanup(stop)
	return "http://" + ln.Addr().String(), stop
}

// TestOTLPTail: whatever the store does meanwhile, it has everything once, and hears of what ends before the end.
func TestOTLPTail(t *testing.T) {
	t.Parallel()
	x, rec := openTraffic(t)
	v := &otlptest.Receiver{}
	flaky(v)
	addr := reserved(t)
	url, stop := storeAt(t, v, addr)
	troubles := make(chan otlp.TroubleKind, 10_000)
	out, finish := follow(t, x, rec, url, func(n otlp.Trouble) { troubles <- n.Kind })
	for range 10 {
		x.batch(300)
	}
	stop()
	for range 10 {
		x.batch(300)
	}
	storeAt(t, v, addr)
	for range 10 {
		x.batch(300)
	}
	ended := 0
	for _, s := range sockets(t, rec, record.SocketFilter{Limit: -1}) {
		if s.State != "open" {
			ended++
		}
	}
	sent := func() (n int) {
		for _, s := range v.Spans() {
			if strings.HasPrefix(row(s.Attributes, ""), "socket") {
				n++
			}
		}
		return n
	}
	wait(t, v, "each socket that has ended", func() bool { return sent() >= ended })
	if n := sent(); n != ended {
		t.Errorf("%d sockets were sent, %d have ended", n, ended)
	}
	for _, run := range x.runs[:1] { // of the others some are open at the end
		if err := x.db.EndRun(run, x.at+1, "exit status 1"); err != nil {
			t.Fatal(err)
		}
	}
	out.look()
	open := len(sockets(t, rec, record.SocketFilter{State: "open", Limit: -1}))
	all := len(sockets(t, rec, record.SocketFilter{Limit: -1}))
	if open == 0 || open == all-ended {
		t.Fatalf("%d of %d sockets are open after a run's end, of %d before", open, all, all-ended)
	}
	wait(t, v, "what the run left open", func() bool { return sent() >= all-open })
	if left := finish(); left.Err != nil {
		t.Errorf("left: %+v", left)
	}
	checkWhole(t, rec, v)
	close(troubles)
	last := otlp.Back
	for kind := range troubles {
		if kind == last || kind != otlp.Away && kind != otlp.Back {
			t.Fatalf("trouble %v after %v", kind, last)
		}
		last = kind
	}
	if last != otlp.Back {
		t.Error("that the store is back was not told")
	}
}

// TestOTLPTailLosesAnswers: a store may take a request whose answer is lost. What it gets again is the same.
func TestOTLPTailLosesAnswers(t *testing.T) {
	t.Parallel()
	x, rec := openTraffic(t)
	var n atomic.Int64
	v := &otlptest.Receiver{Answer: func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" && n.Add(1)%2 == 1 {
			panic(http.ErrAbortHandler)
		}
	}}
	url, _ := storeAt(t, v, "127.0.0.1:0")
	_, finish := follow(t, x, rec, url, nil)
	for range 15 {
		x.batch(300)
	}
	if left := finish(); left.Err != nil {
		t.Errorf("left: %+v", left)
	}
	ids := map[string]string{}
	var names []string
	for _, s := range v.Spans() {
		name := row(s.Attributes, s.Name)
		names = append(names, name)
		if id := ids[name]; id != "" && id != string(s.SpanId) {
			t.Errorf("%s came with two ids", name)
		}
		ids[name] = string(s.SpanId)
	}
	slices.Sort(names)
	want, _ := rows(t, rec)
	if got := slices.Compact(slices.Clone(names)); !slices.Equal(got, want) {
		t.Errorf("%d spans, want %d", len(got), len(want))
	}
	if len(names) == len(want) {
		t.Error("nothing came twice: no answer was lost")
	}
}

// TestOTLPTailRefused: what a store does not want is counted and not sent again.
func TestOTLPTailRefused(t *testing.T) {
	t.Parallel()
	x, rec := openTraffic(t)
	var n, refused atomic.Int64
	v := &otlptest.Receiver{Fail: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v1/traces" && n.Add(1)%3 == 1 { // the first, however few there are
			refused.Add(1)
			http.Error(w, "bad span", http.StatusBadRequest)
			return true
		}
		return false
	}}
	url, _ := storeAt(t, v, "127.0.0.1:0")
	var told []otlp.Trouble
	out, finish := follow(t, x, rec, url, func(n otlp.Trouble) { told = append(told, n) })
	for range 15 {
		x.batch(300)
	}
	finish()
	sum, left := out.tail.Finish(t.Context()) // there is nothing left to do
	spans, _ := rows(t, rec)
	if left.Err != nil || sum.Refused == 0 || sum.Spans != int64(len(v.Spans())) || sum.Spans+sum.Refused != int64(len(spans)) {
		t.Errorf("sum %+v, left %+v, %d spans came of %d", sum, left, len(v.Spans()), len(spans))
	}
	if len(told) != 1 || told[0].Kind != otlp.Refused {
		t.Errorf("told %+v of %d refusals, want one", told, refused.Load())
	}
}

// TestOTLPTailLeft: what cannot be sent at the end is counted, and an export from its time on sends all of it.
func TestOTLPTailLeft(t *testing.T) {
	t.Parallel()
	x, rec := openTraffic(t)
	away := make(chan struct{})
	_, finish := follow(t, x, rec, freeURL(t), func(n otlp.Trouble) { close(away) })
	for range 15 {
		x.batch(300)
	}
	<-away
	left := finish()
	spans, records := rows(t, rec)
	if left.Err == nil || left.More || left.Items != int64(len(spans)+len(records)) {
		t.Errorf("left %+v, want %d items", left, len(spans)+len(records))
	}
	v, url := collector(t)
	if _, err := ExportOTLP(t.Context(), rec, OTLPOptions{URL: url, Options: export.Options{Since: left.Since}}); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, rec, v)
}

// said returns the texts of all warnings and notes about the store.
func (s *site) said() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.notices {
		switch n := n.(type) {
		case Warning:
			all = append(all, n.Text)
		case Note:
			all = append(all, n.Text)
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return !strings.HasPrefix(s, "otlp: ") })
}

// visit makes requests that resolve, dial, are denied and use a pooled connection.
func (s *site) visit() {
	for _, path := range []string{"/", "/dial?addr=echo.example.com:7", "/dial?addr=127.0.0.1:9", "/keep", "/keep", "/nothing?q=1"} {
		s.get(path)
	}
}

// TestRunOTLP: a run sends all that it records, what is open at the end too.
func TestRunOTLP(t *testing.T) {
	t.Parallel()
	v := &otlptest.Receiver{}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	s := newSite(t, map[string]string{"main.go": source})
	s.opts.OTLP, s.opts.OTLPHeaders = server.URL, []string{"x-key=secret"}
	s.opts.otlpConfig = otlp.TailConfig{Config: impatient, Every: time.Millisecond, UsageEvery: 50 * time.Millisecond}
	s.up()
	s.visit()
	wait(t, v, "a denial and a quota while it runs", func() bool { return len(v.Records()) > 0 && len(v.Points()) > 0 })
	s.stop()
	rec := s.recording()
	checkWhole(t, rec, v)
	if said := s.said(); len(said) > 0 {
		t.Errorf("a run without trouble says %q", said)
	}
	for _, h := range v.Headers() {
		if h.Get("X-Key") != "secret" {
			t.Errorf("headers %v, want X-Key", h)
		}
	}
}

// TestRunOTLPAway: nobody listens. It is told once, devserver goes on and ends, and says how to send the rest.
func TestRunOTLPAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	s.opts.OTLP = freeURL(t)
	s.opts.otlpConfig = otlp.TailConfig{Config: impatient, Every: time.Millisecond}
	s.up()
	s.visit()
	waitFor(s, func(w Warning) bool { return strings.Contains(w.Text, "waits in the recording") })
	s.visit()
	s.stop()
	said := s.said()
	if len(said) != 1 || !strings.Contains(said[0], "not sent: ") || !strings.Contains(said[0], "devserver export --otlp "+s.opts.OTLP+" --recording ") {
		t.Fatalf("it says %q, want one way to send the rest", said)
	}
	since, err := time.Parse(time.RFC3339Nano, said[0][strings.LastIndex(said[0], " ")+1:])
	if err != nil {
		t.Fatal(err)
	}
	v, url := collector(t)
	rec := s.recording()
	if _, err := ExportOTLP(t.Context(), rec, OTLPOptions{URL: url, Options: export.Options{Since: since.UnixNano()}}); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, rec, v)
}

func TestRunOTLPRefusesOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{OTLP: "localhost:4318"}, {OTLPHeaders: []string{"a=b"}}, {OTLP: "http://localhost:4318", OTLPHeaders: []string{"ab"}}} {
		if err, usage := Run(t.Context(), o), (*UsageError)(nil); !errors.As(err, &usage) {
			t.Errorf("Run with %q, %q: %v is no usage error", o.OTLP, o.OTLPHeaders, err)
		}
	}
}
