package main

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newLogs() *cobra.Command {
	var (
		l            listing
		stream, part string
		older        int64
	)
	c := &cobra.Command{
		Use:   "logs [flags]",
		Short: "what the app wrote, with the request that each line belongs to",
		Long: `logs lists what the app wrote on its standard output and standard error, line by line, with the
request whose goroutines wrote it. The newest stands last. --grep looks at the newest lines first;
when it is interrupted it shows what it has found, and says where to go on.

` + recordingHelp,
		Example: `  devserver logs --follow --stream stderr
  devserver logs --request 42
  devserver logs --grep timeout --since 10m --json`,
		Args: between(0, 0, "filters are flags, see --help"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := pagesBack(older, &l, "line"); err != nil {
				return err
			}
			if stream != "" && stream != "stdout" && stream != "stderr" {
				return usagef("--stream: %q is none of stdout, stderr", stream)
			}
			since, err := sinceTime(l.since, time.Now())
			if err != nil {
				return err
			}
			rec, err := l.open()
			if err != nil {
				return err
			}
			defer rec.Close()
			filter := devserver.LogFilter{App: l.app, Stream: stream, Text: part, RequestID: l.request, RunID: l.run, Since: since, Before: older}
			several, err := severalApps(c.Context(), rec)
			if err != nil {
				return err
			}
			head, row := logTable(newPalette(c.OutOrStdout()), several && l.app == "")
			if part != "" {
				return list(c, &l, grepFeed(rec, filter, l.limit, newSearchTeller(c.ErrOrStderr())), head, row)
			}
			return list(c, &l, logFeed(rec, filter, l.limit), head, row)
		},
	}
	l.formFlags(c)
	f := c.Flags()
	f.StringVar(&stream, "stream", "", "only of this `STREAM`: stdout, stderr")
	f.StringVar(&part, "grep", "", "only lines with this `TEXT` in them, upper or lower case")
	f.Int64Var(&l.request, "request", 0, "only of the request with this `ID`")
	f.Int64Var(&l.run, "run", 0, "only of the worker's run with this `ID`")
	f.StringVar(&l.since, "since", "", "only from this `TIME` on: 5m (ago), 14:30, 2026-01-31, or RFC 3339")
	f.Int64Var(&older, "before", 0, "only lines before the one with this `ID`")
	f.IntVar(&l.limit, "limit", 200, "at most the newest `N`")
	l.placeFlags(c)
	return c
}

// severalApps reports whether a recording's newest runs are of more than one app.
func severalApps(ctx context.Context, rec *devserver.Recording) (bool, error) {
	runs, err := rec.SelectRuns(ctx, devserver.RunFilter{})
	return slices.ContainsFunc(runs, func(r devserver.WorkerRun) bool { return r.App != runs[0].App }), err
}

// logReader is the part of a recording that lists lines.
type logReader interface {
	Logs(context.Context, devserver.LogFilter) ([]devserver.Log, error)
}

// logFeed returns the newest lines, then those with a higher id than any before.
func logFeed(rec logReader, filter devserver.LogFilter, limit int) feed[devserver.Log] {
	id := func(l devserver.Log) int64 { return l.ID }
	top := func(ctx context.Context) ([]devserver.Log, error) {
		return rec.Logs(ctx, devserver.LogFilter{Limit: 1})
	}
	return newerFeed(limit, id, top, func(ctx context.Context, after, before int64, n int) ([]devserver.Log, error) {
		f := filter
		f.After, f.Before, f.Limit = after, before, n
		if before == 0 {
			f.Before = filter.Before
		}
		return rec.Logs(ctx, f)
	})
}

// logTable returns the head and the rows of the table. Standard output is the quiet stream: it has no word.
func logTable(p palette, apps bool) (head []string, row func(devserver.Log) []cell) {
	head = []string{"TIME", "STREAM", "REQUEST", "TEXT"}
	if apps {
		head = slices.Insert(head, 1, "APP")
	}
	return head, func(l devserver.Log) []cell {
		cells := []cell{{text: clockTime(l.At), style: p.dim}, {}, {text: requestOf(l)}, {text: l.Text}}
		if l.Stream == "stderr" {
			cells[1] = cell{text: l.Stream, style: p.warn}
		}
		if l.Status >= 500 {
			cells[2].style = p.bad
		}
		if apps {
			cells = slices.Insert(cells, 1, cell{text: l.App, style: p.strong})
		}
		return cells
	}
}

// requestOf names a line's request by what was asked for and by the number that --request takes.
func requestOf(l devserver.Log) string {
	if l.RequestID == 0 {
		return ""
	}
	text := strconv.FormatInt(l.RequestID, 10)
	if l.Request != "" {
		text += " " + l.Request
	}
	return text
}
