package devserver

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// strayEvery is how often the folder of journals is looked at for those of processes that no supervisor started.
const strayEvery = 500 * time.Millisecond

// strays are the journals that belong to no worker of this devserver: those of a devserver that was killed, of
// processes under `devserver env`, and of programs that a worker starts under the rules.
type strays struct {
	sup *supervisor

	mu      sync.Mutex
	claimed map[string]bool // names that somebody reads; guarded by mu
	readers sync.WaitGroup
}

// claim says that the journal of that name is read by the caller, who forgets it when its files are deleted.
func (s *strays) claim(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claimed[name] {
		return false
	}
	s.claimed[name] = true
	return true
}

func (s *strays) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.claimed, name)
}

// recover reads what dead processes have left behind, and says so. Journals that are still being written are
// followed from then on.
func (s *strays) recover(ctx context.Context) error {
	names, err := journal.List(s.sup.journals)
	if err != nil {
		return fmt.Errorf("journals left behind: %w", err)
	}
	if err := s.keepRuns(ctx, names); err != nil {
		return err
	}
	var found Recovered
	for _, name := range names {
		alive, err := journal.Alive(s.sup.journals, name)
		if err != nil {
			s.sup.notices.warnf("journal %s: %v; it is left where it is", name, err)
			s.claim(name)
			continue
		}
		if alive {
			continue
		}
		g := s.follow(ctx, nil, name)
		<-g.done
		if err := ctx.Err(); err != nil { // the disk is full, or the recording locked, and the user does not wait any longer
			return err
		}
		if g.whole {
			found.Journals++
		}
		found.Events, found.Lost, found.Damaged = found.Events+g.events, found.Lost+g.lost, found.Damaged+g.broken
	}
	if err := s.endRuns(ctx); err != nil {
		return err
	}
	if found.Journals > 0 {
		s.sup.notices.tell(found)
	}
	if err := s.forgetDeleted(); err != nil {
		s.sup.notices.warnOnce("journals that are recorded: %v", err)
	}
	return nil
}

// keepRuns makes the runs again whose journals have outlived the recording, and sees to it that no other run gets the number of
// one whose journal is here, understood or not.
func (s *strays) keepRuns(ctx context.Context, names []string) error {
	for _, name := range names {
		number, _ := strings.CutPrefix(name, journalPrefix)
		run, err := strconv.ParseInt(number, 10, 64)
		if err != nil || name != journalName(run) {
			continue
		}
		found, err := s.sup.db.SelectRuns(ctx, record.RunFilter{Before: run + 1, Limit: 1})
		if err == nil && (len(found) == 0 || found[0].ID != run) {
			err = s.keepRun(run, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *strays) keepRun(run int64, name string) error {
	if err := s.sup.db.StartRunsAbove(run); err != nil {
		return err
	}
	r, err := journal.Open(s.sup.journals, name, journal.Position{})
	if err != nil {
		return nil // whoever reads it says so
	}
	defer r.Close()
	h := r.Header()
	if h.Run != run {
		return nil
	}
	return s.sup.db.KeepRun(record.Run{ID: run, App: h.App, StartedAt: h.Started, PID: h.PID})
}

// forgetDeleted drops the positions of journals that are not here any more.
func (s *strays) forgetDeleted() error {
	names, err := journal.List(s.sup.journals)
	if err != nil {
		return err
	}
	return s.sup.db.ForgetJournalsBut(names)
}

// endRuns closes the runs that a killed devserver could not.
func (s *strays) endRuns(ctx context.Context) error {
	runs, err := s.sup.db.SelectRuns(ctx, record.RunFilter{Unfinished: true, Limit: -1})
	if err != nil {
		return err
	}
	for _, r := range runs {
		last, err := s.lastSeen(ctx, r)
		if err != nil {
			return err
		}
		if err := s.sup.db.EndRun(r.ID, last, "devserver was killed"); err != nil {
			return err
		}
	}
	return nil
}

// lastSeen is the time of a run's last event, or else of its start.
func (s *strays) lastSeen(ctx context.Context, r record.Run) (int64, error) {
	events, err := s.sup.db.Events(ctx, record.EventFilter{RunID: r.ID, Limit: 1})
	if err != nil || len(events) == 0 {
		return r.StartedAt, err
	}
	return max(r.StartedAt, events[0].At+events[0].DurationNS), nil
}

// run looks for new journals until ctx ends, and then reads what is in all of them.
func (s *strays) run(ctx context.Context) {
	tick := time.NewTicker(strayEvery)
	defer tick.Stop()
	defer s.readers.Wait()
	for {
		s.look(ctx.Done())
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.look(ctx.Done())
			return
		}
	}
}

func (s *strays) look(quit <-chan struct{}) {
	names, err := journal.List(s.sup.journals)
	if err != nil {
		s.sup.notices.warnOnce("journals: %v; what processes outside devserver do is not recorded", err)
		return
	}
	for _, name := range names {
		s.follow(s.sup.work, quit, name)
	}
}

// follow reads a journal until its writer is dead or quit is closed, unless somebody does already; it then returns nil.
func (s *strays) follow(ctx context.Context, quit <-chan struct{}, name string) *ingester {
	if !s.claim(name) {
		return nil
	}
	seen := newObserver("", s.sup.notices, &s.sup.fleet.reclaimed)
	g := &ingester{db: s.sup.db, dir: s.sup.journals, name: name, quit: quit, warn: s.sup.notices.warnOnce,
		notices: s.sup.notices, room: s.sup.room, changed: s.sup.touch, ending: s.sup.stopping}
	g.written = func(events []sandbox.Event) {
		seen.app = g.app
		seen.see(events)
		s.sup.otlp.see(events)
		s.sup.touch()
	}
	s.sup.readers.add(g)
	g.start(ctx)
	s.readers.Go(func() {
		<-g.done
		s.sup.readers.remove(g)
		if g.whole { // otherwise it is left for the next start
			s.forget(name)
		}
	})
	return g
}
