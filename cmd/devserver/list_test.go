package main

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// notebook is a recording in memory that follows the filters as far as the feeds use them.
type notebook struct {
	sockets []devserver.Socket // by id
	events  []devserver.Event
	denials []devserver.Denial
	asked   int
}

func (n *notebook) Sockets(_ context.Context, f devserver.SocketFilter) (rows []devserver.Socket, err error) {
	n.asked++
	for _, s := range slices.Backward(n.sockets) {
		if (f.Before == 0 || s.ID < f.Before) && s.ID > f.After && max(s.OpenedAt, s.LastAt, s.ClosedAt) >= f.Since && (f.Rule == "" || s.Rule == f.Rule) && len(rows) < f.Limit {
			rows = append(rows, s)
		}
	}
	return rows, nil
}

func (n *notebook) Events(_ context.Context, f devserver.EventFilter) (rows []devserver.Event, err error) {
	n.asked++
	for _, e := range slices.Backward(n.events) {
		if (f.Before == 0 || e.ID < f.Before) && e.ID > f.After && len(rows) < f.Limit {
			rows = append(rows, e)
		}
	}
	return rows, nil
}

func (n *notebook) Denials(_ context.Context, f devserver.EventFilter) (rows []devserver.Denial, err error) {
	for _, d := range slices.Backward(n.denials) {
		if d.ID > f.After && (f.Limit < 0 || len(rows) < f.Limit) {
			rows = append(rows, d)
		}
	}
	return rows, nil
}

// ask calls a feed and returns the rows' names.
func ask[R any](t *testing.T, next feed[R], name func(R) string) string {
	t.Helper()
	rows, err := next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range rows {
		names = append(names, name(r))
	}
	return fmt.Sprint(names)
}

func TestEventFeed(t *testing.T) {
	t.Parallel()
	n := &notebook{}
	more := func(count int) {
		for range count {
			n.events = append(n.events, devserver.Event{ID: int64(len(n.events) + 1)})
		}
	}
	next := eventFeed(n, devserver.EventFilter{}, 3)
	name := func(e devserver.Event) string { return fmt.Sprint(e.ID) }
	more(5)
	if got := ask(t, next, name); got != "[3 4 5]" {
		t.Errorf("at first: %s, want the newest three, oldest first", got)
	}
	if got := ask(t, next, name); got != "[]" {
		t.Errorf("nothing happened: %s", got)
	}
	more(2 * pageSize)
	rows, err := next(t.Context())
	if err != nil || len(rows) != 2*pageSize || rows[0].ID != 6 || rows[len(rows)-1].ID != int64(5+2*pageSize) {
		t.Errorf("a burst: %d rows, %v, want all %d in order", len(rows), err, 2*pageSize)
	}
}

// rareLines is a recording of many lines of which none match a filter.
type rareLines struct {
	n     int64
	after int64 // of the last question with the filter
}

func (r *rareLines) Logs(_ context.Context, f devserver.LogFilter) ([]devserver.Log, error) {
	if f.Stream == "" {
		return []devserver.Log{{ID: r.n}}, nil
	}
	r.after = f.After
	return nil, nil
}

// TestLogFeedRare: a feed looks at each line once, also where none matches.
func TestLogFeedRare(t *testing.T) {
	t.Parallel()
	r := &rareLines{n: 1000}
	next := logFeed(r, devserver.LogFilter{Stream: "stderr"}, 3)
	for _, want := range []int64{0, 1000, 1010} {
		if got := ask(t, next, func(devserver.Log) string { return "" }); got != "[]" || r.after != want {
			t.Errorf("%s behind line %d, want behind %d", got, r.after, want)
		}
		r.n += 10
	}
}

// TestNewestSockets: what is not followed is asked for once.
func TestNewestSockets(t *testing.T) {
	t.Parallel()
	n := &notebook{sockets: []devserver.Socket{{ID: 1}, {ID: 2}, {ID: 3}}}
	next := func(ctx context.Context) ([]devserver.Socket, error) {
		return newestSockets(ctx, n, devserver.SocketFilter{}, 2)
	}
	if got := ask(t, next, func(s devserver.Socket) string { return fmt.Sprint(s.ID) }); got != "[2 3]" || n.asked != 1 {
		t.Errorf("%s, asked %d times, want the newest two, asked once", got, n.asked)
	}
}

func TestSocketFeed(t *testing.T) {
	t.Parallel()
	const s = int64(time.Second)
	n := &notebook{sockets: []devserver.Socket{
		{ID: 1, State: "closed", OpenedAt: 10 * s, LastAt: 11 * s, ClosedAt: 12 * s},
		{ID: 2, State: "open", OpenedAt: 20 * s, LastAt: 25 * s},
		{ID: 3, State: "denied", Rule: "port25", OpenedAt: 30 * s},
	}}
	name := func(s devserver.Socket) string { return fmt.Sprint(s.ID, " ", s.State) }
	next := socketFeed(n, devserver.SocketFilter{}, 2)
	if got := ask(t, next, name); got != "[2 open 3 denied]" {
		t.Errorf("at first: %s, want the newest two", got)
	}
	n.sockets[1].LastAt = 40 * s
	if got := ask(t, next, name); got != "[]" {
		t.Errorf("a socket was used: %s, want no row", got)
	}
	n.sockets[1].State, n.sockets[1].ClosedAt = "reclaimed", 50*s
	n.sockets = append(n.sockets, devserver.Socket{ID: 4, State: "open", OpenedAt: 51 * s})
	if got := ask(t, next, name); got != "[2 reclaimed 4 open]" {
		t.Errorf("one ended, one began: %s", got)
	}
	n.sockets[2].State, n.sockets[2].LastAt = "failed", 49*s // ingested late, from another worker's journal
	if got := ask(t, next, name); got != "[3 failed]" {
		t.Errorf("news from shortly before: %s", got)
	}
}

// TestSocketFeedLimit: what the limit has left out is not shown afterwards, however new it is.
func TestSocketFeedLimit(t *testing.T) {
	t.Parallel()
	n := &notebook{}
	for id := range int64(5) {
		n.sockets = append(n.sockets, devserver.Socket{ID: id + 1, State: "open", OpenedAt: id + 1, LastAt: id + 1})
	}
	name := func(s devserver.Socket) string { return fmt.Sprint(s.ID, " ", s.State) }
	next := socketFeed(n, devserver.SocketFilter{}, 2)
	if got := ask(t, next, name); got != "[4 open 5 open]" {
		t.Errorf("at first: %s, want the newest two", got)
	}
	if got := ask(t, next, name); got != "[]" {
		t.Errorf("nothing happened: %s", got)
	}
	n.sockets[0].State, n.sockets[0].ClosedAt = "closed", 9
	n.sockets[1].LastAt = 9
	if got := ask(t, next, name); got != "[1 closed]" {
		t.Errorf("one that was left out has ended, one was used: %s, want the first", got)
	}
	const s = int64(time.Second)
	n = &notebook{sockets: []devserver.Socket{{ID: 1, State: "open", OpenedAt: s, LastAt: s}, {ID: 2, State: "open", OpenedAt: 60 * s, LastAt: 60 * s}}}
	next = socketFeed(n, devserver.SocketFilter{}, 1)
	if got := ask(t, next, name); got != "[2 open]" {
		t.Errorf("at first: %s, want the newest", got)
	}
	n.sockets[0].LastAt = 61 * s
	n.sockets = append(n.sockets, devserver.Socket{ID: 3, State: "open", OpenedAt: 61 * s})
	if got := ask(t, next, name); got != "[3 open]" {
		t.Errorf("an old one that was left out is used, one opens: %s, want that one", got)
	}
}

// TestSocketFeedRule: a socket that was open before is shown when a rule speaks about it at last.
func TestSocketFeedRule(t *testing.T) {
	t.Parallel()
	const s = int64(time.Second)
	n := &notebook{sockets: []devserver.Socket{
		{ID: 1, State: "open", OpenedAt: s, LastAt: s},
		{ID: 2, State: "denied", Rule: "option", OpenedAt: 60 * s, LastAt: 60 * s},
	}}
	name := func(s devserver.Socket) string { return fmt.Sprint(s.ID, " ", s.State) }
	next := socketFeed(n, devserver.SocketFilter{Rule: "option"}, 2)
	if got := ask(t, next, name); got != "[2 denied]" {
		t.Errorf("at first: %s, want the one that the rule has spoken about", got)
	}
	n.sockets[0].Rule, n.sockets[0].LastAt = "option", 61*s
	if got := ask(t, next, name); got != "[1 open]" {
		t.Errorf("the rule speaks about the other: %s, want that one", got)
	}
	if got := ask(t, next, name); got != "[]" {
		t.Errorf("nothing happened: %s", got)
	}
}

func TestDenialFeed(t *testing.T) {
	t.Parallel()
	denial := func(id int64, rule, site string) devserver.Denial {
		return devserver.Denial{Event: devserver.Event{ID: id, At: id, Rule: rule, CallSite: site}, Count: 1}
	}
	n := &notebook{denials: []devserver.Denial{denial(1, "port25", "a.go:1"), denial(2, "private", "a.go:1")}}
	name := func(d devserver.Denial) string { return d.Rule + " " + d.CallSite }
	next := denialFeed(n, devserver.EventFilter{}, 10)
	if got := ask(t, next, name); got != "[port25 a.go:1 private a.go:1]" {
		t.Errorf("at first: %s", got)
	}
	n.denials = append(n.denials, denial(3, "port25", "a.go:1"), denial(4, "port25", "b.go:2"))
	if got := ask(t, next, name); got != "[port25 b.go:2]" {
		t.Errorf("one again, one new: %s, want the new one", got)
	}
	next = denialFeed(n, devserver.EventFilter{}, 1)
	if got := ask(t, next, name); got != "[port25 b.go:2]" {
		t.Errorf("at first: %s, want the newest", got)
	}
	n.denials = append(n.denials, denial(5, "private", "b.go:2"), denial(6, "private", "c.go:3"))
	if got := ask(t, next, name); got != "[private b.go:2 private c.go:3]" {
		t.Errorf("two at once: %s, want both, although the limit is one", got)
	}
}

// TestEventKinds holds that the words of --kind are those of a recording.
func TestEventKinds(t *testing.T) {
	t.Parallel()
	var want []string
	for k := sandbox.KindResolve; k < sandbox.KindRequestBegin; k++ {
		want = append(want, k.String())
	}
	if !slices.Equal(eventKinds, want) {
		t.Errorf("eventKinds = %q, want %q", eventKinds, want)
	}
}
