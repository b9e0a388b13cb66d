package otlp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/export"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// pageRows is how many rows are read at once.
const pageRows = 512

// Export sends what the options select of a recording. What it has sent when it fails stays sent; a second time everything
// has the same ids. It asks a store that does not answer again, for c.Patience.
func Export(ctx context.Context, src export.Source, o export.Options, c Config) (Summary, error) {
	s := newSender(c)
	defer s.client.close()
	x := &exporter{opts: o, src: src, sender: s}
	x.feed = newFeed(newMapper(src), s, func(k []key) {
		if x.done += len(k); o.Progress != nil {
			o.Progress(x.done, 0)
		}
	})
	s.patience = s.cfg.Patience
	err := x.all(ctx)
	return s.sum, x.explain(ctx, err)
}

type exporter struct {
	opts   export.Options
	src    export.Source
	sender *sender
	feed   *feed
	done   int
}

func (x *exporter) all(ctx context.Context) error {
	for _, step := range []func(context.Context) error{x.requests, x.sockets, x.lookups, x.denials, x.flush, x.usage} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// explain says how far it came and what to do.
func (x *exporter) explain(ctx context.Context, err error) error {
	var busy *BusyError
	var refused *RefusedError
	switch {
	case err == nil, ctx.Err() != nil:
		return err
	case errors.As(err, &busy):
		return fmt.Errorf("%w; %d were sent before. Run the command again when it answers: what is sent twice has the same ids", busy, x.sender.sum.taken())
	case errors.As(err, &refused):
		return fmt.Errorf("%w; name another store with --otlp, or what it asks for with --otlp-header", err)
	}
	return err
}

// taken is an error when the store refuses its first request: it would refuse all.
func (x *exporter) taken() error {
	if s := x.sender; s.no != nil && s.sum.taken() == 0 {
		return s.no
	}
	return nil
}

// page sends the items of a page of rows.
func page[T any](ctx context.Context, x *exporter, rows []T, add func(context.Context, T) error) error {
	for _, row := range rows {
		if err := add(ctx, row); err != nil {
			return err
		}
	}
	return x.taken()
}

func (x *exporter) flush(ctx context.Context) error {
	for _, b := range []*batch{&x.feed.traces, &x.feed.logs} {
		if err := x.feed.send(ctx, b); err != nil {
			return err
		}
		if err := x.taken(); err != nil {
			return err
		}
	}
	return nil
}

func (x *exporter) requests(ctx context.Context) error {
	o := x.opts
	if o.RequestID != 0 {
		q, err := x.src.Request(ctx, o.RequestID)
		if err != nil {
			return fmt.Errorf("request %d: %w", o.RequestID, err)
		}
		return page(ctx, x, []record.Request{q}, x.feed.addRequest)
	}
	f := record.RequestFilter{App: o.App, RunID: o.RunID, Since: o.Since, Ascending: true, Limit: pageRows}
	for {
		rows, err := x.src.Requests(ctx, f)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := page(ctx, x, rows, x.feed.addRequest); err != nil {
			return err
		}
		f.After = rows[len(rows)-1].ID
	}
}

func (x *exporter) sockets(ctx context.Context) error {
	o := x.opts
	f := record.SocketFilter{App: o.App, RunID: o.RunID, RequestID: o.RequestID, Since: o.Since, Ascending: true, Limit: pageRows}
	for {
		rows, err := x.src.Sockets(ctx, f)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := page(ctx, x, rows, x.feed.addSocket); err != nil {
			return err
		}
		f.After = rows[len(rows)-1].ID
	}
}

func (x *exporter) lookups(ctx context.Context) error {
	return x.events(ctx, "resolve", x.feed.addLookup)
}
func (x *exporter) denials(ctx context.Context) error { return x.events(ctx, "deny", x.feed.addDenial) }

func (x *exporter) events(ctx context.Context, kind string, add func(context.Context, record.Event) error) error {
	o := x.opts
	f := record.EventFilter{
		App: o.App, RunID: o.RunID, RequestID: o.RequestID, Since: o.Since, Kinds: []string{kind}, Ascending: true, Limit: pageRows,
	}
	for {
		rows, err := x.src.Events(ctx, f)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := page(ctx, x, rows, add); err != nil {
			return err
		}
		f.After = rows[len(rows)-1].ID
	}
}

// usage sends what was used of quotas, unless a part of the recording is asked for that it says nothing of.
func (x *exporter) usage(ctx context.Context) error {
	if x.opts.RunID != 0 || x.opts.RequestID != 0 {
		return nil
	}
	usage, err := x.src.Usage(ctx, x.opts.App)
	if err != nil {
		return err
	}
	now := time.Now().UnixNano()
	return x.feed.sendUsage(ctx, usage, func(u record.QuotaUsage) (int64, bool) { return usageTime(u, now), u.WindowStart >= x.opts.Since })
}

// usageTime is of what time a row speaks: of now, or of the end of its window when that is over. The sandbox's clock, which
// windows go by, may have been moved: they may lie in the future.
func usageTime(u record.QuotaUsage, now int64) int64 {
	length := time.Minute
	if u.Window == "day" {
		length = 24 * time.Hour
	}
	return min(now, u.WindowStart+int64(length))
}
