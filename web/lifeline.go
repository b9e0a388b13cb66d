package web

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// An axis is the stretch of time that all lifelines of a table share. Places on it are in percent of its width, since
// SVG's attributes take those, and inline styles are forbidden by our own content policy.
type axis struct {
	From, To time.Time
	Ticks    []tick
	Moves    []tick // where the clock was moved
}

type tick struct {
	X    string // 25%
	Text string // −45 s
}

// spans are the lengths an axis may have when none is asked for.
var spans = []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute}

// newAxis ends now. Its length is since or, when that is 0, what shows the oldest of the sockets, up to five minutes.
func newAxis(now time.Time, since time.Duration, oldest int64, state State) axis {
	if since == 0 {
		since = spans[len(spans)-1]
		for _, span := range slices.Backward(spans) {
			if oldest != 0 && now.Sub(time.Unix(0, oldest)) <= span {
				since = span
			}
		}
	}
	a := axis{From: now.Add(-since), To: now}
	for i := range 4 {
		ago := since - since*time.Duration(i)/4
		a.Ticks = append(a.Ticks, tick{X: percent(float64(i) * 25), Text: "−" + tickText(ago)})
	}
	a.addMoves(state)
	return a
}

// tickText is short: 45 s, 3:45, 18 h.
func tickText(ago time.Duration) string {
	if ago > time.Minute && ago < time.Hour {
		return minutes(ago)
	}
	return coarse(ago)
}

func (a *axis) addMoves(state State) {
	for _, move := range state.Moves {
		if move.At.After(a.From) && move.At.Before(a.To) {
			a.Moves = append(a.Moves, tick{X: a.x(move.At.UnixNano()), Text: moveText(move.By)})
		}
	}
}

func moveText(by time.Duration) string {
	if by < 0 {
		return "clock moved back " + coarse(-by)
	}
	return "clock moved on " + coarse(by)
}

// Span is the axis' length in milliseconds, for live.js.
func (a axis) Span() int64 { return a.To.Sub(a.From).Milliseconds() }

// place is t on the axis in percent, from 0 to 100 and beyond.
func (a axis) place(t int64) float64 {
	return 100 * float64(t-a.From.UnixNano()) / float64(a.To.Sub(a.From))
}

func (a axis) x(t int64) string { return percent(min(max(a.place(t), 0), 100)) }

func percent(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) + "%" }

// A lifeline is a socket's time on the axis: a line while it was open, dashes where it was idle, blocks where it was
// used, and a mark where production ended it.
type lifeline struct {
	Axis   axis
	Pieces []piece
	Busy   []block
	Mark   string // deny, cut, end or ""
	MarkX  string
	Text   string // beside the mark
	Left   bool   // the text stands to the left of the mark, since there is no room on its right
	Before string // all of it was before the axis begins: "ended 3 h ago"
	Words  string // the same for those who do not see it
}

// piece is a stretch of the line, from and to in percent of the axis. Its class says how it looks.
type piece struct {
	from, to float64
	Class    string // open, idle, reclaimed, over
}

func (p piece) X1() string { return percent(p.from) }
func (p piece) X2() string { return percent(p.to) }

// block is a stretch in which the socket was used. A late one tried to use what production had closed.
type block struct {
	from, to float64
	Late     bool
}

func (b block) X() string     { return percent(b.from) }
func (b block) Width() string { return percent(b.to - b.from) }

const (
	beyond    = 400  // where the line of an open socket ends: live.js moves lifelines to the left as time passes, and it must still reach the border
	narrowest = 1.0  // the width of the shortest use that is still seen
	touching  = 0.30 // uses nearer to each other than this are one block
)

// drawing is what lifelines are made from.
type drawing struct {
	axis  axis
	state State
	step  time.Duration               // of the activity
	used  map[int64][]record.Activity // by socket, in order of time
}

func newDrawing(a axis, state State, step time.Duration, activity []record.Activity) drawing {
	used := make(map[int64][]record.Activity)
	for _, use := range activity {
		used[use.SocketID] = append(used[use.SocketID], use)
	}
	for _, uses := range used {
		slices.SortFunc(uses, func(a, b record.Activity) int { return cmp.Compare(a.At, b.At) })
	}
	return drawing{axis: a, state: state, step: step, used: used}
}

// activityStep cuts an axis into 240 buckets: at the widest, one is four pixels.
func activityStep(a axis) time.Duration { return max(a.To.Sub(a.From)/240, time.Millisecond) }

func (d drawing) line(s record.Socket) lifeline {
	l := lifeline{Axis: d.axis}
	end := s.ClosedAt
	switch {
	case s.State == "denied":
		l.mark("deny", s.OpenedAt, s.Rule)
		end = s.OpenedAt
	case s.State == "reclaimed":
		l.mark("cut", end, "reclaimed")
	case s.State == "failed":
		l.mark("end", end, "failed")
	}
	if end == 0 {
		end = d.axis.To.UnixNano()
	}
	if s.State != "denied" {
		d.segments(&l, s, end)
	}
	l.Words = d.words(s, end)
	if d.axis.place(end) < 0 {
		l = lifeline{Axis: d.axis, Before: verbOf(s.State) + " " + coarse(d.axis.To.Sub(time.Unix(0, end))) + " ago", Words: l.Words}
	}
	return l
}

func (l *lifeline) mark(kind string, at int64, text string) {
	l.Mark, l.MarkX, l.Text = kind, l.Axis.x(at), text
	l.Left = l.Axis.place(at) > 55
}

// segments draws from use to use. A gap in which half the idle limit passed is idle.
func (d drawing) segments(l *lifeline, s record.Socket, end int64) {
	from := s.OpenedAt
	for _, use := range d.used[s.ID] {
		at, until := max(use.At, s.OpenedAt), min(use.At+int64(d.step), end)
		d.piece(l, s, from, min(at, end))
		late := s.State == "reclaimed" && at >= end
		if late {
			until = at + int64(d.step)
		}
		d.block(l, at, until, late)
		from = max(from, min(until, end))
	}
	if len(d.used[s.ID]) == 0 && s.LastAt > from && s.LastAt < end { // used before the axis begins
		d.piece(l, s, from, s.LastAt)
		from = s.LastAt
	}
	d.piece(l, s, from, end)
	if n := len(l.Pieces); n > 0 && s.ClosedAt == 0 {
		l.Pieces[n-1].to = beyond
	}
}

func (d drawing) piece(l *lifeline, s record.Socket, from, to int64) {
	if to <= from || d.axis.place(to) < 0 {
		return
	}
	p := piece{from: max(d.axis.place(from), 0), to: min(d.axis.place(to), 100), Class: "over"}
	limit := d.state.app(s.App).IdleLimit
	switch {
	case limit > 0 && d.state.idleFor(from, time.Unix(0, to)) >= limit/2:
		p.Class = "idle"
	case s.ClosedAt == 0:
		p.Class = "open"
	case s.State == "reclaimed":
		p.Class = "reclaimed"
	}
	if n := len(l.Pieces); n > 0 && l.Pieces[n-1].Class == p.Class { // the use between them is drawn above the line
		l.Pieces[n-1].to = p.to
		return
	}
	l.Pieces = append(l.Pieces, p)
}

// block adds a use; one that touches the last makes it longer.
func (d drawing) block(l *lifeline, from, to int64, late bool) {
	b := block{Late: late, from: max(d.axis.place(from), 0), to: min(d.axis.place(to), 100)}
	if b.to <= 0 || b.from >= 100 {
		return
	}
	b.to = max(b.to, b.from+narrowest)
	if n := len(l.Busy); n > 0 && l.Busy[n-1].Late == late && b.from-l.Busy[n-1].to < touching {
		l.Busy[n-1].to = max(b.to, l.Busy[n-1].to)
		return
	}
	l.Busy = append(l.Busy, b)
}

func (d drawing) words(s record.Socket, end int64) string {
	at := func(t int64) string { return coarse(d.axis.To.Sub(time.Unix(0, t))) + " ago" }
	switch {
	case s.State == "denied":
		return "denied " + at(s.OpenedAt)
	case s.ClosedAt == 0:
		return "opened " + at(s.OpenedAt) + ", last used " + at(max(s.LastAt, s.OpenedAt))
	}
	return "opened " + at(s.OpenedAt) + ", " + verbOf(s.State) + " " + at(end)
}

func verbOf(state string) string {
	if state == "open" || state == "idle" {
		return "opened"
	}
	return state
}
