package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

const (
	pageLines   = 200         // lines on one page
	maxLine     = 2000        // bytes of a line that are shown
	besideLines = 8           // sockets of each request that are looked at
	besideLine  = 3           // sockets shown beside one line
	around      = time.Second // how far from a line its sockets were used
)

// logsData is all that templates/logs.html may name.
type logsData struct {
	frame
	Query string // what stands in the filter field
	Wrong string // why it is not understood
	Rows  []logRow
	Older string // address of the lines before these, "" when there are none
	further
	Newest string // address of the newest, "" there
}

// logRow is a line that the app wrote.
type logRow struct {
	record.Log
	Shown   string // the line, fit for a page
	Rest    int    // bytes that are not shown
	After   string // since the request began, on the request's page
	Sockets []lineSocket
	More    bool // the request used others around that time
}

type lineSocket struct {
	ID            int64
	Address, Look string
}

func newLogRow(l record.Log, start int64) logRow {
	row := logRow{Log: l}
	row.Shown, row.Rest = cut(l.Text, maxLine)
	row.Shown = calm(row.Shown)
	if start != 0 {
		row.After = after(time.Duration(l.At - start))
	}
	return row
}

// Alone is the address of the line and nothing else.
func (r logRow) Alone() string {
	return "/api/v1/logs?limit=1&before=" + strconv.FormatInt(r.ID+1, 10)
}

// logsPage shows lines as a terminal does, the newest last.
func (c *console) logsPage(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, err := c.frame(ctx, r, "Logs")
	if err != nil {
		return err
	}
	p := newParams(r.URL.Query())
	data := logsData{frame: f, Query: p.text("q")}
	before := p.id("before")
	if err := p.err(); err != nil {
		return err
	}
	what, err := parseFilter(data.Query, logTerms)
	if err != nil {
		data.Wrong = err.Error()
		return c.render(w, http.StatusBadRequest, "logs", data)
	}
	filter := what.logs(f.Now)
	filter.Before, filter.Limit = before, pageLines
	found, err := c.Source.SearchLogs(ctx, filter, searchTime)
	if err != nil {
		return err
	}
	lines := found.Rows
	if len(lines) == pageLines {
		data.Older = pageAddress("/logs", data.Query, lines[len(lines)-1].ID)
	} else {
		data.further = newFurther("/logs", data.Query, found)
	}
	if before != 0 {
		data.Newest = pageAddress("/logs", data.Query, 0)
	}
	slices.Reverse(lines)
	if data.Rows, err = c.logRows(ctx, lines); err != nil {
		return err
	}
	return c.render(w, http.StatusOK, "logs", data)
}

// logRows puts beside each line the sockets that its request used around that time.
func (c *console) logRows(ctx context.Context, lines []record.Log) ([]logRow, error) {
	var ids []int64
	for _, l := range lines {
		if l.RequestID != 0 {
			ids = append(ids, l.RequestID)
		}
	}
	slices.Sort(ids)
	sockets, err := c.Source.RequestSockets(ctx, slices.Compact(ids), besideLines)
	if err != nil {
		return nil, err
	}
	of := make(map[int64][]record.RequestSocket)
	for _, s := range sockets {
		of[s.UsedBy] = append(of[s.UsedBy], s)
	}
	rows := make([]logRow, len(lines))
	for i, l := range lines {
		rows[i] = newLogRow(l, 0)
		rows[i].Sockets, rows[i].More = beside(of[l.RequestID], l.At)
	}
	return rows, nil
}

// beside chooses the sockets that were in use nearest to a time, not further than around.
func beside(sockets []record.RequestSocket, at int64) (near []lineSocket, more bool) {
	far := func(s record.RequestSocket) int64 { return max(s.UsedFrom-at, at-s.UsedUntil, 0) }
	sockets = slices.Clone(sockets)
	slices.SortStableFunc(sockets, func(a, b record.RequestSocket) int { return cmp.Compare(far(a), far(b)) })
	for _, s := range sockets {
		if far(s) > int64(around) {
			break
		}
		if len(near) == besideLine {
			return near, true
		}
		near = append(near, lineSocket{s.ID, cmp.Or(destination(s.Host, s.RemoteAddr), s.LocalAddr), s.State})
	}
	return near, false
}
