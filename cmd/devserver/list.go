package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

// feed returns rows, oldest first: what there is at its first call, at each later one what came since.
type feed[R any] func(context.Context) ([]R, error)

// list prints a feed, as a table or as JSON, once or until the command is asked to stop.
func list[R any](c *cobra.Command, l *listing, next feed[R], head []string, row func(R) []cell) error {
	show := showRows(c, l, head, row)
	ticks := time.NewTicker(followEvery)
	defer ticks.Stop()
	for first := true; ; first = false {
		rows, err := next(c.Context())
		if err != nil {
			return err
		}
		if first && !l.follow && len(rows) == 0 && !l.json && c.Context().Err() == nil {
			fmt.Fprintln(c.ErrOrStderr(), "devserver: the recording has none that match")
			return nil
		}
		if err := show(rows); err != nil {
			return err
		}
		if !l.follow {
			return nil
		}
		select {
		case <-ticks.C:
		case <-c.Context().Done():
			return nil
		}
	}
}

// newerFeed returns the newest rows, then those with a higher id than any before. page reads at most n rows with ids between
// two others, newest first. top reads the newest row, whatever the filter: what was looked at once is not looked at again. nil: a
// row may come to match later.
func newerFeed[R any](limit int, id func(R) int64, top func(context.Context) ([]R, error),
	page func(ctx context.Context, after, before int64, n int) ([]R, error)) feed[R] {
	last := int64(0)
	return func(ctx context.Context) ([]R, error) {
		var highest []R
		if top != nil {
			var err error
			if highest, err = top(ctx); err != nil {
				return nil, err
			}
		}
		rows, err := newest(limit, func(before int64, n int) ([]R, error) { return page(ctx, last, before, n) }, id, func(R) bool { return true })
		if err != nil {
			return nil, err
		}
		limit = everything
		for _, r := range append(highest, rows...) {
			last = max(last, id(r))
		}
		return rows, nil
	}
}

// showRows returns what prints rows in the form that was asked for.
func showRows[R any](c *cobra.Command, l *listing, head []string, row func(R) []cell) func([]R) error {
	if l.json {
		enc := lineWriter(c.OutOrStdout())
		return func(rows []R) error {
			for _, r := range rows {
				if err := enc.Encode(r); err != nil {
					return err
				}
			}
			return nil
		}
	}
	t := newTable(c.OutOrStdout(), head...)
	return func(rows []R) error {
		for _, r := range rows {
			t.add(row(r)...)
		}
		if len(rows) == 0 {
			return nil
		}
		return t.flush()
	}
}

// everything is the limit when following: whatever came since the last look.
const everything = math.MaxInt

// pageSize is how many rows are asked for at once.
const pageSize = 500

// newest collects up to limit rows that keep wants, page by page, and returns them oldest first. page returns
// rows newest first with an id below before, 0 for no bound.
func newest[R any](limit int, page func(before int64, n int) ([]R, error), id func(R) int64, keep func(R) bool) ([]R, error) {
	var rows []R
	for before := int64(0); len(rows) < limit; {
		got, err := page(before, pageSize)
		if err != nil {
			return nil, err
		}
		for _, r := range got {
			if keep(r) && len(rows) < limit {
				rows = append(rows, r)
			}
			before = id(r)
		}
		if len(got) < pageSize {
			break
		}
	}
	slices.Reverse(rows)
	return rows, nil
}
