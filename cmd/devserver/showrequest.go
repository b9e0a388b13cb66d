package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-d81df0db/devserver/devserver"
)

// requestStory is a request with what it did.
type requestStory struct {
	Request devserver.Request  `json:"request"`
	Sockets []devserver.Socket `json:"sockets,omitempty"` // that it opened or used, oldest first
	Events  []devserver.Event  `json:"events,omitempty"`
	Cut     bool               `json:"cut,omitempty"` // there are more events between the first and the last
	Logs    []devserver.Log    `json:"logs,omitempty"`
}

func lookRequest(ctx context.Context, rec *devserver.Recording, id int64, limit int) (story, error) {
	row, err := rec.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	s := &requestStory{Request: row}
	if s.Events, s.Cut, err = bothEnds(ctx, rec, devserver.EventFilter{RequestID: id}, limit); err != nil {
		return nil, err
	}
	if s.Sockets, err = rec.Sockets(ctx, devserver.SocketFilter{RequestID: id, Limit: limit}); err != nil {
		return nil, err
	}
	slices.Reverse(s.Sockets)
	s.Logs, err = rec.Logs(ctx, devserver.LogFilter{RequestID: id, Ascending: true, Limit: limit})
	return s, err
}

func (s *requestStory) tell(w io.Writer) error {
	p := newPalette(w)
	r := &s.Request
	page := sheet{p: p}
	status := requestStatus(p, *r)
	page.line("request %d  %s  %s", r.ID, clean(both(r.Method, " ", r.URL)), status.style.Render(status.text))
	page.row("app", runName(r.App, r.RunID))
	page.row("client", r.RemoteAddr)
	page.row("started", dateTime(r.StartedAt))
	if requestEnded(*r) {
		page.row("took", took(max(r.DurationNS, 1)))
	} else {
		page.row("took", "it is still served")
	}
	page.row("body", fmt.Sprintf("%s read, %s written", size(r.BytesIn), size(r.BytesOut)))
	page.row("error", r.Error)
	for _, k := range s.Sockets {
		page.row("socket", fmt.Sprintf("s%d %s (%s)", k.ID, both(k.Network, " ", both(address(k.Host, k.RemoteAddr), ", ", k.CallSite)), k.State))
	}
	var rules []string
	for _, e := range s.Events {
		rules = append(rules, e.Rule)
	}
	advised(&page, rules...)
	steps := s.steps()
	if len(steps) > 0 {
		page.line("")
	}
	if err := page.write(w); err != nil || len(steps) == 0 {
		return err
	}
	if err := s.waterfall(w, p, steps); err != nil || !s.Cut {
		return err
	}
	_, err := fmt.Fprintf(w, "\nOnly the first and the last events are shown; all: devserver events --request %d --limit 1000000\n", r.ID)
	return err
}

// step is a line of the waterfall: operations of one kind on a socket that follow each other, or a line of the app.
type step struct {
	at, end int64
	socket  int64
	kind    string
	n       int
	bytes   int64
	to      string // of what goes to an address of its own
	rule    string
	words   string
}

// steps are what the request did and what the app wrote meanwhile, in the order of time.
func (s *requestStory) steps() []step {
	var all []step
	for _, e := range s.Events {
		end := e.At + e.DurationNS
		if e.Kind == "reclaim" { // its duration is that of the idleness before
			end = e.At
		}
		to := ""
		if e.Kind == "connect" || e.Kind == "deny" {
			to = address(e.Host, e.RemoteAddr)
		}
		all = append(all, step{to: to, at: e.At, end: end, socket: e.SocketID, kind: e.Kind, n: 1, bytes: e.Bytes, rule: e.Rule, words: both(e.Error, "; ", e.Detail)})
	}
	for _, l := range s.Logs {
		all = append(all, step{at: l.At, end: l.At, kind: l.Stream, n: 1, words: l.Text})
	}
	slices.SortStableFunc(all, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	merged := all[:0]
	for _, next := range all {
		if len(merged) > 0 && merged[len(merged)-1].joins(next) {
			last := &merged[len(merged)-1]
			last.n, last.bytes, last.end = last.n+1, last.bytes+next.bytes, max(last.end, next.end)
			continue
		}
		merged = append(merged, next)
	}
	return merged
}

// joins reports whether the next step can stand on the same line: more of the same, with nothing to tell.
func (a step) joins(b step) bool {
	same := a.socket == b.socket && a.socket != 0 && a.kind == b.kind
	return same && a.to == b.to && a.words == "" && b.words == "" && a.rule == "" && b.rule == ""
}

// what says what was done.
func (a step) what() string {
	text := a.kind
	if a.n > 1 {
		text = fmt.Sprintf("%d × %s", a.n, a.kind)
	}
	text = both(text, " ", a.to)
	if a.bytes > 0 {
		text += " " + size(a.bytes)
	}
	if a.rule != "" {
		text += " by rule " + a.rule
	}
	return both(text, ": ", a.words)
}

// barWidth is how many columns the time of a request takes.
const barWidth = 32

// waterfall draws the steps on a line of time that begins with the request and ends with it, or with the last step.
func (s *requestStory) waterfall(w io.Writer, p palette, steps []step) error {
	start := min(s.Request.StartedAt, steps[0].at)
	end := s.Request.StartedAt + s.Request.DurationNS
	for _, a := range steps {
		end = max(end, a.end)
	}
	t := newTable(w, "AT", "TOOK", strings.Repeat("·", barWidth), "SOCKET", "WHAT")
	for _, a := range steps {
		socket := ""
		if a.socket != 0 {
			socket = "s" + number(a.socket)
		}
		what := cell{text: a.what()}
		switch a.kind {
		case "deny":
			what.style = p.bad
		case "reclaim":
			what.style = p.cut
		case "stdout", "stderr":
			what.style = p.dim
		}
		t.add(cell{text: since(s.Request.StartedAt, a.at), right: true}, cell{text: took(a.end - a.at), right: true},
			cell{text: bar(start, end, a.at, a.end), style: p.ok}, cell{text: socket}, what)
	}
	return t.flush()
}

// bar draws from at to to on a line of time from start to end; what takes no time has one mark.
func bar(start, end, at, to int64) string {
	column := func(t int64) int {
		if end <= start {
			return 0
		}
		return int(float64(t-start) / float64(end-start) * barWidth)
	}
	from := min(column(at), barWidth-1)
	n := max(column(to)-from, 1)
	return strings.Repeat(" ", from) + strings.Repeat("━", n)
}
