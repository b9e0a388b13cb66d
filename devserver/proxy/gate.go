package proxy

import (
	"context"
	"sync"
	"time"
)

// gate knows which worker is live and makes requests wait when none is, or when a newer one is under way.
type gate struct {
	wait bool // for a version under way although another is live

	mu      sync.Mutex
	live    *target              // guarded by mu; nil: none
	targets map[*target]struct{} // the live one and those that still have something; guarded by mu
	holding bool                 // a version is under way; guarded by mu
	problem *Problem             // why nothing is live; nil: not known yet; guarded by mu
	changed chan struct{}        // closed and replaced when one of the above changes; guarded by mu
}

// target is a worker together with the requests that it has.
type target struct {
	backend  Backend
	requests int                   // guarded by gate.mu
	conns    map[*appConn]struct{} // open ones; guarded by gate.mu
	cut      bool                  // its connections were closed, and it gets no more; guarded by gate.mu
	retired  bool                  // another is live, or it has ended; guarded by gate.mu
	drained  chan struct{}         // closed when it is retired and has no request
	dropped  chan struct{}         // closed by drop
	problem  *Problem              // why it ended; set before dropped is closed
}

func newGate(wait bool) *gate {
	return &gate{wait: wait, holding: true, targets: map[*target]struct{}{}, changed: make(chan struct{})}
}

func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holding = true
	g.changeLocked()
}

func (g *gate) release(problem *Problem) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holding, g.problem = false, problem
	g.changeLocked()
}

func (g *gate) use(b Backend) <-chan struct{} {
	t := &target{backend: b, conns: map[*appConn]struct{}{}, drained: make(chan struct{}), dropped: make(chan struct{})}
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.live
	g.targets[t] = struct{}{}
	g.live, g.holding, g.problem = t, false, nil
	g.changeLocked()
	if old == nil {
		none := make(chan struct{})
		close(none)
		return none
	}
	old.retireLocked()
	g.forgetLocked(old)
	return old.drained
}

func (g *gate) drop(b Backend, problem *Problem) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.live == nil || g.live.backend != b {
		return
	}
	g.live.problem = problem
	close(g.live.dropped)
	g.live.retireLocked()
	g.forgetLocked(g.live)
	g.live, g.problem = nil, problem
	g.changeLocked()
}

func (g *gate) changeLocked() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// enter returns the worker for a request, which must leave it again, or the problem to show. It waits until the
// deadline; then what is live serves, whatever is under way.
func (g *gate) enter(ctx context.Context, deadline time.Time) (*target, *Problem, error) {
	limit := time.NewTimer(time.Until(deadline))
	defer limit.Stop()
	for late := false; ; {
		t, problem, changed := g.ask(late)
		if t != nil || problem != nil {
			return t, problem, nil
		}
		select {
		case <-changed:
		case <-limit.C:
			late = true
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// ask is one look at the gate: a target, a problem, or the channel to wait for. When late, it never says wait.
func (g *gate) ask(late bool) (*target, *Problem, chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.live != nil && (late || !g.holding || !g.wait) && !g.live.gone() {
		g.live.requests++
		return g.live, nil, nil
	}
	if late && g.problem == nil {
		return nil, stillStarting, nil
	}
	if late || g.live == nil && !g.holding && g.problem != nil {
		return nil, g.problem, nil
	}
	return nil, nil, g.changed
}

func (g *gate) leave(t *target) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t.requests--
	t.settleLocked()
	g.forgetLocked(t)
}

// gone tells whether the worker has ended; drop says so a little later.
func (t *target) gone() bool {
	select {
	case <-t.backend.Gone():
		return true
	default:
		return false
	}
}

func (t *target) retireLocked() {
	t.retired = true
	t.settleLocked()
}

// left returns how many requests a worker has.
func (g *gate) left(b Backend) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	for t := range g.targets {
		if t.backend == b {
			return t.requests
		}
	}
	return 0
}

func (t *target) settleLocked() {
	if !t.retired || t.requests > 0 {
		return
	}
	select {
	case <-t.drained:
	default:
		close(t.drained)
	}
}
