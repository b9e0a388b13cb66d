package web

import (
	"net/http"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// requestAnswer is what /api/v1/requests/{id} answers.
type requestAnswer struct {
	record.Request
	Run     *record.Run            `json:"run,omitempty"`
	Build   *record.Build          `json:"build,omitempty"`
	Sockets []record.RequestSocket `json:"sockets"` // that it used, in that order; /api/v1/sockets?request= has all
	Events  []record.Event         `json:"events"`  // oldest first; ?after= pages on
	Logs    []record.Log           `json:"logs"`    // oldest first; /api/v1/logs?request= has all
}

func (c *console) apiRequests(w http.ResponseWriter, r *http.Request) error {
	p := newParams(r.URL.Query())
	f := record.RequestFilter{
		App: p.text("app"), Method: p.text("method"), URL: p.text("url"), Status: p.status("status"), Host: p.text("host"), Rule: p.text("rule"),
		RunID: p.id("run"), Since: p.since("since", c.Now()), After: p.id("after"), Before: p.id("before"), Limit: p.limit("limit"),
	}
	if err := p.err(); err != nil {
		return err
	}
	found, err := c.Source.SearchRequests(r.Context(), f, searchTime)
	if err != nil {
		return err
	}
	writeRows(w, r, found.Rows, "before", found.Rest)
	return nil
}

func (c *console) apiRequest(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "request")
	if err != nil {
		return err
	}
	p := newParams(r.URL.Query())
	f := record.EventFilter{RequestID: id, Ascending: true, After: p.id("after"), Limit: p.limit("limit")}
	if err := p.err(); err != nil {
		return err
	}
	ctx := r.Context()
	a := requestAnswer{Sockets: []record.RequestSocket{}, Events: []record.Event{}, Logs: []record.Log{}}
	if a.Request, err = c.Source.Request(ctx, id); err != nil {
		return err
	}
	if a.Run, a.Build, err = c.runOf(ctx, a.RunID); err != nil {
		return err
	}
	sockets, err := c.Source.RequestSockets(ctx, []int64{id}, defaultLimit)
	if err != nil {
		return err
	}
	events, err := c.Source.Events(ctx, f)
	if err != nil {
		return err
	}
	logs, err := c.Source.Logs(ctx, record.LogFilter{RequestID: id, Ascending: true})
	if err != nil {
		return err
	}
	a.Sockets, a.Events, a.Logs = append(a.Sockets, sockets...), append(a.Events, events...), append(a.Logs, logs...)
	writeJSON(w, http.StatusOK, a)
	return nil
}

func (c *console) apiLogs(w http.ResponseWriter, r *http.Request) error {
	p := newParams(r.URL.Query())
	f := record.LogFilter{
		App: p.text("app"), Stream: p.oneOf("stream", streams), Text: p.text("text"), RequestID: p.id("request"), RunID: p.id("run"),
		Since: p.since("since", c.Now()), After: p.id("after"), Before: p.id("before"), Ascending: p.ascending("order"), Limit: p.limit("limit"),
	}
	if err := p.err(); err != nil {
		return err
	}
	found, err := c.Source.SearchLogs(r.Context(), f, searchTime)
	if err != nil {
		return err
	}
	param := "before"
	if f.Ascending {
		param = "after"
	}
	writeRows(w, r, found.Rows, param, found.Rest)
	return nil
}
