package journal

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// onDisk is the size of all segments of run-1.
func onDisk(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "run-1.0*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil { // else deleted meanwhile
			bytes += info.Size()
		}
	}
	return bytes
}

// readAll reads and releases until the end, and returns how many events of each socket came, which are numbered. It looks at the
// size each time.
func readAll(t *testing.T, dir string, limit int64) map[uint64]int64 {
	t.Helper()
	r := openAt(t, dir, Position{})
	batch := make([]sandbox.Event, 500)
	seen := map[uint64]int64{}
	for {
		n, err := r.Next(batch)
		for _, e := range batch[:n] {
			if e.Bytes != seen[e.Socket] {
				t.Fatalf("event %d of goroutine %d, want %d", e.Bytes, e.Socket, seen[e.Socket])
			}
			seen[e.Socket]++
		}
		if err == io.EOF {
			return seen
		}
		if err != nil {
			t.Fatal(err)
		}
		if size := onDisk(t, dir); size > limit {
			t.Fatalf("%d bytes are on disk, the limit is %d", size, limit)
		}
		if err := r.Release(r.Position()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLimitSlows: writers that are faster than their reader wait for it, and nothing is lost.
func TestLimitSlows(t *testing.T) {
	t.Parallel()
	for name, o := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const writers, events = 4, 20_000
			dir := t.TempDir()
			o.Limit = 1 // counts as MinLimit
			w := create(t, dir, o)
			var wait sync.WaitGroup
			for g := range uint64(writers) {
				wait.Go(func() {
					for i := range int64(events) {
						w.Record(sandbox.Event{Kind: sandbox.KindSend, Socket: g, Bytes: i})
					}
				})
			}
			go func() { wait.Wait(); w.Close() }()
			for w.Slowed() == 0 {
				runtime.Gosched() // until they are in their wait
			}
			seen := readAll(t, dir, MinLimit)
			for g := range uint64(writers) {
				if seen[g] != events {
					t.Errorf("%d events of goroutine %d, want %d", seen[g], g, events)
				}
			}
			counts := readCounts(dir, "run-1")
			if w.Slowed() == 0 || counts.Dropped != 0 {
				t.Errorf("slowed for %d ns, counts %+v; want some, and nothing dropped", w.Slowed(), counts)
			}
		})
	}
}

// TestLimitGivesUp: a reader that does not get on stops recording, not the program.
func TestLimitGivesUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := create(t, dir, Options{Limit: MinLimit})
	kept, err := fillUp(w)
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(w.Err(), ErrLimit) {
		t.Errorf("Err = %v, want ErrLimit", w.Err())
	}
	r := openAt(t, dir, Position{})
	if c := r.Counts(); c.Dropped == 0 || c.Refused != c.Dropped || c.Slowed < patience {
		t.Errorf("counts %+v, want what was dropped to be so for the limit, after %d ns", c, int64(patience))
	}
	if bytes, err := Backlog(dir, "run-1", Position{}); err != nil || bytes < kept*slotSize || bytes > MinLimit {
		t.Errorf("Backlog = %d, %v with %d events", bytes, err, kept)
	}
	if err := expect(r, 0, kept); err != nil {
		t.Fatal(err)
	}
	if bytes, err := Backlog(dir, "run-1", r.Position()); err != nil || bytes != 0 {
		t.Errorf("Backlog = %d, %v when all is read", bytes, err)
	}
	if err := releaseAll(r); err != nil {
		t.Fatal(err)
	}
	first, err := goOn(w)
	if err != nil {
		t.Fatal(err)
	}
	if err := expect(r, first, 1); err != nil {
		t.Error(err)
	}
}

// TestLimitInBubble: the wait neither ends a bubble of testing/synctest as a deadlock nor waits for its clock.
func TestLimitInBubble(t *testing.T) {
	t.Parallel()
	const events = 30_000
	dir := t.TempDir()
	w := create(t, dir, Options{Limit: MinLimit})
	seen := make(chan map[uint64]int64)
	go func() { seen <- readAll(t, dir, MinLimit) }()
	synctest.Test(t, func(t *testing.T) {
		var wait sync.WaitGroup
		for g := range uint64(2) {
			wait.Go(func() {
				for i := range int64(events) {
					w.Record(sandbox.Event{Kind: sandbox.KindSend, Socket: g, Bytes: i})
				}
			})
		}
		wait.Wait()
	})
	w.Close()
	if got := <-seen; got[0] != events || got[1] != events || w.Dropped() != 0 {
		t.Errorf("%v events, %d dropped, want %d each and none", got, w.Dropped(), events)
	}
}

// TestCloseWhileSlowed: Close does not wait for the reader, and lets those go that do.
func TestCloseWhileSlowed(t *testing.T) {
	t.Parallel()
	w := create(t, t.TempDir(), Options{Limit: MinLimit})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := int64(0); w.Dropped() == 0; i++ {
			w.Record(sandbox.Event{Kind: sandbox.KindSend, Bytes: i})
		}
	}()
	for w.Slowed() == 0 {
		runtime.Gosched() // until the other is in its wait
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	<-ended
	if w.refused.Load() != 0 {
		t.Errorf("%d events count as refused: Close came after the patience", w.refused.Load())
	}
}

// TestBacklog: of a segment that is half full only that half counts, and what was released does not.
func TestBacklog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := create(t, dir, Options{})
	const events = firstSegment/slotSize + 1000 // into the second segment
	for i := range int64(events) {
		w.Record(sandbox.Event{Kind: sandbox.KindSend, Bytes: i})
	}
	r := openAt(t, dir, Position{})
	batch := make([]sandbox.Event, 1000)
	for left := int64(events); left > 0; {
		n, err := r.Next(batch[:min(left, int64(len(batch)))])
		if err != nil {
			t.Fatal(err)
		}
		left -= int64(n)
		got, err := Backlog(dir, "run-1", r.Position())
		if err != nil || got < left*slotSize || got > left*slotSize+headerSize+slotSize {
			t.Fatalf("Backlog = %d, %v with %d events to read", got, err, left)
		}
		if err := releaseAll(r); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Backlog(t.TempDir(), "none", Position{}); got != 0 || err != nil {
		t.Errorf("Backlog without a journal = %d, %v", got, err)
	}
}
