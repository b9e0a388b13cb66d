package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

const (
	maxDrawn   = 1000    // events of a request on one page
	maxRows    = 100     // its sockets
	maxCounted = 100_000 // how far the events that are left out are counted
)

// requestData is all that templates/request.html may name.
type requestData struct {
	frame
	Request requestRow
	Run     *record.Run   // nil: not in the recording
	Build   *record.Build // nil: not known
	Fall    waterfall
	Logs    []logRow
	AllLogs bool   // no line is left out
	Left    int64  // events behind those drawn
	LeftAll bool   // there are more than Left
	Later   string // address of the events behind these, "" when there are none
	First   string // address of the first events, "" on that page
	More    bool   // it used more sockets than there are rows
}

func (c *console) requestPage(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "request")
	if err != nil {
		return err
	}
	p := newParams(r.URL.Query())
	after := p.id("after")
	if err := p.err(); err != nil {
		return err
	}
	ctx := r.Context()
	request, err := c.Source.Request(ctx, id)
	if errors.Is(err, record.ErrNotFound) {
		return problemf(http.StatusNotFound, "No such request", "Request %d is not in this recording. It may have been in another, or its run was cleared away.", id)
	}
	if err != nil {
		return err
	}
	f, err := c.frame(ctx, r, "Request "+strconv.FormatInt(id, 10))
	if err != nil {
		return err
	}
	data := requestData{frame: f, Request: newRequestRow(request, f.Now)}
	if err := c.fillRequest(ctx, &data, after); err != nil {
		return err
	}
	return c.render(w, http.StatusOK, "request", data)
}

func (c *console) fillRequest(ctx context.Context, data *requestData, after int64) error {
	id := data.Request.ID
	path := "/requests/" + strconv.FormatInt(id, 10)
	sockets, err := c.Source.RequestSockets(ctx, []int64{id}, maxRows+1)
	if err != nil {
		return err
	}
	data.More = len(sockets) > maxRows
	events, err := c.Source.Events(ctx, record.EventFilter{RequestID: id, After: after, Ascending: true, Limit: maxDrawn})
	if err != nil {
		return err
	}
	if len(events) == maxDrawn {
		last := events[len(events)-1].ID
		if data.Left, err = c.Source.CountRequestEvents(ctx, id, last, maxCounted); err != nil {
			return err
		}
		data.LeftAll = data.Left == maxCounted
		if data.Left > 0 {
			data.Later = path + "?after=" + strconv.FormatInt(last, 10)
		}
	}
	if after != 0 {
		data.First = path
	}
	data.Fall = newWaterfall(data.Request, sockets[:min(len(sockets), maxRows)], events, data.Now)
	lines, err := c.Source.Logs(ctx, record.LogFilter{RequestID: id, Ascending: true, Limit: pageLines + 1})
	if err != nil {
		return err
	}
	data.AllLogs = len(lines) <= pageLines
	for _, line := range lines[:min(len(lines), pageLines)] {
		data.Logs = append(data.Logs, newLogRow(line, data.Request.StartedAt))
	}
	data.Run, data.Build, err = c.runOf(ctx, data.Request.RunID)
	return err
}

// runOf returns a run and its build, nil where the recording does not hold them.
func (c *console) runOf(ctx context.Context, id int64) (*record.Run, *record.Build, error) {
	if id == 0 {
		return nil, nil, nil
	}
	runs, err := c.Source.SelectRuns(ctx, record.RunFilter{Before: id + 1, Limit: 1})
	if err != nil || len(runs) == 0 || runs[0].ID != id {
		return nil, nil, err
	}
	if runs[0].BuildID == 0 {
		return &runs[0], nil, nil
	}
	builds, err := c.Source.Builds(ctx, record.BuildFilter{After: runs[0].BuildID - 1, Before: runs[0].BuildID + 1, Limit: 1})
	if err != nil || len(builds) == 0 {
		return &runs[0], nil, err
	}
	return &runs[0], &builds[0], nil
}
