package web

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// socketsData is all that templates/sockets.html may name.
type socketsData struct {
	frame
	Query  string // what stands in the filter field
	Wrong  string // why it is not understood
	Axis   axis
	Rows   []socketRow
	Older  string // address of the next page, "" on the last
	Newest string // address of the first page, "" on it
}

func (c *console) socketsPage(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, err := c.frame(ctx, r, "Sockets")
	if err != nil {
		return err
	}
	p := newParams(r.URL.Query())
	data := socketsData{frame: f, Query: p.text("q")}
	before := p.id("before")
	if err := p.err(); err != nil {
		return err
	}
	what, err := parseFilter(data.Query, socketTerms)
	if err != nil {
		data.Wrong, data.Axis = err.Error(), newAxis(f.Now, time.Minute, 0, f.State)
		return c.render(w, http.StatusBadRequest, "sockets", data)
	}
	filter := what.sockets(f.Now, c.idleSince(f.State))
	filter.Before, filter.Limit = before, pageRows
	rows, err := c.Source.Sockets(ctx, filter)
	if err != nil {
		return err
	}
	data.page(rows, before)
	if data.Axis, data.Rows, err = c.lifelines(ctx, rows, what.Since, f); err != nil {
		return err
	}
	return c.render(w, http.StatusOK, "sockets", data)
}

func (d *socketsData) page(rows []record.Socket, before int64) {
	if len(rows) == pageRows {
		d.Older = pageAddress("/sockets", d.Query, rows[len(rows)-1].ID)
	}
	if before != 0 {
		d.Newest = pageAddress("/sockets", d.Query, 0)
	}
}

// lifelines draws sockets on one axis.
func (c *console) lifelines(ctx context.Context, rows []record.Socket, since time.Duration, f frame) (axis, []socketRow, error) {
	var oldest int64
	ids := make([]int64, len(rows))
	for i, s := range rows {
		ids[i] = s.ID
		if oldest == 0 || s.OpenedAt < oldest {
			oldest = s.OpenedAt
		}
	}
	a := newAxis(f.Now, since, oldest, f.State)
	draw, err := c.drawing(ctx, a, ids, f.State)
	if err != nil {
		return a, nil, err
	}
	view := make([]socketRow, len(rows))
	for i, s := range rows {
		view[i] = newSocketRow(s, f.State, f.Now)
		view[i].Life = draw.line(s)
	}
	return a, view, nil
}

func (c *console) drawing(ctx context.Context, a axis, ids []int64, state State) (drawing, error) {
	if len(ids) == 0 {
		return drawing{axis: a, state: state}, nil
	}
	step := activityStep(a)
	activity, err := c.Source.Activity(ctx, record.ActivityFilter{Sockets: ids, Since: a.From.UnixNano(), Step: int64(step)})
	return newDrawing(a, state, step, activity), err
}
