package main

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newRequests() *cobra.Command {
	var (
		l                   listing
		status, method, url string
		least               time.Duration
	)
	c := &cobra.Command{
		Use:   "requests [flags]",
		Short: "the requests to the app, how they ended and how long they took",
		Long: `requests lists what clients asked the app. The newest stands last; one that is still served
has neither status nor time. --host and --rule select requests by the sockets that they used.
With --follow a request is shown when it begins and again when it ends. What one request did
on its sockets is told by: devserver show r12

` + recordingHelp,
		Example: `  devserver requests --status 5xx --since 10m
  devserver requests --follow --url /orders --host db.example.com`,
		Args: between(0, 0, "filters are flags, see --help"),
		RunE: func(c *cobra.Command, _ []string) error {
			code, err := statusFilter(status)
			if err != nil {
				return err
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
			filter := devserver.RequestFilter{App: l.app, Method: strings.ToUpper(method), URL: url, Host: l.host, Rule: l.rule, Status: code, RunID: l.run, Since: since}
			return list(c, &l, requestFeed(rec, filter, l.limit, least), requestHead, requestRow(newPalette(c.OutOrStdout())))
		},
	}
	l.formFlags(c)
	f := c.Flags()
	f.StringVar(&status, "status", "", "only with this `STATUS`: 404, or 5xx for all from 500 to 599")
	f.StringVar(&method, "method", "", "only with this `METHOD`: GET")
	f.StringVar(&url, "url", "", "only with this `TEXT` in the URL")
	f.DurationVar(&least, "min-duration", 0, "only those that took at least this `TIME`: 100ms")
	l.filterFlags(c)
	l.placeFlags(c)
	return c
}

// statusFilter reads --status as RequestFilter.Status wants it.
func statusFilter(s string) (int, error) {
	class, hundred := strings.CutSuffix(strings.ToLower(s), "xx")
	n, err := strconv.Atoi(class)
	switch {
	case s == "":
		return 0, nil
	case err == nil && hundred && n >= 1 && n <= 5, err == nil && !hundred && n >= 100 && n <= 999:
		return n, nil
	}
	return 0, usagef("--status: %q is no HTTP status; write 404, or 5xx for all from 500 to 599", s)
}

// requestReader is the part of a recording that lists requests.
type requestReader interface {
	Requests(context.Context, devserver.RequestFilter) ([]devserver.Request, error)
	Request(ctx context.Context, id int64) (devserver.Request, error)
}

// requestFeed returns the newest requests, then those that begin, and each again when it has ended. Those that have a
// status or took long are known at their end only: of these filters the feed is the judge once it follows.
func requestFeed(rec requestReader, filter devserver.RequestFilter, limit int, least time.Duration) feed[devserver.Request] {
	fits := requestFits(filter.Status, least)
	var shown map[int64]devserver.Request // those that may be read again; nil before the first call
	since := int64(0)
	return func(ctx context.Context) ([]devserver.Request, error) {
		if shown == nil {
			// What may be read again comes first: one that arrives between the two questions is in the second answer, and shown.
			every := filter
			every.Status = 0
			recent, err := newestRequests(ctx, rec, every, pageSize, func(devserver.Request) bool { return true })
			if err != nil {
				return nil, err
			}
			rows, err := newestRequests(ctx, rec, filter, limit, fits)
			filter, shown = every, map[int64]devserver.Request{}
			for _, r := range append(recent, rows...) {
				shown[r.ID], since = r, max(since, r.StartedAt-int64(lateness))
			}
			return rows, err
		}
		now, err := requestsSince(ctx, rec, filter, since)
		if err != nil {
			return nil, err
		}
		for id, r := range shown {
			if _, ok := now[id]; ok || requestEnded(r) {
				continue
			}
			if now[id], err = rec.Request(ctx, id); err != nil { // it began long ago
				return nil, err
			}
		}
		var news []devserver.Request
		for id, r := range now {
			was, ok := shown[id]
			if (!ok || requestEnded(r) && !requestEnded(was)) && fits(r) {
				news = append(news, r)
			}
			since = max(since, r.StartedAt-int64(lateness))
		}
		slices.SortFunc(news, func(a, b devserver.Request) int { return cmp.Compare(a.ID, b.ID) })
		shown = now
		return news, nil
	}
}

// requestFits returns what --status and --min-duration ask of a request.
func requestFits(status int, least time.Duration) func(devserver.Request) bool {
	return func(r devserver.Request) bool {
		return r.DurationNS >= int64(least) && (status == 0 || r.Status == status || r.Status/100 == status)
	}
}

func newestRequests(ctx context.Context, rec requestReader, filter devserver.RequestFilter, limit int, keep func(devserver.Request) bool) ([]devserver.Request, error) {
	return newest(limit, func(before int64, n int) ([]devserver.Request, error) {
		f := filter
		f.Before, f.Limit = before, n
		return rec.Requests(ctx, f)
	}, func(r devserver.Request) int64 { return r.ID }, keep)
}

// requestsSince reads the newest requests back to a time, by their ids: no index leads to when they began.
func requestsSince(ctx context.Context, rec requestReader, filter devserver.RequestFilter, since int64) (map[int64]devserver.Request, error) {
	all := map[int64]devserver.Request{}
	for filter.Limit = pageSize; ; {
		rows, err := rec.Requests(ctx, filter)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			filter.Before = r.ID
			if r.StartedAt < since {
				return all, nil
			}
			all[r.ID] = r
		}
		if len(rows) < pageSize {
			return all, nil
		}
	}
}

// requestEnded reports whether a request is over. One that took less than the clock tells has a status.
func requestEnded(r devserver.Request) bool {
	return r.DurationNS != 0 || r.Status != 0 || r.Error != ""
}

var requestHead = []string{"ID", "STATUS", "METHOD", "URL", "STARTED", "TOOK", "READ", "WRITTEN", "APP", "RUN", "CLIENT", "ERROR"}

func requestRow(p palette) func(devserver.Request) []cell {
	return func(r devserver.Request) []cell {
		return []cell{
			{text: number(r.ID), right: true}, requestStatus(p, r), {text: r.Method}, {text: r.URL}, {text: clockTime(r.StartedAt)},
			{text: took(r.DurationNS), right: true}, {text: size(r.BytesIn), right: true}, {text: size(r.BytesOut), right: true}, {text: r.App},
			{text: number(r.RunID), right: true}, {text: r.RemoteAddr}, {text: r.Error},
		}
	}
}

// requestStatus says how a request ended: its status, in a style that fits, or what stands for it.
func requestStatus(p palette, r devserver.Request) cell {
	switch {
	case !requestEnded(r):
		return cell{text: "running", style: p.dim}
	case r.Status == 0:
		return cell{text: "none", style: p.bad}
	case r.Status >= 500:
		return cell{text: strconv.Itoa(r.Status), style: p.bad}
	case r.Status >= 400:
		return cell{text: strconv.Itoa(r.Status), style: p.warn}
	}
	return cell{text: strconv.Itoa(r.Status), style: p.ok}
}
