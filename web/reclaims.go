package web

import (
	"net/http"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// reclaimTerms are what the filter field of the reclaims knows; they are all of one rule.
var reclaimTerms = []string{"host", "since", "app", "request", "run"}

// reclaimsData is all that templates/reclaims.html may name.
type reclaimsData struct {
	frame
	Query string
	Wrong string
	Rows  []reclaimRow
	Older string // address of the next page, "" on the last
}

type reclaimRow struct {
	record.Reclaim
	Address string
	Idle    string // 2 min 1 s
	Later   string // the next use, so long after the reclaim
}

func (c *console) reclaimsPage(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, err := c.frame(ctx, r, "Reclaims")
	if err != nil {
		return err
	}
	p := newParams(r.URL.Query())
	data := reclaimsData{frame: f, Query: p.text("q")}
	before := p.id("before")
	if err := p.err(); err != nil {
		return err
	}
	what, err := parseFilter(data.Query, reclaimTerms)
	if err != nil {
		data.Wrong = err.Error()
		return c.render(w, http.StatusBadRequest, "reclaims", data)
	}
	filter := what.events(f.Now)
	filter.Before, filter.Limit = before, pageRows
	rows, err := c.Source.Reclaims(ctx, filter)
	if err != nil {
		return err
	}
	for _, row := range rows {
		data.Rows = append(data.Rows, newReclaimRow(row))
	}
	if len(rows) == pageRows {
		data.Older = pageAddress("/reclaims", data.Query, rows[len(rows)-1].ID)
	}
	return c.render(w, http.StatusOK, "reclaims", data)
}

func newReclaimRow(r record.Reclaim) reclaimRow {
	row := reclaimRow{Reclaim: r, Address: destination(r.Host, r.RemoteAddr)}
	if r.IdleNS > 0 {
		row.Idle = coarse(time.Duration(r.IdleNS))
	}
	if r.UsedAt != 0 {
		row.Later = length(max(time.Duration(r.UsedAt-r.At), 0))
	}
	return row
}
