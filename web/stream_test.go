package web

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// message is one of a stream's.
type message struct{ name, id, data string }

// listen opens a stream and returns its messages; the channel is closed at its end.
func listen(t *testing.T, url string, header ...string) <-chan message {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		t.Fatalf("%s: %s %s", url, answer.Status, kind)
	}
	messages := make(chan message, 100)
	go func() {
		defer close(messages)
		defer answer.Body.Close()
		var m message
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				m.name = value
			case "id":
				m.id = value
			case "data":
				m.data = value
			}
			if lines.Text() == "" && m.name != "" {
				messages <- m
				m = message{}
			}
		}
	}()
	return messages
}

// next waits for a stream's next message; a stream that is over fails the test.
func next(t *testing.T, messages <-chan message) message {
	t.Helper()
	select {
	case m, ok := <-messages:
		if !ok {
			t.Fatal("the stream is over")
		}
		return m
	case <-time.After(time.Minute):
		t.Fatal("nothing comes")
	}
	return message{}
}

func TestStream(t *testing.T) {
	t.Parallel()
	data := &recording{}
	s := data.add(record.Socket{Network: "tcp", Host: "db", State: "open", OpenedAt: time.Now().UnixNano()})
	data.happen(s, record.Event{Kind: "connect"})
	site := open(t, data, empty, nil)
	all := listen(t, site.URL+"/api/v1/stream")
	denials := listen(t, site.URL+"/api/v1/stream?kind=deny")
	changes := listen(t, site.URL+"/api/v1/stream?only=change")
	for _, stream := range []<-chan message{all, denials, changes} { // how things are now; what was before is not told again
		if m := next(t, stream); m.name != "change" || !strings.Contains(m.data, `"open":1`) {
			t.Fatalf("first message %+v", m)
		}
	}
	data.happen(s, record.Event{Kind: "send", Bytes: 7})
	data.happen(s, record.Event{Kind: "deny", Rule: "private"})
	site.live.Notify()
	var e record.Event
	for _, kind := range []string{"send", "deny"} {
		m := next(t, all)
		if err := json.Unmarshal([]byte(m.data), &e); err != nil || m.name != "event" || e.Kind != kind {
			t.Errorf("got %+v (%v), want the event %s", m, err, kind)
		}
	}
	if m := next(t, denials); m.name != "event" || m.id != "3" || !strings.Contains(m.data, `"rule":"private"`) {
		t.Errorf("among denials: %+v", m)
	}
	for _, stream := range []<-chan message{all, denials, changes} {
		if m := next(t, stream); m.name != "change" || !strings.Contains(m.data, `"denials":1`) {
			t.Errorf("in the end: %+v", m)
		}
	}
	again := listen(t, site.URL+"/api/v1/stream", "Last-Event-ID", "2") // a client that was away
	if m := next(t, again); m.id != "3" {
		t.Errorf("after event 2 comes %+v, want event 3", m)
	}
	site.live.Close()
	for range all { // ends
	}
}

func TestStreamRefuses(t *testing.T) {
	t.Parallel()
	handler := newConsole(t, &recording{}, empty, nil)
	for _, query := range []string{"only=events", "kind=x", "what=1", "before=3", "order=desc", "after=x"} {
		if w := ask(handler, "GET", "/api/v1/stream?"+query, ""); w.Code != http.StatusBadRequest || !json.Valid(w.Body.Bytes()) {
			t.Errorf("?%s = %d %s", query, w.Code, w.Body)
		}
	}
}

func TestLiveLetsTheLaggardGo(t *testing.T) {
	t.Parallel()
	var live Live
	slow, leaveSlow := live.subscribe()
	quick, leaveQuick := live.subscribe()
	for range lag + 1 {
		live.Notify()
		<-quick
	}
	for range lag {
		if _, ok := <-slow; !ok {
			t.Fatal("the laggard lost notices that it had room for")
		}
	}
	if _, ok := <-slow; ok {
		t.Error("the laggard was not let go")
	}
	live.Notify()
	if _, ok := <-quick; !ok {
		t.Error("the quick one was let go too")
	}
	leaveSlow()
	leaveQuick()
	leaveQuick() // twice does no harm
	live.Close()
	live.Notify()
	if late, _ := live.subscribe(); late != nil {
		if _, ok := <-late; ok {
			t.Error("a closed Live takes subscribers")
		}
	}
	(*Live)(nil).Notify() // a console that does not update itself
	(*Live)(nil).Close()
}

// TestStuckReader has a client that never reads: the stream's write ends by its deadline rather than hold a goroutine for ever.
func TestStuckReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe() // without a buffer: a write waits for its read
		defer theirs.Close()
		live := new(Live)
		con := &console{Config: Config{Source: &recording{}, State: empty, Live: live, Now: time.Now}}
		w := &pipeWriter{Conn: ours}
		s := &streamer{console: con, w: w, out: http.NewResponseController(w), onlyChanges: true}
		begun := time.Now()
		s.run(t.Context())
		if took := time.Since(begun); took != writeTimeout {
			t.Errorf("the stream of a client that does not read ended after %v, want %v", took, writeTimeout)
		}
		if len(live.subs) != 0 {
			t.Error("the subscriber is still there")
		}
	})
}

// TestHeartbeat waits in a bubble's fake time: a quiet stream says so every fifteen seconds, and ends with its request.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		con := &console{Config: Config{Source: &recording{}, State: empty, Live: new(Live), Now: time.Now}}
		w := &pipeWriter{Conn: ours}
		s := &streamer{console: con, w: w, out: http.NewResponseController(w), onlyChanges: true}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer ours.Close()
			s.run(ctx)
		}()
		beats := 0
		begun := time.Now()
		for lines := bufio.NewScanner(theirs); lines.Scan(); {
			if lines.Text() == ": still here" {
				if beats++; beats == 3 {
					cancel()
				}
			}
		}
		<-done
		if beats != 3 || time.Since(begun) != 3*heartbeat {
			t.Errorf("%d beats in %v", beats, time.Since(begun))
		}
	})
}

// pipeWriter is a ResponseWriter over a connection.
type pipeWriter struct {
	net.Conn
	header http.Header
}

func (w *pipeWriter) Header() http.Header { return w.header }
func (w *pipeWriter) WriteHeader(int)     {}
func (w *pipeWriter) Flush()              {}

// asked tells after which event a stream looks for those that it filters.
type asked struct {
	*recording
	after chan int64
}

func (a asked) Events(ctx context.Context, f record.EventFilter) ([]record.Event, error) {
	if len(f.Kinds) > 0 {
		a.after <- f.After
	}
	return a.recording.Events(ctx, f)
}

// TestStreamGoesOn: what a filter has left out once is not looked at again, and a client that comes from another recording,
// with an event that this one does not have yet, sees what is new.
func TestStreamGoesOn(t *testing.T) {
	t.Parallel()
	data := asked{&recording{}, make(chan int64, 100)}
	s := data.add(record.Socket{Network: "tcp", Host: "db", State: "open", OpenedAt: time.Now().UnixNano()})
	data.happen(s, record.Event{Kind: "connect"})
	site := open(t, data.recording, empty, func(c *Config) { c.Source = data })
	denials := listen(t, site.URL+"/api/v1/stream?kind=deny")
	other := listen(t, site.URL+"/api/v1/stream", "Last-Event-ID", "99")
	next(t, denials)
	next(t, other)
	if after := <-data.after; after != 1 {
		t.Errorf("the stream begins after event %d, want 1", after)
	}
	for id := int64(2); id < 5; id++ {
		data.happen(s, record.Event{Kind: "send", Bytes: 7})
		site.live.Notify()
		next(t, denials)
		if after := <-data.after; after != max(id-1, 1) {
			t.Errorf("with %d events it looks after event %d", id, after)
		}
		if m := next(t, other); m.name != "event" || m.id != strconv.FormatInt(id, 10) {
			t.Errorf("the client of another recording is told %+v, want event %d", m, id)
			break
		}
		next(t, other)
	}
}
