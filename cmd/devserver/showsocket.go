package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/seed-d81df0db/devserver/devserver"
)

// socketStory is a socket with what happened to it.
type socketStory struct {
	Socket   devserver.Socket  `json:"socket"`
	Events   []devserver.Event `json:"events"`
	Cut      bool              `json:"cut,omitempty"`      // there are more events between the first and the last
	Captured []captured        `json:"captured,omitempty"` // bytes of it that the recording holds
	Advice   string            `json:"advice,omitempty"`   // about the rule that denied or reclaimed it
}

// captured is how many bytes of a direction and a layer are held.
type captured struct {
	Layer     string `json:"layer"`
	Direction string `json:"direction"`
	Bytes     int64  `json:"bytes"`
}

func lookSocket(ctx context.Context, rec *devserver.Recording, id int64, limit int) (story, error) {
	row, err := rec.Socket(ctx, id)
	if err != nil {
		return nil, err
	}
	s := &socketStory{Socket: row, Advice: devserver.Rule(ruleOf(&row)).Advice()}
	if s.Events, s.Cut, err = bothEnds(ctx, rec, devserver.EventFilter{SocketID: id}, limit); err != nil {
		return nil, err
	}
	s.Captured, err = countCaptured(ctx, rec, id)
	return s, err
}

// countCaptured sums the captured bytes of a socket. They are read a few at a time, for they may be large.
func countCaptured(ctx context.Context, rec *devserver.Recording, socket int64) ([]captured, error) {
	var sums []captured
	f := devserver.PayloadFilter{SocketID: socket, Limit: 32}
	for {
		rows, err := rec.Payloads(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, p := range rows {
			f.After = p.ID
			i := 0
			for i < len(sums) && (sums[i].Layer != p.Layer || sums[i].Direction != p.Direction) {
				i++
			}
			if i == len(sums) {
				sums = append(sums, captured{Layer: p.Layer, Direction: p.Direction})
			}
			sums[i].Bytes += int64(len(p.Data))
		}
		if len(rows) < f.Limit {
			return sums, nil
		}
	}
}

func (s *socketStory) tell(w io.Writer) error {
	p := newPalette(w)
	page := sheet{p: p}
	row := &s.Socket
	page.line("socket %d  %s  %s", row.ID, clean(both(row.Network, " ", address(row.Host, row.RemoteAddr))), p.state(row.State).Render(clean(row.State)))
	page.row("app", runName(row.App, row.RunID))
	page.row("where", row.CallSite)
	page.row("request", requestName(row.RequestID, row.Request))
	page.row("address", row.RemoteAddr)
	page.row("from", row.LocalAddr)
	page.row("stand-in", row.Standin)
	page.row("opened", dateTime(row.OpenedAt))
	page.row("ended", socketEnd(row))
	page.row("sent", traffic(row.BytesSent, row.Sends))
	page.row("received", traffic(row.BytesReceived, row.Receives))
	for _, c := range s.Captured {
		page.row("captured", fmt.Sprintf("%s %s (%s)", size(c.Bytes), c.Direction, c.Layer))
	}
	rules := []string{ruleOf(row)}
	for _, e := range s.Events {
		rules = append(rules, e.Rule)
	}
	advised(&page, rules...)
	if len(s.Events) > 0 {
		page.line("")
	}
	if err := page.write(w); err != nil || len(s.Events) == 0 {
		return err
	}
	t := newTable(w, "EVENT", "AT", "TOOK", "KIND", "BYTES", "RULE", "REQUEST", "ERROR", "DETAIL")
	for _, e := range s.Events {
		t.add(storyRow(p, row.OpenedAt, e, false)...)
	}
	if err := t.flush(); err != nil || !s.Cut {
		return err
	}
	_, err := fmt.Fprintf(w, "\nOnly the first and the last events are shown; all: devserver events --socket %d --limit 1000000\n", row.ID)
	return err
}

// storyRow is an event among those of its socket; one that is meant stands out.
func storyRow(p palette, start int64, e devserver.Event, meant bool) []cell {
	kind := cell{text: e.Kind}
	switch {
	case meant:
		kind.style = p.strong
	case e.Kind == "deny":
		kind.style = p.bad
	case e.Kind == "reclaim":
		kind.style = p.cut
	}
	lasted, detail := took(e.DurationNS), e.Detail
	if e.Kind == "reclaim" && lasted != "" { // how long it had been idle
		lasted, detail = "", both("idle for "+lasted, "; ", detail)
	}
	return []cell{
		{text: number(e.ID), right: true}, {text: since(start, e.At), right: true}, {text: lasted, right: true}, kind,
		{text: number(e.Bytes), right: true}, {text: e.Rule}, {text: requestName(e.RequestID, e.Request)}, {text: e.Error}, {text: detail},
	}
}

// socketEnd says when and by whom a socket ended.
func socketEnd(s *devserver.Socket) string {
	if s.ClosedAt == 0 {
		return "not yet; last used " + dateTime(s.LastAt)
	}
	end := dateTime(s.ClosedAt)
	if s.ClosedAt > s.OpenedAt {
		end += ", after " + took(s.ClosedAt-s.OpenedAt)
	}
	if s.CloseReason != "" {
		end += ", by " + s.CloseReason
	}
	return end
}

// ruleOf is the rule by which a socket came to its state; "" when none did.
func ruleOf(s *devserver.Socket) string {
	if s.State == "reclaimed" {
		return "reclaimed"
	}
	return s.Rule
}

// traffic is what went one way, "" for nothing.
func traffic(bytes, operations int64) string {
	if operations == 0 && bytes == 0 {
		return ""
	}
	return size(bytes) + " in " + count(operations, "operation")
}

// eventStory is an event with its neighbours.
type eventStory struct {
	Event  devserver.Event   `json:"event"`
	Socket *devserver.Socket `json:"socket,omitempty"`
	Before []devserver.Event `json:"before,omitempty"` // on its socket, oldest first
	After  []devserver.Event `json:"after,omitempty"`
	Advice string            `json:"advice,omitempty"` // about the rule that spoke
}

// neighbours is how many events before and after one are shown with it.
const neighbours = 5

func lookEvent(ctx context.Context, rec *devserver.Recording, id int64) (story, error) {
	found, err := rec.Events(ctx, devserver.EventFilter{After: id - 1, Before: id + 1, Limit: 1})
	if err == nil && len(found) == 0 {
		err = devserver.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	s := &eventStory{Event: found[0], Advice: devserver.Rule(found[0].Rule).Advice()}
	if s.Event.SocketID == 0 {
		return s, nil
	}
	row, err := rec.Socket(ctx, s.Event.SocketID)
	if errors.Is(err, devserver.ErrNotFound) { // a part of a recording may not hold it
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.Socket = &row
	if s.Before, err = rec.Events(ctx, devserver.EventFilter{SocketID: row.ID, Before: id, Limit: neighbours}); err != nil {
		return nil, err
	}
	for i, j := 0, len(s.Before)-1; i < j; i, j = i+1, j-1 {
		s.Before[i], s.Before[j] = s.Before[j], s.Before[i]
	}
	s.After, err = rec.Events(ctx, devserver.EventFilter{SocketID: row.ID, After: id, Ascending: true, Limit: neighbours})
	return s, err
}

func (s *eventStory) tell(w io.Writer) error {
	p := newPalette(w)
	e := &s.Event
	page := sheet{p: p}
	page.line("event %d  %s", e.ID, p.strong.Render(clean(e.Kind)))
	page.row("app", runName(e.App, e.RunID))
	if e.SocketID != 0 {
		page.row("socket", fmt.Sprintf("s%d %s", e.SocketID, both(e.Network, " ", address(e.Host, e.RemoteAddr))))
	}
	page.row("where", e.CallSite)
	page.row("request", requestName(e.RequestID, e.Request))
	page.row("at", dateTime(e.At))
	label := "took"
	if e.Kind == "reclaim" {
		label = "idle"
	}
	page.row(label, took(e.DurationNS))
	if e.Bytes > 0 {
		page.row("bytes", number(e.Bytes))
	}
	page.row("error", e.Error)
	page.row("detail", e.Detail)
	advised(&page, e.Rule)
	if s.Socket == nil {
		return page.write(w)
	}
	page.line("")
	if err := page.write(w); err != nil {
		return err
	}
	t := newTable(w, "EVENT", "AT", "TOOK", "KIND", "BYTES", "RULE", "REQUEST", "ERROR", "DETAIL")
	for _, near := range s.Before {
		t.add(storyRow(p, s.Socket.OpenedAt, near, false)...)
	}
	t.add(storyRow(p, s.Socket.OpenedAt, *e, true)...)
	for _, near := range s.After {
		t.add(storyRow(p, s.Socket.OpenedAt, near, false)...)
	}
	return t.flush()
}
