package export

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// Tables is a recording whose every table can be read.
type Tables interface {
	Source
	DenialRows(context.Context, record.DenialFilter) ([]record.DenialRow, error)
}

// pageSize is how many rows are asked for at once; payloads are large.
const (
	pageSize    = 2000
	payloadPage = 16
)

// NDJSON writes all rows that the options select, one JSON object a line, so that Read gives them back: a header, then
// the tables in the order of the types of the format, each by id. The memory it takes does not grow with the events.
func NDJSON(ctx context.Context, w io.Writer, src Tables, o Options) error {
	out := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	x := &ndjson{src: src, o: o, enc: enc, sockets: map[int64]bool{}}
	if err := enc.Encode(header{"recording", Version, x.partial()}); err != nil {
		return err
	}
	for _, table := range []func(context.Context) error{x.runs, x.requests, x.socketRows, x.events, x.denialRows, x.logs, x.payloads, x.gaps, x.usage} {
		if err := table(ctx); err != nil {
			return err
		}
	}
	if err := enc.Encode(struct {
		Type string `json:"type"`
	}{endType}); err != nil {
		return err
	}
	return out.Flush()
}

// ndjson is one export under way.
type ndjson struct {
	src  Tables
	o    Options
	enc  *json.Encoder
	done int

	sockets map[int64]bool // those written, when a filter leaves some out: payloads go with them
	denials []record.DenialRow
	builds  map[int64]bool // of the runs written
}

func (x *ndjson) partial() bool {
	return x.o.App != "" || x.o.RunID != 0 || x.cut()
}

// cut reports whether the filter selects less than whole runs: then denials are counted anew.
func (x *ndjson) cut() bool { return x.o.RequestID != 0 || x.o.Since != 0 }

func (x *ndjson) write(line any) error {
	x.done++
	if x.o.Progress != nil && x.done%pageSize == 0 {
		x.o.Progress(x.done, 0)
	}
	return x.enc.Encode(line)
}

// pages reads page after page and tells f of each row.
func pages[R any](size int, page func(after int64, n int) ([]R, error), id func(R) int64, f func(R) error) error {
	for after := int64(0); ; {
		rows, err := page(after, size)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := f(r); err != nil {
				return err
			}
			after = id(r)
		}
		if len(rows) < size {
			return nil
		}
	}
}

// runs writes the runs, and behind them the builds.
func (x *ndjson) runs(ctx context.Context) error {
	only := x.o.RunID
	if x.o.RequestID != 0 {
		r, err := x.src.Request(ctx, x.o.RequestID)
		if err != nil {
			return fmt.Errorf("request %d: %w", x.o.RequestID, err)
		}
		if r.RunID == 0 {
			return nil
		}
		only = r.RunID
	}
	x.builds = map[int64]bool{}
	found := only == 0
	err := pages(pageSize, func(after int64, n int) ([]record.Run, error) {
		return x.src.SelectRuns(ctx, record.RunFilter{App: x.o.App, After: after, Ascending: true, Limit: n})
	}, func(r record.Run) int64 { return r.ID }, func(r record.Run) error {
		if only != 0 && r.ID != only || x.o.Since != 0 && r.EndedAt != 0 && r.EndedAt < x.o.Since {
			return nil
		}
		x.builds[r.BuildID], found = true, true
		return x.write(lineOfRun(r))
	})
	if err == nil && !found && x.o.RunID != 0 {
		err = fmt.Errorf("run %d: %w", x.o.RunID, record.ErrNotFound)
	}
	if err != nil {
		return err
	}
	return pages(pageSize, func(after int64, n int) ([]record.Build, error) {
		return x.src.Builds(ctx, record.BuildFilter{App: x.o.App, After: after, Ascending: true, Limit: n})
	}, func(b record.Build) int64 { return b.ID }, func(b record.Build) error {
		if !x.builds[b.ID] && (only != 0 || x.o.Since != 0 && b.StartedAt < x.o.Since) {
			return nil
		}
		return x.write(lineOfBuild(b))
	})
}

func (x *ndjson) requests(ctx context.Context) error {
	if x.o.RequestID != 0 {
		r, err := x.src.Request(ctx, x.o.RequestID)
		if err != nil {
			return err
		}
		return x.write(lineOfRequest(r))
	}
	return pages(pageSize, func(after int64, n int) ([]record.Request, error) {
		return x.src.Requests(ctx, record.RequestFilter{App: x.o.App, RunID: x.o.RunID, Since: x.o.Since, After: after, Ascending: true, Limit: n})
	}, func(r record.Request) int64 { return r.ID }, func(r record.Request) error { return x.write(lineOfRequest(r)) })
}

func (x *ndjson) socketRows(ctx context.Context) error {
	return pages(pageSize, func(after int64, n int) ([]record.Socket, error) {
		return x.src.Sockets(ctx, record.SocketFilter{App: x.o.App, RunID: x.o.RunID, RequestID: x.o.RequestID, Since: x.o.Since,
			After: after, Ascending: true, Limit: n})
	}, func(s record.Socket) int64 { return s.ID }, func(s record.Socket) error {
		if x.partial() {
			x.sockets[s.ID] = true
		}
		return x.write(lineOfSocket(s))
	})
}

func (x *ndjson) events(ctx context.Context) error {
	return pages(pageSize, func(after int64, n int) ([]record.Event, error) {
		return x.src.Events(ctx, record.EventFilter{App: x.o.App, RunID: x.o.RunID, RequestID: x.o.RequestID, Since: x.o.Since,
			After: after, Ascending: true, Limit: n})
	}, func(e record.Event) int64 { return e.ID }, func(e record.Event) error {
		if x.cut() && e.Kind == "deny" {
			x.countDenial(e)
		}
		return x.write(lineOfEvent(e))
	})
}

// countDenial adds a denial to the sums of an export that does not hold all events of its runs.
func (x *ndjson) countDenial(e record.Event) {
	d := record.DenialRow{RunID: e.RunID, App: e.App, Rule: e.Rule, CallSite: e.CallSite, Destination: cmp.Or(e.Host, e.RemoteAddr)}
	i := slices.IndexFunc(x.denials, func(o record.DenialRow) bool {
		return o.RunID == d.RunID && o.App == d.App && o.Rule == d.Rule && o.CallSite == d.CallSite && o.Destination == d.Destination
	})
	if i < 0 {
		i = len(x.denials)
		d.ID, d.FirstAt = int64(i)+1, e.At
		x.denials = append(x.denials, d)
	}
	sum := &x.denials[i]
	sum.Network, sum.Host, sum.RemoteAddr, sum.LastEvent = e.Network, e.Host, e.RemoteAddr, e.ID
	sum.Count++
	sum.FirstAt, sum.LastAt = min(sum.FirstAt, e.At), max(sum.LastAt, e.At)
}

func (x *ndjson) denialRows(ctx context.Context) error {
	if x.cut() {
		for _, d := range x.denials {
			if err := x.write(lineOfDenial(d)); err != nil {
				return err
			}
		}
		return nil
	}
	return pages(pageSize, func(after int64, n int) ([]record.DenialRow, error) {
		return x.src.DenialRows(ctx, record.DenialFilter{App: x.o.App, RunID: x.o.RunID, After: after, Limit: n})
	}, func(d record.DenialRow) int64 { return d.ID }, func(d record.DenialRow) error { return x.write(lineOfDenial(d)) })
}

func (x *ndjson) logs(ctx context.Context) error {
	return pages(pageSize, func(after int64, n int) ([]record.Log, error) {
		return x.src.Logs(ctx, record.LogFilter{App: x.o.App, RunID: x.o.RunID, RequestID: x.o.RequestID, Since: x.o.Since,
			After: after, Ascending: true, Limit: n})
	}, func(l record.Log) int64 { return l.ID }, func(l record.Log) error { return x.write(lineOfLog(l)) })
}

func (x *ndjson) payloads(ctx context.Context) error {
	return pages(payloadPage, func(after int64, n int) ([]record.Payload, error) {
		return x.src.Payloads(ctx, record.PayloadFilter{RequestID: x.o.RequestID, After: after, Limit: n})
	}, func(p record.Payload) int64 { return p.ID }, func(p record.Payload) error {
		if x.partial() && !x.sockets[p.SocketID] || p.At < x.o.Since {
			return nil
		}
		return x.write(lineOfPayload(p))
	})
}

func (x *ndjson) gaps(ctx context.Context) error {
	if x.o.RequestID != 0 {
		return nil
	}
	gaps, err := x.src.Gaps(ctx, x.o.RunID) // newest first, and few
	if err != nil {
		return err
	}
	for _, g := range slices.Backward(gaps) {
		if x.o.App != "" && g.App != x.o.App || g.At < x.o.Since {
			continue
		}
		if err := x.write(lineOfGap(g)); err != nil {
			return err
		}
	}
	return nil
}

// usage writes what is used of the quotas now, which is no part of one run or request.
func (x *ndjson) usage(ctx context.Context) error {
	if x.o.RunID != 0 || x.cut() {
		return nil
	}
	rows, err := x.src.Usage(ctx, x.o.App)
	if err != nil {
		return err
	}
	for _, u := range rows {
		if err := x.write(lineOfUsage(u)); err != nil {
			return err
		}
	}
	return nil
}
