package devserver

import (
	"context"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/watch"
)

// A Command is what a person at the terminal asks of a running devserver (Options.Commands). What comes of it, a notice
// tells.
type Command interface {
	do(ctx context.Context, s *supervisor)
}

// Rebuild builds all apps, and starts them anew even where that makes the same programs.
type Rebuild struct{}

// AdvanceClock moves the sandbox's clock forward, as "devserver clock advance" does.
type AdvanceClock struct{ By time.Duration }

// ClockMoved says that a Command moved the sandbox's clock.
type ClockMoved struct {
	Offset    time.Duration // how far it is ahead of the machine's now
	Reclaimed int           // idle sockets that fell due
}

func (ClockMoved) notice() {}

// obey carries out the commands, one after the other, until ctx ends.
func (s *supervisor) obey(ctx context.Context, commands <-chan Command) {
	for {
		select {
		case c, ok := <-commands:
			if !ok {
				return
			}
			c.do(ctx, s)
		case <-ctx.Done():
			return
		}
	}
}

func (Rebuild) do(_ context.Context, s *supervisor) {
	for _, a := range s.apps {
		select {
		case a.asked <- struct{}{}:
		default: // it is asked already
		}
	}
}

func (c AdvanceClock) do(ctx context.Context, s *supervisor) {
	state, err := s.fleet.Advance(ctx, c.By)
	if err != nil {
		s.notices.warnf("the clock: %v", err)
		return
	}
	s.notices.tell(ClockMoved{Offset: state.Offset, Reclaimed: state.Reclaimed})
}

// rebuildAll builds the app although nothing is known to have changed, and starts what comes of it in any case.
func (l *loop) rebuildAll(ctx context.Context) {
	l.reread, l.code = true, true
	l.proxy.Hold()
	l.rebuild(ctx, watch.Change{At: time.Now()})
}
