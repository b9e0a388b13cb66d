package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/seed-d81df0db/devserver/devserver"
)

// searchStep is how long a search goes on before it tells how far it is.
const searchStep = 50 * time.Millisecond

// pagesBack refuses a --before that is none.
func pagesBack(before int64, l *listing, what string) error {
	switch {
	case before < 0:
		return usagef("--before: %d is no id of a %s; --json shows them", before, what)
	case before > 0 && l.follow:
		return usagef("--before shows old %ss and --follow new ones; give one of them", what)
	}
	return nil
}

// logSearcher is the part of a recording that searches lines.
type logSearcher interface {
	logReader
	SearchLogs(context.Context, devserver.LogFilter, time.Duration) (devserver.Found[devserver.Log], error)
}

// searchTeller tells on a terminal how far a search is.
type searchTeller struct {
	w      io.Writer
	screen *screen // nil: not a terminal
}

func newSearchTeller(w io.Writer) searchTeller {
	t := searchTeller{w: w}
	if isTerminal(w) {
		t.screen = newTeller(w).screen
	}
	return t
}

// step tells that everything after a time was looked at; 0: the search is over.
func (t searchTeller) step(found int, at int64) {
	switch {
	case t.screen == nil:
	case at == 0:
		t.screen.Status("")
	default:
		t.screen.Status(fmt.Sprintf("%d found, searched back to %s", found, dateTime(at)))
	}
}

// stopped tells how to go on with a search that was interrupted.
func (t searchTeller) stopped(rest, at int64) {
	fmt.Fprintf(t.w, "devserver: stopped; searched back to %s, --before %d goes on from there\n", dateTime(at), rest)
}

// grepFeed is a logFeed that searches for a part of the lines, step by step. It looks at each line once, however few are
// found.
func grepFeed(rec logSearcher, filter devserver.LogFilter, limit int, tell searchTeller) feed[devserver.Log] {
	return func(ctx context.Context) ([]devserver.Log, error) {
		f := filter
		newest, err := rec.Logs(ctx, devserver.LogFilter{Limit: 1})
		if err != nil || len(newest) == 0 {
			return nil, err
		}
		if f.Before == 0 {
			f.Before = newest[0].ID + 1
		}
		filter.After = newest[0].ID
		rows, err := searchRows(ctx, f.Before, limit, tell, func(before int64, n int) (devserver.Found[devserver.Log], error) {
			f.Before, f.Limit = before, n
			return rec.SearchLogs(ctx, f, searchStep)
		})
		limit = everything
		slices.Reverse(rows)
		return rows, err
	}
}

// searchRows returns up to limit rows with ids below before (0: no bound), newest first. step looks for one step's time. An
// interrupted search returns what it has found.
func searchRows[R any](ctx context.Context, before int64, limit int, tell searchTeller, step func(before int64, n int) (devserver.Found[R], error)) (rows []R, err error) {
	defer tell.step(0, 0)
	for at := int64(0); ; {
		found, err := step(before, min(pageSize, limit-len(rows)))
		if ctx.Err() != nil && at != 0 {
			tell.step(0, 0)
			tell.stopped(before, at)
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, found.Rows...)
		if found.Rest == 0 || len(rows) == limit {
			return rows, nil
		}
		before, at = found.Rest, found.RestAt
		tell.step(len(rows), at)
	}
}
