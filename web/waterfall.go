package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// A waterfall is what one request did on its sockets, one row for each, on an axis that begins with the request.
type waterfall struct {
	Axis axis
	End  string // where the handler returned, "" while it runs
	Rows []fallRow
}

// fallRow is one socket in a waterfall, or the look-ups that concern none.
type fallRow struct {
	Socket   *record.RequestSocket // nil: look-ups
	Look     string
	Address  string
	Line     *piece // while the socket was open
	Bars     []bar
	Marks    []fallMark
	Sent     int64
	Received int64
	Took     time.Duration // all operations together
	Error    string        // the newest
	Late     int64         // events behind the end of the axis
	Words    string        // the same for those who do not see it
}

// bar is an operation, or several that touch.
type bar struct {
	from, to float64
	Class    string // lookup, dial, send, receive
	Bad      bool
	n, bytes int64
	at       time.Duration // since the request began
	took     time.Duration
}

func (b bar) X() string     { return percent(b.from) }
func (b bar) Width() string { return percent(b.to - b.from) }

// Y and Height place a bar in its row: what is sent goes above the line, what is received below it.
func (b bar) Y() int {
	return map[string]int{"lookup": 7, "dial": 4, "send": 2, "receive": 10}[b.Class]
}
func (b bar) Height() int {
	return map[string]int{"lookup": 4, "dial": 10, "send": 6, "receive": 6}[b.Class]
}

// Title tells what, when and how long.
func (b bar) Title() string {
	what := map[string]string{"lookup": "look-up", "dial": "connect", "send": "send", "receive": "receive"}[b.Class]
	if b.n > 1 {
		what = plural(b.n, what)
	}
	if b.bytes > 0 {
		what += ", " + size(b.bytes)
	}
	return fmt.Sprintf("%s at +%s, %s", what, length(b.at), length(b.took))
}

// fallMark is a moment: a denial, a reclaim, the end of a socket.
type fallMark struct {
	X, Kind, Text string
	Left          bool
}

// newWaterfall draws the events, which are in order. The axis ends with the request, or with the last event where that
// was not much later: what a goroutine did long afterwards must not squeeze the request into nothing.
func newWaterfall(r requestRow, sockets []record.RequestSocket, events []record.Event, now time.Time) waterfall {
	took := max(r.Took, time.Millisecond)
	span := took
	for _, e := range events {
		if end := time.Duration(e.At + e.DurationNS - r.StartedAt); end <= 2*took {
			span = max(span, end)
		}
	}
	from := time.Unix(0, r.StartedAt)
	f := waterfall{Axis: axis{From: from, To: from.Add(span)}}
	for i := range 4 {
		f.Axis.Ticks = append(f.Axis.Ticks, tick{X: percent(float64(i) * 25), Text: "+" + length(span*time.Duration(i)/4)})
	}
	if !r.Running() && span > took {
		f.End = f.Axis.x(r.StartedAt + int64(took))
	}
	bySocket := make(map[int64][]record.Event)
	for _, e := range events {
		bySocket[e.SocketID] = append(bySocket[e.SocketID], e)
	}
	if len(bySocket[0]) > 0 {
		row := fallRow{Look: "closed", Address: "look-ups"}
		f.draw(&row, bySocket[0])
		f.Rows = append(f.Rows, row)
	}
	for i := range sockets {
		s := &sockets[i]
		row := fallRow{Socket: s, Look: s.State, Address: cmp.Or(destination(s.Host, s.RemoteAddr), s.LocalAddr)}
		if s.State != "denied" {
			row.Line = f.line(s, now)
		}
		f.draw(&row, bySocket[s.ID])
		f.Rows = append(f.Rows, row)
	}
	return f
}

// line is how long the socket was open, nil when that is not within the axis.
func (f waterfall) line(s *record.RequestSocket, now time.Time) *piece {
	end := cmp.Or(s.ClosedAt, now.UnixNano())
	p := piece{from: max(f.Axis.place(s.OpenedAt), 0), to: min(f.Axis.place(end), 100), Class: "over"}
	if s.ClosedAt == 0 {
		p.Class = "open"
	}
	if p.to <= p.from {
		return nil
	}
	return &p
}

func (f waterfall) draw(row *fallRow, events []record.Event) {
	count := map[string]int64{}
	for _, e := range events {
		row.Took += time.Duration(e.DurationNS)
		count[e.Kind]++
		switch e.Kind {
		case "send":
			row.Sent += e.Bytes
		case "receive":
			row.Received += e.Bytes
		case "reclaim": // its duration is how long the socket was idle
			row.Took -= time.Duration(e.DurationNS)
		}
		if e.Error != "" {
			row.Error = e.Error
		}
		if f.Axis.place(e.At) > 100 {
			row.Late++
			continue
		}
		f.event(row, e)
	}
	var words []string
	for _, kind := range kinds {
		if n := count[kind]; n > 0 {
			words = append(words, fmt.Sprintf("%s %d", kindWord(kind), n))
		}
	}
	row.Words = strings.Join(words, ", ")
}

// event adds a bar or a mark. Options and the making of a socket are neither.
func (f waterfall) event(row *fallRow, e record.Event) {
	switch e.Kind {
	case "resolve":
		f.bar(row, "lookup", e)
	case "connect", "accept":
		f.bar(row, "dial", e)
	case "send", "receive":
		f.bar(row, e.Kind, e)
	case "deny":
		f.mark(row, "deny", e.At, e.Rule)
	case "reclaim":
		f.mark(row, "cut", e.At, "reclaimed")
	case "fault":
		f.mark(row, "end", e.At, "fault")
	case "close":
		f.mark(row, "close", e.At, "")
	}
}

// bar adds an operation; one that touches the last of its class makes it longer.
func (f waterfall) bar(row *fallRow, class string, e record.Event) {
	b := bar{Class: class, Bad: e.Error != "", n: 1, bytes: e.Bytes, at: time.Duration(e.At) - time.Duration(f.Axis.From.UnixNano()), took: time.Duration(e.DurationNS)}
	b.from = max(f.Axis.place(e.At), 0)
	b.to = max(min(f.Axis.place(e.At+e.DurationNS), 100), b.from+narrowest/2)
	for i := range slices.Backward(row.Bars) {
		last := &row.Bars[i]
		if last.Class != class {
			continue
		}
		if last.Bad == b.Bad && b.from-last.to < touching {
			last.to = max(last.to, b.to)
			last.n, last.bytes, last.took = last.n+1, last.bytes+b.bytes, last.took+b.took
			return
		}
		break
	}
	row.Bars = append(row.Bars, b)
}

// mark adds a mark; one of many that would stand on the last one is left out.
func (f waterfall) mark(row *fallRow, kind string, at int64, text string) {
	m := fallMark{X: f.Axis.x(at), Kind: kind, Text: text, Left: f.Axis.place(at) > 55}
	if n := len(row.Marks); n > 0 && row.Marks[n-1].Kind == kind {
		if row.Marks[n-1].X == m.X {
			return
		}
		m.Text = ""
	}
	row.Marks = append(row.Marks, m)
}
