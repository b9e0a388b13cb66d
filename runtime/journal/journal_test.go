package journal

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/quick"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// ways are those in which a writer reaches its file.
var ways = map[string]Options{"mapped": {}, "unmapped": {unmapped: true}}

func create(t testing.TB, dir string, o Options) *Writer {
	t.Helper()
	w, err := Create(dir, "run-1", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func openAt(t testing.TB, dir string, p Position) *Reader {
	t.Helper()
	r, err := Open(dir, "run-1", p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// now returns all that can be read at once.
func (r *Reader) now(t testing.TB) []sandbox.Event {
	t.Helper()
	var all []sandbox.Event
	batch := make([]sandbox.Event, 100)
	for {
		n, err := r.Next(batch)
		all = append(all, batch[:n]...)
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		if n == 0 {
			return all
		}
	}
}

// randomEvent makes an event in which each field is set or not, with texts of every length around the borders of slots.
func randomEvent(r *rand.Rand) sandbox.Event {
	some := func() bool { return r.IntN(2) == 0 }
	str := func() string {
		if some() {
			return ""
		}
		return strings.Repeat("é€\x00\xff", r.IntN(2)) + strings.Repeat(string(rune('a'+r.IntN(26))), r.IntN(130))
	}
	e := sandbox.Event{Kind: sandbox.Kind(r.IntN(256)), Rule: sandbox.Rule(str()), Error: str(), Detail: str(),
		Reason: sandbox.CloseReason(r.IntN(256))}
	if some() {
		e.At, e.Duration, e.Bytes = int64(r.Uint64()), time.Duration(r.Uint64()), int64(r.Uint64())
		e.Socket, e.Request = r.Uint64(), r.Uint64()
	}
	if some() {
		e.Info = &sandbox.Info{Network: str(), Host: str(), Remote: str(), Local: str(), Standin: str(), CallSite: str()}
	}
	if some() {
		e.Req = &sandbox.RequestInfo{Method: str(), URL: str(), RemoteAddr: str(), Proto: str(), Status: r.IntN(600) - 1,
			BytesIn: int64(r.Uint64()), BytesOut: r.Int64N(1 << 40)}
	}
	return e
}

func (o Options) with(segment int) Options { o.Segment = segment; return o }

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, o := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			roundTrip(t, o)
		})
	}
}

func roundTrip(t *testing.T, o Options) {
	const each = 50
	dir := t.TempDir()
	w := create(t, dir, o.with(firstSegment))
	r := openAt(t, dir, Position{})
	check := func(seed uint64) bool {
		rng := rand.New(rand.NewPCG(seed, 1))
		var want []sandbox.Event
		for range each {
			want = append(want, randomEvent(rng))
			w.Record(want[len(want)-1])
		}
		return reflect.DeepEqual(r.now(t), want)
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
	if r.Position().Segment < 3 {
		t.Errorf("read up to %+v: not enough to change segments", r.Position())
	}
	if r.Torn() != 0 || r.Damaged() != 0 || r.Dropped() != 0 || w.Dropped() != 0 {
		t.Errorf("torn %d, damaged %d, dropped %d and %d; want none", r.Torn(), r.Damaged(), r.Dropped(), w.Dropped())
	}
}

func TestLongStrings(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 3*MaxString)
	e := sandbox.Event{Kind: sandbox.KindDeny, Rule: sandbox.Rule(long), Error: long, Detail: long,
		Info: &sandbox.Info{Network: long, Host: long, Remote: long, Local: long, Standin: long, CallSite: long},
		Req:  &sandbox.RequestInfo{Method: long, URL: long, RemoteAddr: long, Proto: long, Status: -1, BytesIn: -1, BytesOut: -1}}
	if _, n := measure(&e); n > maxSlots || n*slotSize > firstSegment-headerSize {
		t.Fatalf("the longest event takes %d slots, more than %d", n, maxSlots)
	}
	dir := t.TempDir()
	w := create(t, dir, Options{Segment: firstSegment})
	for range 10 {
		w.Record(e)
	}
	got := openAt(t, dir, Position{}).now(t)
	if len(got) != 10 {
		t.Fatalf("%d events, want 10", len(got))
	}
	kept := got[9].Req.Proto
	start, cut := strings.CutSuffix(kept, "…")
	if len(kept) > MaxString || len(kept) < MaxString-3 || !strings.HasPrefix(long, start) || !cut {
		t.Errorf("a string of %d bytes was kept as %d bytes, ...%q", len(long), len(kept), kept[len(kept)-6:])
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", strings.Repeat("x", MaxString), strings.Repeat("x", MaxString+1),
		strings.Repeat("\x80", MaxString+9),
		strings.Repeat("x", MaxString-4) + "€€€€", strings.Repeat("x", MaxString-5) + "€€€€"} {
		got := clip(s)
		if len(got) > MaxString || len(s) <= MaxString && got != s || len(got) < min(len(s), MaxString-6) {
			t.Errorf("clip of %d bytes has %d", len(s), len(got))
		}
	}
}

// TestGoroutines has a reader follow many writers through changes of segments, and checks the order of each.
func TestGoroutines(t *testing.T) {
	t.Parallel()
	for name, o := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			follow(t, o, 16, 4000)
		})
	}
}

func follow(t *testing.T, o Options, writers, each int) {
	dir := t.TempDir()
	w := create(t, dir, o.with(firstSegment))
	var group sync.WaitGroup
	for g := range writers {
		group.Go(func() {
			for i := range each {
				e := sandbox.Event{Kind: sandbox.KindSend, Socket: uint64(g), Bytes: int64(i)}
				if i%7 == 0 {
					e.Detail = strings.Repeat("why", i%50)
				}
				w.Record(e)
			}
		})
	}
	go func() {
		group.Wait()
		w.Close()
	}()
	r := openAt(t, dir, Position{})
	next := make([]int64, writers)
	batch := make([]sandbox.Event, 333)
	for {
		n, err := r.Next(batch)
		for _, e := range batch[:n] {
			if e.Bytes != next[e.Socket] {
				t.Fatalf("goroutine %d: event %d comes where %d is due", e.Socket, e.Bytes, next[e.Socket])
			}
			next[e.Socket]++
		}
		if err := r.Release(r.Position()); err != nil {
			t.Fatal(err)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for g, n := range next {
		if n != int64(each) {
			t.Errorf("goroutine %d: %d events, want %d", g, n, each)
		}
	}
	if r.Torn() != 0 || r.Damaged() != 0 {
		t.Errorf("torn %d, damaged %d; want none", r.Torn(), r.Damaged())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix)); len(left) > 1 {
		t.Errorf("segments that were released are still there: %v", left)
	}
}

// TestPosition stops after every few events and goes on with a new reader, as a supervisor does that is started again.
func TestPosition(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := create(t, dir, Options{App: "guestbook", Run: 7, Segment: firstSegment})
	rng := rand.New(rand.NewPCG(1, 2))
	var want []sandbox.Event
	for range 6000 {
		want = append(want, randomEvent(rng))
		w.Record(want[len(want)-1])
	}
	w.Close()
	var got []sandbox.Event
	var p Position
	for {
		r := openAt(t, dir, p)
		r.WriterGone()
		batch := make([]sandbox.Event, 1+rng.IntN(900))
		n, err := r.Next(batch)
		h := r.Header()
		age := time.Since(time.Unix(0, h.Started))
		if h.App != "guestbook" || h.Run != 7 || h.PID != os.Getpid() || age.Abs() > time.Minute {
			t.Fatalf("header %+v", h)
		}
		got = append(got, batch[:n]...)
		p = r.Position()
		if n == 0 && err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Release(p); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	if !slices.EqualFunc(got, want, func(a, b sandbox.Event) bool { return reflect.DeepEqual(a, b) }) {
		t.Errorf("%d events came back, not the %d recorded", len(got), len(want))
	}
}

func TestUncommitted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := create(t, dir, Options{})
	w.Record(sandbox.Event{Socket: 1})
	s := w.current.Load()
	s.tail.Add(3)               // someone is at work: a record of three slots,
	s.commit(3, markMore, 0, 2) // the last of which is written
	w.Record(sandbox.Event{Socket: 2, Detail: strings.Repeat("x", 100)})
	r := openAt(t, dir, Position{})
	if got := r.now(t); len(got) != 1 || got[0].Socket != 1 {
		t.Fatalf("read %v, want what was committed before the gap", got)
	}
	r.WriterGone()
	if got := r.now(t); len(got) != 1 || got[0].Socket != 2 {
		t.Fatalf("read %v, want what was committed behind the gap", got)
	}
	if n, err := r.Next(make([]sandbox.Event, 1)); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v; want io.EOF", n, err)
	}
	if r.Torn() != 2 || r.Damaged() != 0 {
		t.Errorf("torn %d, damaged %d; want 2 slots, none", r.Torn(), r.Damaged())
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := create(t, dir, Options{})
	if alive, err := Alive(dir, "run-1"); !alive || err != nil {
		t.Errorf("alive %v, %v; want true", alive, err)
	}
	if err := Remove(dir, "run-1"); !errors.Is(err, ErrInUse) {
		t.Errorf("remove: %v, want ErrInUse", err)
	}
	if _, err := Create(dir, "run-1", Options{}); !errors.Is(err, syscall.EEXIST) && !errors.Is(err, ErrInUse) {
		t.Errorf("create it again: %v, want EEXIST", err)
	}
	w.Record(sandbox.Event{Socket: 1})
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	w.Record(sandbox.Event{Socket: 2})
	if w.Dropped() != 1 || w.Err() != ErrClosed {
		t.Errorf("dropped %d, %v after Close; want 1, ErrClosed", w.Dropped(), w.Err())
	}
	r := openAt(t, dir, Position{})
	if got := r.now(t); len(got) != 1 {
		t.Errorf("read %v", got)
	}
	if n, err := r.Next(make([]sandbox.Event, 1)); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v; want io.EOF", n, err)
	}
	if err := r.Release(r.Position()); err != nil {
		t.Fatal(err)
	}
	r = openAt(t, dir, r.Position()) // recovery after everything was taken in
	r.WriterGone()
	if n, err := r.Next(make([]sandbox.Event, 1)); n != 0 || err != io.EOF {
		t.Errorf("all released: %d, %v; want io.EOF", n, err)
	}
	if names, err := List(dir); err != nil || !slices.Equal(names, []string{"run-1"}) {
		t.Errorf("list %v, %v", names, err)
	}
	if alive, err := Alive(dir, "run-1"); alive || err != nil {
		t.Errorf("alive %v, %v after Close; want false", alive, err)
	}
	if err := Remove(dir, "run-1"); err != nil {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("left after Remove: %v", files)
	}
}

// TestCloseUnderLoad closes while others record: what is not counted as dropped is found.
func TestCloseUnderLoad(t *testing.T) {
	t.Parallel()
	for range 20 {
		dir := t.TempDir()
		w := create(t, dir, Options{Segment: firstSegment})
		var recorded atomic.Uint64
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for w.Dropped() == 0 {
					w.Record(sandbox.Event{Kind: sandbox.KindSend})
					if recorded.Add(1) == 9000 {
						w.Close()
					}
				}
			})
		}
		group.Wait()
		if got := openAt(t, dir, Position{}).now(t); uint64(len(got)) != recorded.Load()-w.Dropped() {
			t.Fatalf("%d events, want %d less the %d dropped", len(got), recorded.Load(), w.Dropped())
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"", ".", "..", "a/b", "a.b", "ä", strings.Repeat("x", 129), "a\x00"} {
		_, create := Create(dir, name, Options{})
		_, open := Open(dir, name, Position{})
		_, alive := Alive(dir, name)
		for _, err := range []error{create, open, alive, Remove(dir, name)} {
			if !errors.Is(err, ErrName) {
				t.Errorf("%q: %v, want ErrName", name, err)
			}
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("files of bad names: %v", files)
	}
	for _, file := range []string{"a.lock", "b.00000001.journal", "b.00000002.journal", "c.1.journal",
		"d.00000000.journal", "e.00000001.txt",
		"f.new", "g.lock.new", "h.123456789.journal", "i.+0000001.journal", ".lock", ".00000001.journal"} {
		if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := List(dir); err != nil || !slices.Equal(names, []string{"a", "b", "h"}) {
		t.Errorf("list %v, %v", names, err)
	}
	if _, err := Open(dir, "nothing", Position{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("open what is not there: %v", err)
	}
	if _, err := Create(filepath.Join(dir, "nowhere"), "a", Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("create in a folder that is not there: %v", err)
	}
	if alive, err := Alive(dir, "nothing"); alive || err != nil {
		t.Errorf("what is not there: alive %v, %v", alive, err)
	}
	if err := Remove(dir, "nothing"); err != nil {
		t.Errorf("remove what is not there: %v", err)
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	w := create(t, t.TempDir(), Options{})
	info := &sandbox.Info{Network: "tcp", Host: "db.example.com", Remote: "192.0.2.1:5432", CallSite: "main.go:10"}
	for name, e := range map[string]sandbox.Event{
		"send":    {Kind: sandbox.KindSend, At: 1, Duration: 2, Socket: 3, Request: 4, Bytes: 5},
		"connect": {Kind: sandbox.KindConnect, Rule: "public", Detail: "it is public", Info: info},
	} {
		if n := testing.AllocsPerRun(1000, func() { w.Record(e) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestMemory checks that segments leave memory when nobody writes into them any more.
func TestMemory(t *testing.T) {
	t.Parallel()
	w := create(t, t.TempDir(), Options{Segment: firstSegment})
	for range 20 * firstSegment / slotSize {
		w.Record(sandbox.Event{})
	}
	if n := len(w.retired); n > 1 {
		t.Errorf("%d segments are kept in memory that are full", n)
	}
	if w.head.segment < 20 {
		t.Errorf("only %d segments", w.head.segment)
	}
}

// A phrase that comes again and again takes one slot and comes back whole; what begins like one is text.
func TestPhrases(t *testing.T) {
	for _, s := range append(slices.Clone(sandbox.Phrases), sandbox.Phrases[0]+"!", sandbox.Phrases[0][:40]) {
		if len(s) < shortestPhrase {
			t.Errorf("%q is shorter than shortestPhrase", s)
		}
		e := sandbox.Event{Kind: sandbox.KindOptionSet, Socket: 7, Detail: s}
		_, slots := measure(&e)
		if known := slices.Contains(sandbox.Phrases, s); known != (slots == 1) {
			t.Errorf("%q takes %d slots", s, slots)
		}
		record := make([]byte, slots*slotSize)
		has, _ := measure(&e)
		putNumbers(record, &e, has)
		putText(record, &e)
		var back sandbox.Event
		if ok := new(Reader).decode(record, &back); !ok || back.Detail != s || back.Socket != 7 {
			t.Errorf("%q came back as %q, %t", s, back.Detail, ok)
		}
	}
}
