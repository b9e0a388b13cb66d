package devserver

import (
	"sync"
)

// room tells once that recording stops, and once that it goes on, however many journals it concerns: they share a disk.
type room struct {
	notices *notifier

	mu      sync.Mutex
	stopped map[*ingester]string // why; guarded by mu
	lost    uint64               // events since the first of them stopped; guarded by mu
}

func newRoom(n *notifier) *room { return &room{notices: n, stopped: map[*ingester]string{}} }

// stop says that g cannot record for a reason, which ends in a way out.
func (r *room) stop(g *ingester, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, already := r.stopped[g]
	r.stopped[g] = reason
	if !already && len(r.stopped) == 1 {
		r.notices.tell(RecordingStopped{Reason: reason})
	}
}

// goOn says that g records again, and what it has lost meanwhile.
func (r *room) goOn(g *ingester, lost uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost += lost
	if _, stopped := r.stopped[g]; !stopped {
		return
	}
	delete(r.stopped, g)
	if len(r.stopped) == 0 {
		r.notices.tell(RecordingResumed{Lost: r.lost})
		r.lost = 0
	}
}

// leave forgets g, whose journal is given up: a later devserver goes on with it.
func (r *room) leave(g *ingester) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.stopped, g)
}

// why is why g does not record, "" when it does.
func (r *room) why(g *ingester) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped[g]
}
