package storage

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// busyContext writes to the recording each time it is asked whether it has ended: while it is read.
type busyContext struct {
	context.Context
	write func()
}

func (c busyContext) Done() <-chan struct{} {
	c.write()
	return c.Context.Done()
}

// TestWalkWhileWritten: the events to a host are found on all its sockets, although those that were used longest ago are used anew
// meanwhile, and thereby come first.
func TestWalkWhileWritten(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	run := startRun(t, db, "shop")
	const n = 3 * firstSources
	var events []sandbox.Event
	for id := range uint64(n) {
		events = append(events, sandbox.Event{Kind: sandbox.KindCreate, At: int64(id) + 1, Socket: id + 1, Info: &sandbox.Info{Host: fmt.Sprintf("%d.example.com", id)}})
	}
	write(t, db, run, events...)
	var mu sync.Mutex
	next := uint64(1)
	ctx := busyContext{t.Context(), func() { // also asked by a goroutine of database/sql, perhaps late
		mu.Lock()
		defer mu.Unlock()
		if next > n {
			return
		}
		if err := db.Write(context.Background(), Batch{RunID: run, App: "shop", Events: []sandbox.Event{{Kind: sandbox.KindSend, At: n, Socket: next}}}); err != nil {
			t.Error(err)
		}
		next++
	}}
	rows, err := db.Events(ctx, record.EventFilter{Host: "example", Limit: -1})
	mu.Lock()
	next = n + 1
	mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	created := 0
	for _, e := range rows {
		if e.Kind == "create" {
			created++
		}
	}
	if created != n {
		t.Errorf("%d of %d sockets' first events are found", created, n)
	}
}

// TestNewestEnough: who follows the events to a host asks for newer ones than were there a moment ago. No look goes through all sockets for that.
func TestNewestEnough(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	db.newest = 50
	run := startRun(t, db, "shop")
	var events []sandbox.Event
	for id := range uint64(100) {
		events = append(events, sandbox.Event{Kind: sandbox.KindCreate, At: int64(id) + 1, Socket: id + 1, Info: &sandbox.Info{Host: "db.example.com"}})
	}
	write(t, db, run, events...)
	for _, tt := range []struct {
		f      record.EventFilter
		enough bool
	}{
		{record.EventFilter{After: 50}, true},
		{record.EventFilter{After: 100}, true},
		{record.EventFilter{After: 29, Before: 80}, true},
		{record.EventFilter{After: 49}, false},
		{record.EventFilter{After: 28, Before: 80}, false},
		{record.EventFilter{}, false},
		{record.EventFilter{Limit: 50}, true},
		{record.EventFilter{Before: 51}, true},
	} {
		tt.f.Host = "db.example"
		if _, enough, err := db.amongNewest(t.Context(), tt.f, eventWhere(tt.f)); err != nil || enough != tt.enough {
			t.Errorf("the newest are enough for %+v: %v, %v, want %v", tt.f, enough, err, tt.enough)
		}
	}
}
