// Package sandboxtest holds a clock that is moved by hand and a recorder that keeps what it is told.
package sandboxtest

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// A Clock stands still until it is advanced.
type Clock struct{ now atomic.Int64 }

// Start is when a new Clock stands: a Saturday noon, in the middle of a Pacific day.
var Start = time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC)

// NewClock returns a clock that stands at Start.
func NewClock() *Clock {
	c := new(Clock)
	c.now.Store(Start.UnixNano())
	return c
}

// Now returns the time in nanoseconds since 1970.
func (c *Clock) Now() int64 { return c.now.Load() }

// Advance moves the clock forward. Box.Sweep then does what fell due.
func (c *Clock) Advance(d time.Duration) { c.now.Add(int64(d)) }

// A Recorder keeps all events. It is safe for concurrent use.
type Recorder struct {
	mu     sync.Mutex
	events []sandbox.Event
}

// Record keeps the event.
func (r *Recorder) Record(e sandbox.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// Events returns what was recorded so far: of the given kinds, or all when none is given.
func (r *Recorder) Events(kinds ...sandbox.Kind) []sandbox.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []sandbox.Event
	for _, e := range r.events {
		if len(kinds) == 0 || slices.Contains(kinds, e.Kind) {
			all = append(all, e)
		}
	}
	return all
}

// Reset forgets all events.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = nil
}
