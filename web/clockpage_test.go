package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// TestEffect: what moving the clock does is said before it is done.
func TestEffect(t *testing.T) {
	t.Parallel()
	s := timed(State{Apps: []App{{Name: "guestbook", IdleLimit: 2 * time.Minute}, {Name: "open"}}}, noon.Add(-20*time.Second))
	used := func(app string, ago time.Duration) record.Socket {
		return record.Socket{App: app, LastAt: noon.Add(-ago).UnixNano(), OpenedAt: noon.Add(-time.Hour).UnixNano()}
	}
	open := []record.Socket{used("guestbook", 0), used("guestbook", 90*time.Second), used("guestbook", 119*time.Second), used("open", time.Hour)}
	for _, tt := range []struct {
		by   time.Duration
		want string
	}{
		{time.Second, "On by 1 s, to 11:59 here. No quota is refilled; no socket falls due."},
		{2 * time.Second, "No quota is refilled; 1 open socket falls due."},
		{20 * time.Second, "to 12:00 here. The quotas of the minute are refilled; 1 open socket falls due."},
		{31 * time.Second, "2 open sockets fall due."},
		{2 * time.Minute, "2 open sockets fall due."}, // just not longer than the limit
		{121 * time.Second, "3 open sockets fall due."},
		{20*time.Hour + 19*time.Second, "to 5 March, 07:59 here. The quotas of the minute are refilled"},
		{20*time.Hour + 20*time.Second, "to 5 March, 08:00 here. The quotas of the day and of the minute are refilled; 3 open sockets fall due."},
	} {
		if got := s.effect(tt.by, open, noon); !strings.Contains(got, tt.want) {
			t.Errorf("moved on by %v: %q, want %q", tt.by, got, tt.want)
		}
	}
	s.Apps = s.Apps[1:]
	if got := s.effect(time.Hour, open, noon); !strings.Contains(got, "no idle limit holds") {
		t.Errorf("without a limit: %q", got)
	}
}

func TestClockMoves(t *testing.T) {
	t.Parallel()
	s := State{Moves: []ClockMove{
		{At: noon, By: time.Minute}, {At: noon.Add(time.Second), By: time.Hour}, {At: noon.Add(2 * time.Second), By: -61 * time.Minute},
	}}
	rows, earlier := clockMoves(s, 2)
	want := "[{1772625602000000000 back 1 h 1 min 4 March, 12:00:02} {1772625601000000000 on 1 h 4 March, 13:01:01}]"
	if got := fmt.Sprint(rows); got != want || earlier != 1 {
		t.Errorf("moves %s and %d earlier, want %s and 1", got, earlier, want)
	}
}

// TestDayOfOtherLength: a day in which the clocks are changed is told.
func TestDayOfOtherLength(t *testing.T) {
	t.Parallel()
	state := func() State {
		s := full()
		s.Day.End = s.Day.End.Add(-time.Hour)
		return s
	}
	if body := get(newConsole(t, lively(noon), state, nil), "/clock").Body.String(); !strings.Contains(body, "this day has 23 hours there") {
		t.Error("a day of 23 hours is not told")
	}
	if body := get(newConsole(t, lively(noon), full, nil), "/clock").Body.String(); strings.Contains(body, "this day has") {
		t.Error("a day of 24 hours is told")
	}
}

// TestNothingToChange: a console without controls offers commands instead of buttons.
func TestNothingToChange(t *testing.T) {
	t.Parallel()
	handler := newConsole(t, lively(noon), full, func(c *Config) { c.Controls = nil })
	for _, path := range []string{"/quotas", "/clock", "/"} {
		if body := get(handler, path).Body.String(); strings.Contains(body, `method="post"`) {
			t.Errorf("%s offers a change", path)
		}
	}
	if body := get(handler, "/clock").Body.String(); !strings.Contains(body, "devserver clock advance midnight") {
		t.Error("the clock's page does not name the command")
	}
}
