package web

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// maxUses is how far the sockets of each request in a list are counted.
const maxUses = 200

// requestsData is all that templates/requests.html may name.
type requestsData struct {
	frame
	Query string // what stands in the filter field
	Wrong string // why it is not understood
	Rows  []requestRow
	Older string // address of the next page, "" on the last
	further
	Newest string // address of the first page, "" on it
}

// requestRow is a request as lists and its own page show it.
type requestRow struct {
	record.Request
	Look    string // open while it is served, failed, closed
	Took    time.Duration
	Sockets int64
	Denied  int64
	Many    bool // there are more sockets than were counted
}

// Running reports whether its handler has not returned yet.
func (r requestRow) Running() bool { return r.DurationNS == 0 && r.Status == 0 && r.Error == "" }

// Bad reports whether it failed.
func (r requestRow) Bad() bool { return r.Status >= 500 || r.Error != "" }

func newRequestRow(r record.Request, now time.Time) requestRow {
	row := requestRow{Request: r, Took: time.Duration(r.DurationNS), Look: "closed"}
	switch {
	case row.Running():
		row.Look, row.Took = "open", max(now.Sub(time.Unix(0, r.StartedAt)), 0)
	case row.Bad():
		row.Look = "failed"
	}
	return row
}

func (c *console) requestsPage(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, err := c.frame(ctx, r, "Requests")
	if err != nil {
		return err
	}
	p := newParams(r.URL.Query())
	data := requestsData{frame: f, Query: p.text("q")}
	before := p.id("before")
	if err := p.err(); err != nil {
		return err
	}
	what, err := parseFilter(data.Query, requestTerms)
	if err != nil {
		data.Wrong = err.Error()
		return c.render(w, http.StatusBadRequest, "requests", data)
	}
	filter := what.requests(f.Now)
	filter.Before, filter.Limit = before, pageRows
	found, err := c.Source.SearchRequests(ctx, filter, searchTime)
	if err != nil {
		return err
	}
	rows := found.Rows
	if len(rows) == pageRows {
		data.Older = pageAddress("/requests", data.Query, rows[len(rows)-1].ID)
	} else {
		data.further = newFurther("/requests", data.Query, found)
	}
	if before != 0 {
		data.Newest = pageAddress("/requests", data.Query, 0)
	}
	if data.Rows, err = c.requestRows(ctx, rows, f.Now); err != nil {
		return err
	}
	return c.render(w, http.StatusOK, "requests", data)
}

func (c *console) requestRows(ctx context.Context, requests []record.Request, now time.Time) ([]requestRow, error) {
	ids := make([]int64, len(requests))
	for i, r := range requests {
		ids[i] = r.ID
	}
	uses, err := c.Source.RequestUses(ctx, ids, maxUses)
	if err != nil {
		return nil, err
	}
	of := make(map[int64]record.RequestUse, len(uses))
	for _, use := range uses {
		of[use.RequestID] = use
	}
	rows := make([]requestRow, len(requests))
	for i, r := range requests {
		rows[i] = newRequestRow(r, now)
		rows[i].Sockets, rows[i].Denied, rows[i].Many = of[r.ID].Sockets, of[r.ID].Denied, of[r.ID].Sockets == maxUses
	}
	return rows, nil
}
