package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newRuns() *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use:   "runs [flags]",
		Short: "the starts of the app: how long each ran and how it ended",
		Long: `runs lists each start of an app's program: from which version of the code, how long it took to
build, how long it ran and how it ended. The newest stands last; one without an end runs. What
else belongs to it, its last words among them, is told by: devserver show run 3

` + recordingHelp,
		Example: `  devserver runs --since 1h
  devserver runs --follow --app orders`,
		Args: between(0, 0, "filters are flags, see --help"),
		RunE: func(c *cobra.Command, _ []string) error {
			since, err := sinceTime(l.since, time.Now())
			if err != nil {
				return err
			}
			rec, err := l.open()
			if err != nil {
				return err
			}
			defer rec.Close()
			return list(c, &l, runFeed(rec, l.app, since, l.limit), runHead, runRow(newPalette(c.OutOrStdout())))
		},
	}
	l.formFlags(c)
	l.newestFlags(c)
	l.placeFlags(c)
	return c
}

// countedRun is a run with how much it did.
type countedRun struct {
	devserver.WorkerRun
	devserver.RunCounts
}

// runReader is the part of a recording that lists runs.
type runReader interface {
	SelectRuns(context.Context, devserver.RunFilter) ([]devserver.WorkerRun, error)
	RunCounts(context.Context) (map[int64]devserver.RunCounts, error)
}

// runFeed returns the newest runs that were there at or after since, then those that start, and each again when it
// becomes ready and when it ends.
func runFeed(rec runReader, app string, since int64, limit int) feed[countedRun] {
	shown := map[int64]devserver.WorkerRun{}
	oldest := int64(0) // of those that were asked for
	return func(ctx context.Context) ([]countedRun, error) {
		page := func(before int64, n int) ([]devserver.WorkerRun, error) {
			return rec.SelectRuns(ctx, devserver.RunFilter{App: app, Before: before, Limit: n})
		}
		rows, err := newest(limit, page, func(r devserver.WorkerRun) int64 { return r.ID },
			func(r devserver.WorkerRun) bool { return r.ID >= oldest && (r.EndedAt == 0 || r.EndedAt >= since) })
		if err != nil {
			return nil, err
		}
		limit = everything
		if len(shown) == 0 && len(rows) > 0 {
			oldest = rows[0].ID
		}
		var news []countedRun
		for _, r := range rows {
			if was, ok := shown[r.ID]; !ok || was.EndedAt != r.EndedAt || was.ReadyAt != r.ReadyAt {
				news = append(news, countedRun{WorkerRun: r})
			}
			shown[r.ID] = r
		}
		if len(news) == 0 {
			return nil, nil
		}
		counts, err := rec.RunCounts(ctx)
		for i := range news {
			news[i].RunCounts = counts[news[i].ID]
		}
		return news, err
	}
}

var runHead = []string{"ID", "APP", "STARTED", "RAN", "BUILD", "REQUESTS", "SOCKETS", "PROFILE", "GO", "REVISION", "END"}

func runRow(p palette) func(countedRun) []cell {
	return func(r countedRun) []cell {
		end := cell{text: r.Exit}
		lasted := ""
		switch {
		case r.EndedAt == 0:
			end = cell{text: "runs", style: p.ok}
		case r.Exit == "":
			end.text = "ended"
		}
		if r.EndedAt != 0 {
			lasted = took(max(r.EndedAt-r.StartedAt, 1))
		}
		return []cell{
			{text: number(r.ID), right: true}, {text: r.App}, {text: dateTime(r.StartedAt)}, {text: lasted, right: true},
			{text: took(r.BuildMS * int64(time.Millisecond)), right: true}, {text: number(r.Requests), right: true}, {text: number(r.Sockets), right: true},
			{text: r.Profile}, {text: r.GoVersion}, {text: r.Revision}, end,
		}
	}
}
