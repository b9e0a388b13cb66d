package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gorilla/mux"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// overviewAnswer is what /api/v1/overview answers.
type overviewAnswer struct {
	State
	Counts record.Counts `json:"counts"`
}

// socketAnswer is what /api/v1/sockets/{id} answers.
type socketAnswer struct {
	record.Socket
	Events []record.Event `json:"events"` // oldest first; ?after= pages on
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil { // only our own types come here, and all of them can be written
		status, body = http.StatusInternalServerError, []byte(`{"error": "the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

// writeRows answers with a list. More of it is behind the Link header, as many APIs do.
func writeRows[T any](w http.ResponseWriter, r *http.Request, rows []T, param string, next int64) {
	if rows == nil {
		rows = []T{} // [] and not null
	}
	if next != 0 {
		query := r.URL.Query()
		query.Set(param, strconv.FormatInt(next, 10))
		w.Header().Set("Link", "<"+(&url.URL{Path: r.URL.Path, RawQuery: query.Encode()}).String()+`>; rel="next"`)
	}
	writeJSON(w, http.StatusOK, rows)
}

func (c *console) apiOverview(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	state := c.State()
	counts, err := c.Source.Counts(ctx, c.idleSince(state))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, overviewAnswer{State: state, Counts: counts})
	return nil
}

func (c *console) apiCounts(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	counts, err := c.Source.Counts(ctx, c.idleSince(c.State()))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, counts)
	return nil
}

func (c *console) apiSockets(w http.ResponseWriter, r *http.Request) error {
	p := newParams(r.URL.Query())
	f := record.SocketFilter{
		App: p.text("app"), State: p.state("state"), Host: p.text("host"), RequestID: p.id("request"), RunID: p.id("run"),
		Since: p.since("since", c.Now()), Before: p.id("before"), Limit: p.limit("limit"), IdleSince: c.idleSince(c.State()),
	}
	if err := p.err(); err != nil {
		return err
	}
	ctx := r.Context()
	rows, err := c.Source.Sockets(ctx, f)
	if err != nil {
		return err
	}
	writeRows(w, r, rows, "before", nextID(rows, f.Limit, func(s record.Socket) int64 { return s.ID }))
	return nil
}

func (c *console) apiSocket(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "socket")
	if err != nil {
		return err
	}
	p := newParams(r.URL.Query())
	f := record.EventFilter{SocketID: id, Ascending: true, After: p.id("after"), Limit: p.limit("limit")}
	if err := p.err(); err != nil {
		return err
	}
	ctx := r.Context()
	socket, err := c.Source.Socket(ctx, id)
	if err != nil {
		return err
	}
	events, err := c.Source.Events(ctx, f)
	if err != nil {
		return err
	}
	if events == nil {
		events = []record.Event{}
	}
	writeJSON(w, http.StatusOK, socketAnswer{Socket: socket, Events: events})
	return nil
}

// eventFilter reads the parameters that all lists of events share.
func (c *console) eventFilter(p *params) record.EventFilter {
	return record.EventFilter{
		App: p.text("app"), Kinds: p.kinds("kind"), Rule: p.text("rule"), Host: p.text("host"), SocketID: p.id("socket"),
		RequestID: p.id("request"), RunID: p.id("run"), Since: p.since("since", c.Now()), After: p.id("after"),
		Before: p.id("before"), Ascending: p.ascending("order"), Limit: p.limit("limit"),
	}
}

func (c *console) apiEvents(w http.ResponseWriter, r *http.Request) error {
	p := newParams(r.URL.Query())
	f := c.eventFilter(p)
	if err := p.err(); err != nil {
		return err
	}
	ctx := r.Context()
	rows, err := c.Source.Events(ctx, f)
	if err != nil {
		return err
	}
	param := "before"
	if f.Ascending {
		param = "after"
	}
	writeRows(w, r, rows, param, nextID(rows, f.Limit, func(e record.Event) int64 { return e.ID }))
	return nil
}

func (c *console) apiDenials(w http.ResponseWriter, r *http.Request) error {
	return apiGroups(c, w, r, c.Source.Denials)
}

func (c *console) apiReclaims(w http.ResponseWriter, r *http.Request) error {
	return apiGroups(c, w, r, c.Source.Reclaims)
}

// apiGroups answers with rows that are chosen by an event filter but are not events.
func apiGroups[T any](c *console, w http.ResponseWriter, r *http.Request, ask func(context.Context, record.EventFilter) ([]T, error)) error {
	p := newParams(r.URL.Query())
	f := c.eventFilter(p)
	if err := p.err(); err != nil {
		return err
	}
	ctx := r.Context()
	rows, err := ask(ctx, f)
	if err != nil {
		return err
	}
	writeRows(w, r, rows, "", 0)
	return nil
}

func (c *console) apiRuns(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	rows, err := c.Source.Runs(ctx)
	if err != nil {
		return err
	}
	writeRows(w, r, rows, "", 0)
	return nil
}

// nextID is the id to page on from; 0 when the list was shorter than it might have been.
func nextID[T any](rows []T, limit int, id func(T) int64) int64 {
	if limit == 0 {
		limit = defaultLimit
	}
	if len(rows) < limit {
		return 0
	}
	return id(rows[len(rows)-1])
}

// pathID reads the {id} of a path.
func pathID(r *http.Request, what string) (int64, error) {
	text := mux.Vars(r)["id"]
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, problemf(http.StatusBadRequest, "Not a number", "%q is no %s's number. They count from 1, as in /%ss/1.", text, what, what)
	}
	return id, nil
}
