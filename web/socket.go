package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// pageSteps is how many events stand on one page.
const pageSteps = 200

// socketData is all that templates/socket.html may name.
type socketData struct {
	frame
	Row     socketRow
	Events  []eventRow
	Earlier string // address of the events before these, "" when there are none
	Newest  string // address of the last page, "" on it
	Denied  *failure
	Payload *payload // nil when nothing was captured
}

// eventRow is an event in the story of one socket.
type eventRow struct {
	record.Event
	After      string // since the socket was made: +0.412 s
	NewRequest bool   // it was for another request than the event before
}

func (c *console) socketPage(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "socket")
	if err != nil {
		return err
	}
	p := newParams(r.URL.Query())
	before, layer := p.id("before"), p.oneOf("layer", []string{sandbox.LayerTLS, sandbox.LayerWire})
	if err := p.err(); err != nil {
		return err
	}
	ctx := r.Context()
	s, err := c.Source.Socket(ctx, id)
	if errors.Is(err, record.ErrNotFound) {
		return problemf(http.StatusNotFound, "No such socket", "Socket %d is not in this recording. It may have been in another, or its run was cleared away.", id)
	}
	if err != nil {
		return err
	}
	f, err := c.frame(ctx, r, "Socket "+strconv.FormatInt(id, 10))
	if err != nil {
		return err
	}
	data := socketData{frame: f}
	if err := c.fillSocket(ctx, &data, s, before); err != nil {
		return err
	}
	if data.Payload, err = c.payload(ctx, s, layer); err != nil {
		return err
	}
	return c.render(w, http.StatusOK, "socket", data)
}

func (c *console) fillSocket(ctx context.Context, data *socketData, s record.Socket, before int64) error {
	events, err := c.Source.Events(ctx, record.EventFilter{SocketID: s.ID, Before: before, Limit: pageSteps})
	if err != nil {
		return err
	}
	path := "/sockets/" + strconv.FormatInt(s.ID, 10)
	if len(events) == pageSteps {
		data.Earlier = path + "?before=" + strconv.FormatInt(events[len(events)-1].ID, 10)
	}
	if before != 0 {
		data.Newest = path
	}
	data.Events = story(events, s.OpenedAt)
	for _, e := range events {
		if e.Kind == "deny" {
			denied := denialFailure(record.Denial{Event: e, Count: 1}, data.State)
			data.Denied = &denied
		}
	}
	a := ownAxis(s, data.Now, data.State)
	draw, err := c.drawing(ctx, a, []int64{s.ID}, data.State)
	if err != nil {
		return err
	}
	data.Row = newSocketRow(s, data.State, data.Now)
	data.Row.Life = draw.line(s)
	return nil
}

// story turns events, newest first, into the order in which they are read.
func story(events []record.Event, openedAt int64) []eventRow {
	rows := make([]eventRow, len(events))
	for i, e := range events {
		other := i == len(events)-1 || events[i+1].RequestID != e.RequestID
		rows[len(events)-1-i] = eventRow{Event: e, After: after(time.Duration(e.At - openedAt)), NewRequest: other && e.Request != ""}
	}
	return rows
}

// ownAxis is one socket's whole life; an open one's ends now.
func ownAxis(s record.Socket, now time.Time, state State) axis {
	end := now
	if s.ClosedAt != 0 {
		end = time.Unix(0, s.ClosedAt)
	}
	life := max(end.Sub(time.Unix(0, s.OpenedAt)), 10*time.Millisecond)
	a := axis{From: time.Unix(0, s.OpenedAt), To: time.Unix(0, s.OpenedAt).Add(life)}
	if s.ClosedAt != 0 { // room for the mark at its end
		a.To = a.To.Add(life / 50)
	}
	for i := range 4 {
		a.Ticks = append(a.Ticks, tick{X: percent(float64(i) * 25), Text: "+" + length(life*time.Duration(i)/4)})
	}
	a.addMoves(state)
	return a
}

// after writes the time since a socket was made, so that the points of a column stand below each other.
func after(d time.Duration) string {
	sign := "+"
	if d < 0 { // the look-up that led to it
		sign, d = "−", -d
	}
	return sign + strconv.FormatFloat(d.Seconds(), 'f', 3, 64) + " s"
}

// kindWord says what an event is in a word or two.
func kindWord(kind string) string {
	words := map[string]string{
		"resolve": "look-up", "create": "created", "bind": "bound", "connect": "connect", "listen": "listen", "accept": "accept",
		"send": "send", "receive": "receive", "option_get": "option read", "option_set": "option set", "shutdown": "half closed",
		"close": "closed", "reclaim": "reclaimed", "deny": "denied", "fault": "fault",
	}
	if word, ok := words[kind]; ok {
		return word
	}
	return kind
}
