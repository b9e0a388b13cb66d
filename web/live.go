package web

import "sync"

// lag is how many notices a subscriber may have waiting before it is let go. Notices carry nothing, so a reader that
// is merely busy catches up with one look; one that has sixteen waiting is stuck in a write to a client that does not read.
const lag = 16

// Live tells the open pages that something has changed. Its zero value is ready; it is shared by pointer.
type Live struct {
	mu     sync.Mutex
	subs   map[chan struct{}]struct{} // guarded by mu
	closed bool                       // guarded by mu
}

// Notify says that something has changed: new events are in the recording, a build began or ended, the clock moved.
// It never blocks. Call it at most a few times a second; a burst is best gathered before.
func (l *Live) Notify() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for sub := range l.subs {
		select {
		case sub <- struct{}{}:
		default:
			l.dropLocked(sub) // the slow reader loses its place, not ours
		}
	}
}

// Close ends every stream, so that the server's Shutdown need not wait for them. Later calls do nothing.
func (l *Live) Close() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for sub := range l.subs {
		l.dropLocked(sub)
	}
}

// subscribe returns a channel with a notice for each change; it is closed when the subscriber lagged or Live was
// closed. The caller calls leave in the end.
func (l *Live) subscribe() (notices <-chan struct{}, leave func()) {
	sub := make(chan struct{}, lag)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		close(sub)
		return sub, func() {}
	}
	if l.subs == nil {
		l.subs = make(map[chan struct{}]struct{})
	}
	l.subs[sub] = struct{}{}
	return sub, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.dropLocked(sub)
	}
}

func (l *Live) dropLocked(sub chan struct{}) {
	if _, ok := l.subs[sub]; ok {
		delete(l.subs, sub)
		close(sub)
	}
}
