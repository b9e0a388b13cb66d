package web

import (
	"testing"
	"time"
)

func TestIdleByTheMovedClock(t *testing.T) {
	t.Parallel()
	move := func(ago, by time.Duration) ClockMove { return ClockMove{At: noon.Add(-ago), By: by} }
	for _, tt := range []struct {
		name  string
		moves []ClockMove
		last  time.Duration // ago
		want  time.Duration
	}{
		{"never moved", nil, 30 * time.Second, 30 * time.Second},
		{"moved since", []ClockMove{move(10*time.Second, 2*time.Minute)}, 30 * time.Second, 150 * time.Second},
		{"moved before", []ClockMove{move(40*time.Second, 2*time.Minute)}, 30 * time.Second, 30 * time.Second},
		{"moved and reset", []ClockMove{move(20*time.Second, time.Minute), move(10*time.Second, -time.Minute)}, 30 * time.Second, 30 * time.Second},
		{"reset since", []ClockMove{move(60*time.Second, time.Minute), move(10*time.Second, -time.Minute)}, 30 * time.Second, 0},
		{"in the future", nil, -5 * time.Second, 0},
	} {
		s := State{Moves: tt.moves}
		if got := s.idleFor(noon.Add(-tt.last).UnixNano(), noon); got != tt.want {
			t.Errorf("%s: idle for %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestBackBy holds backBy against idleFor: at the time it returns, and just before, so much has passed; just after it, less.
func TestBackBy(t *testing.T) {
	t.Parallel()
	move := func(ago, by time.Duration) ClockMove { return ClockMove{At: noon.Add(-ago), By: by} }
	for _, moves := range [][]ClockMove{
		nil,
		{move(10*time.Second, 2*time.Minute)},
		{move(10*time.Second, 20*time.Second)},
		{move(90*time.Second, time.Hour)},
		{move(30*time.Second, 5*time.Second), move(10*time.Second, 5*time.Second)},
	} {
		s := State{Moves: moves}
		at := s.backBy(time.Minute, noon)
		if got := s.idleFor(at.Add(-1).UnixNano(), noon); got < time.Minute {
			t.Errorf("%v: used just before %v: idle for %v", moves, noon.Sub(at), got)
		}
		if got := s.idleFor(at.Add(1).UnixNano(), noon); got >= time.Minute {
			t.Errorf("%v: used just after %v: idle for %v", moves, noon.Sub(at), got)
		}
	}
}
