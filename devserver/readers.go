package devserver

import (
	"sync"

	"github.com/seed-d81df0db/devserver/web"
)

// readers are the ingesters that are at work.
type readers struct {
	mu  sync.Mutex
	all map[*ingester]struct{} // guarded by mu
}

func (r *readers) add(g *ingester) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[*ingester]struct{}{}
	}
	r.all[g] = struct{}{}
}

func (r *readers) remove(g *ingester) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, g)
}

// backlog is what the journals of all workers of an app hold together: during a swap there are two.
func (r *readers) backlog(app string) (sum web.Backlog) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for g := range r.all {
		b := g.standing()
		if b.App != app {
			continue
		}
		sum.Bytes += b.Bytes
		sum.Limit = max(sum.Limit, b.Limit)
		sum.Slowed = sum.Slowed || b.Slowed
		if b.Stopped != "" {
			sum.Stopped = b.Stopped
		}
	}
	return sum
}
