package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// clockData is all that templates/clock.html may name.
type clockData struct {
	frame
	Here    wall // the sandbox's time as this machine's clocks would show it
	Pacific wall // and as production's
	Day     time.Duration
	Steps   []clockStep
	Example string // of a duration
	Open    int    // sockets
	Moves   []moveRow
	Earlier int // moves that are not shown
}

// wall is a time in one place.
type wall struct{ time.Time }

// Clock is the time of day; Day the date; Zone the place's name for its time.
func (w wall) Clock() string { return w.Format("15:04:05") }
func (w wall) Day() string   { return w.Format("Monday, 2 January 2006") }
func (w wall) Zone() string  { return w.Format("MST") }

// FaceMS is what the clock shows, in milliseconds since 1970, for live.js, which knows no zones.
func (w wall) FaceMS() int64 {
	_, offset := w.Time.Zone()
	return w.UnixMilli() + int64(offset)*1000
}

// clockStep is a button that moves the clock, and what that does.
type clockStep struct {
	ID, Title    string
	Field, Value string // of the form: duration or to
	Text         string
	Command      string
}

// moveRow is one move of the clock.
type moveRow struct {
	At int64
	By string // on 2 min 1 s
	To string // 12:02:22: what the clock showed then
}

// moveRows is how many moves stand on the page.
const moveRows = 30

func (c *console) clockPage(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, err := c.frame(ctx, r, "Clock")
	if err != nil {
		return err
	}
	s := f.State
	data := clockData{frame: f, Here: wall{s.Time.Local()}, Pacific: wall{s.Time.In(s.Day.End.Location())}, Day: s.Day.End.Sub(s.Day.Start), Example: "90s"}
	open, err := c.openSockets(ctx)
	if err != nil {
		return err
	}
	data.Open, data.Steps = len(open), clockSteps(f, open)
	data.Moves, data.Earlier = clockMoves(s, moveRows)
	return c.render(w, http.StatusOK, "clock", data)
}

// openSockets are all open sockets, up to as many as a list may have.
func (c *console) openSockets(ctx context.Context) ([]record.Socket, error) {
	return c.Source.Sockets(ctx, record.SocketFilter{State: "open", Limit: maxLimit})
}

// clockSteps are the moves that are worth a button.
func clockSteps(f frame, open []record.Socket) []clockStep {
	s := f.State
	steps := []clockStep{{
		ID: "minute", Title: "To the next minute", Field: "to", Value: string(BorderMinute), Command: "devserver clock advance minute",
		Text: s.effect(s.minuteRefill().In, open, f.Now),
	}}
	if f.IdleLimit() != "" {
		steps = append(steps, clockStep{
			ID: "idle", Title: "Past the idle limit", Field: "duration", Value: f.PastIdle().String(), Command: "devserver clock advance " + f.PastIdle().String(),
			Text: s.effect(f.PastIdle(), open, f.Now),
		})
	}
	return append(steps, clockStep{
		ID: "midnight", Title: "To midnight Pacific", Field: "to", Value: string(BorderMidnight), Command: "devserver clock advance midnight",
		Text: s.effect(s.dayRefill().In, open, f.Now),
	})
}

// effect tells in a sentence what moving the clock on by d does.
func (s State) effect(d time.Duration, open []record.Socket, now time.Time) string {
	to := s.Time.Add(d)
	text := fmt.Sprintf("On by %s, to %s here.", coarse(d), hereAt(to, s.Time))
	switch {
	case !to.Before(s.Day.End):
		text += " The quotas of the day and of the minute are refilled"
	case !to.Truncate(time.Minute).Equal(s.Time.Truncate(time.Minute)):
		text += " The quotas of the minute are refilled"
	default:
		text += " No quota is refilled"
	}
	return text + "; " + dueText(s.due(d, open, now), s.idleLimit()) + "."
}

// due counts the open sockets that are idle for longer than their app's limit once the clock is moved on by d.
func (s State) due(d time.Duration, open []record.Socket, now time.Time) int64 {
	var n int64
	for _, socket := range open {
		limit := s.app(socket.App).IdleLimit
		if limit > 0 && s.idleFor(max(socket.LastAt, socket.OpenedAt), now)+d > limit {
			n++
		}
	}
	return n
}

func dueText(n int64, limit time.Duration) string {
	switch {
	case limit == 0:
		return "no idle limit holds"
	case n == 0:
		return "no socket falls due"
	case n == 1:
		return "1 open socket falls due"
	}
	return count(n) + " open sockets fall due"
}

// clockMoves are the newest moves, newest first, and how many there are before them.
func clockMoves(s State, most int) (rows []moveRow, earlier int) {
	var offset time.Duration
	for _, move := range s.Moves {
		offset += move.By
		row := moveRow{At: move.At.UnixNano(), By: "on " + coarse(move.By), To: move.At.Add(offset).Local().Format("2 January, 15:04:05")}
		if move.By < 0 {
			row.By = "back " + coarse(-move.By)
		}
		rows = append(rows, row)
	}
	slices.Reverse(rows)
	shown := min(len(rows), most)
	return rows[:shown], len(rows) - shown
}

// clockAnswer is what /api/v1/clock answers. Times are nanoseconds since 1970 by the sandbox's clock, but those of moves.
type clockAnswer struct {
	Offset   time.Duration `json:"offset_ns"` // how far it is ahead of the machine's
	Now      int64         `json:"now"`
	Minute   int64         `json:"next_minute"`   // when the minute quotas are refilled
	Midnight int64         `json:"next_midnight"` // when the daily quotas are: midnight Pacific
	Moves    []ClockMove   `json:"moves"`         // of this devserver run, in order
}

func (c *console) apiClock(w http.ResponseWriter, _ *http.Request) error {
	s := c.State()
	a := clockAnswer{
		Offset: s.Offset, Now: s.Time.UnixNano(), Minute: s.Time.Truncate(time.Minute).Add(time.Minute).UnixNano(),
		Midnight: s.Day.End.UnixNano(), Moves: s.Moves,
	}
	if a.Moves == nil {
		a.Moves = []ClockMove{}
	}
	writeJSON(w, http.StatusOK, a)
	return nil
}
