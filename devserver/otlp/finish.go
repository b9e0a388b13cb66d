package otlp

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// Left is what a Tail could not send.
type Left struct {
	Items int64 // requests, sockets, look-ups and denials
	More  bool  // there are more than were counted
	Since int64 // when the earliest of them began
	Err   error // why
}

// countLimit is how long what is left is counted.
const countLimit = time.Second

// Finish sends what has not been sent, what is still open too, until ctx ends; a store where nobody listens is asked
// once. It returns what is left in the recording.
func (t *Tail) Finish(ctx context.Context) (Summary, Left) {
	t.final = true
	if s := t.feed.sender; s.away && errors.Is(s.why, syscall.ECONNREFUSED) {
		t.feed.tries = 1
	}
	t.mu.Lock()
	t.all = true
	t.mu.Unlock()
	err := t.drain(ctx)
	t.feed.sender.client.close()
	if err == nil {
		return t.feed.sender.sum, Left{}
	}
	left := Left{Err: err}
	brief, cancel := context.WithTimeout(context.WithoutCancel(ctx), countLimit)
	defer cancel()
	if t.count(brief, &left) != nil {
		left.More = true
	}
	return t.feed.sender.sum, left
}

func (l *Left) add(at int64) {
	if l.Items++; l.Since == 0 || at < l.Since {
		l.Since = at
	}
}

// count reads what is left.
func (t *Tail) count(ctx context.Context, l *Left) error {
	for k := range t.sent {
		high, err := t.highest(ctx, table(k))
		if err != nil {
			return err
		}
		missing := t.sent[k].missing(high)
		for _, r := range missing.ranges {
			if err := t.countRange(ctx, l, table(k), r); err != nil {
				return err
			}
		}
	}
	for k, kind := range map[table]string{lookups: "resolve", denials: "deny"} {
		if err := t.countEvents(ctx, l, kind, t.cursor[k]); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tail) countRange(ctx context.Context, l *Left, k table, r idRange) error {
	for {
		var page []int64 // when each began
		var last int64
		if k == requests {
			rows, err := t.src.Requests(ctx, record.RequestFilter{After: r.low - 1, Before: r.high + 1, Ascending: true, Limit: pageRows})
			if err != nil {
				return err
			}
			for _, q := range rows {
				page, last = append(page, q.StartedAt), q.ID
			}
		} else {
			rows, err := t.src.Sockets(ctx, record.SocketFilter{After: r.low - 1, Before: r.high + 1, Ascending: true, Limit: pageRows})
			if err != nil {
				return err
			}
			for _, s := range rows {
				page, last = append(page, s.OpenedAt), s.ID
			}
		}
		for _, at := range page {
			l.add(at)
		}
		if len(page) < pageRows {
			return nil
		}
		r.low = last + 1
	}
}

func (t *Tail) countEvents(ctx context.Context, l *Left, kind string, after int64) error {
	for {
		rows, err := t.src.Events(ctx, record.EventFilter{Kinds: []string{kind}, After: after, Ascending: true, Limit: pageRows})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, e := range rows {
			l.add(e.At)
		}
		after = rows[len(rows)-1].ID
	}
}
