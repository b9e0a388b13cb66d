package otlp

import (
	"context"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// feed makes items of rows and sends them in batches.
type feed struct {
	*mapper
	sender *sender
	traces batch
	logs   batch
	tries  int         // of each request; 0: until the context ends, or the sender's patience does
	sent   func([]key) // told what was taken or refused
}

func newFeed(m *mapper, s *sender, sent func([]key)) *feed {
	return &feed{mapper: m, sender: s, sent: sent, traces: batch{path: tracesPath}, logs: batch{path: logsPath}}
}

func (f *feed) addRequest(ctx context.Context, q record.Request) error {
	r, err := f.run(ctx, q.App, q.RunID, q.ID, q.StartedAt)
	if err != nil {
		return err
	}
	s, err := f.request(ctx, r, q)
	if err != nil {
		return err
	}
	return f.add(ctx, &f.traces, r, key{requests, q.ID}, s)
}

func (f *feed) addSocket(ctx context.Context, k record.Socket) error {
	r, err := f.runOfSocket(ctx, &k)
	if err != nil {
		return err
	}
	s, err := f.socket(ctx, r, k)
	if err != nil {
		return err
	}
	return f.add(ctx, &f.traces, r, key{sockets, k.ID}, s)
}

func (f *feed) addLookup(ctx context.Context, e record.Event) error {
	r, err := f.runOfEvent(ctx, &e)
	if err != nil {
		return err
	}
	return f.add(ctx, &f.traces, r, key{lookups, e.ID}, lookup(r, e))
}

func (f *feed) addDenial(ctx context.Context, e record.Event) error {
	r, err := f.runOfEvent(ctx, &e)
	if err != nil {
		return err
	}
	l, err := f.denial(ctx, r, e)
	if err != nil {
		return err
	}
	return f.add(ctx, &f.logs, r, key{denials, e.ID}, l)
}

func (f *feed) add(ctx context.Context, b *batch, r record.Run, k key, item any) error {
	if err := b.add(r, k, item); err != nil {
		return err
	}
	if !b.full() {
		return nil
	}
	return f.send(ctx, b)
}

// flush sends what is gathered.
func (f *feed) flush(ctx context.Context) error {
	if err := f.send(ctx, &f.traces); err != nil {
		return err
	}
	return f.send(ctx, &f.logs)
}

// drop forgets what is gathered and not sent: its rows are read again.
func (f *feed) drop() {
	f.traces.reset()
	f.logs.reset()
}

func (f *feed) send(ctx context.Context, b *batch) error {
	if b.items == 0 {
		return nil
	}
	body, err := b.body()
	if err != nil {
		return err
	}
	if err := f.sender.send(ctx, b.path, body, b.items, f.tries); err != nil {
		return err
	}
	f.sent(b.keys)
	b.reset()
	return nil
}

// sendUsage sends what is used of quotas.
func (f *feed) sendUsage(ctx context.Context, usage []record.QuotaUsage, at func(record.QuotaUsage) (int64, bool)) error {
	body, points, err := metricsBody(usage, at)
	if err != nil || points == 0 {
		return err
	}
	return f.sender.send(ctx, metricsPath, body, int64(points), f.tries)
}
