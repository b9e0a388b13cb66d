package web

import "time"

// The recording holds real time, and the idle limit is counted by the sandbox's clock, which a user moves. What lies
// between two real times by that clock is the real difference and every move between them.

// idleFor tells how long a socket last used at last has been idle at now, by the sandbox's clock.
func (s State) idleFor(last int64, now time.Time) time.Duration {
	idle := now.Sub(time.Unix(0, last))
	for _, move := range s.Moves {
		if at := move.At.UnixNano(); at > last && !move.At.After(now) {
			idle += move.By
		}
	}
	return max(idle, 0)
}

// backBy is the opposite: the latest real time from which d has passed at now by the sandbox's clock.
func (s State) backBy(d time.Duration, now time.Time) time.Time {
	until := now
	for i := len(s.Moves) - 1; i >= 0; i-- {
		move := s.Moves[i]
		if move.At.After(now) {
			continue
		}
		if span := until.Sub(move.At); span >= d {
			break
		} else {
			d -= span
		}
		until = move.At
		if d -= move.By; d <= 0 {
			return until
		}
	}
	return until.Add(-d)
}

// idleLimit is the shortest of the apps' limits, 0 when none has one.
func (s State) idleLimit() time.Duration {
	var limit time.Duration
	for _, app := range s.Apps {
		if app.IdleLimit > 0 && (limit == 0 || app.IdleLimit < limit) {
			limit = app.IdleLimit
		}
	}
	return limit
}

// idleSince is the time since when an open socket must have been unused to be shown as idle: half the idle limit ago.
// It is 0 when nothing is reclaimed.
func (c *console) idleSince(s State) int64 {
	limit := s.idleLimit()
	if limit == 0 {
		return 0
	}
	return s.backBy(limit/2, c.Now()).UnixNano()
}

// app returns the app of that name; the zero App when it does not run now.
func (s State) app(name string) App {
	for _, app := range s.Apps {
		if app.Name == name {
			return app
		}
	}
	return App{Name: name}
}
