package main

import (
	"cmp"
	"context"
	"errors"
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
		older               int64
	)
	c := &cobra.Command{
		Use:   "requests [flags]",
		Short: "the requests to the app, how they ended and how long they took",
		Long: `requests lists what clients asked the app. The newest stands last; one that is still served
has neither status nor time. --host and --rule select requests by the sockets that they used.
With --follow a request is shown when it begins and again when it ends. What one request did
on its sockets is told by: devserver show r12
--url, --method and --min-duration look at the newest requests first; a search that is interrupted
shows what it has found, and says where to go on.

` + recordingHelp,
		Example: `  devserver requests --status 5xx --since 10m
  devserver requests --follow --url /orders --host db.example.com`,
		Args: between(0, 0, "filters are flags, see --help"),
		RunE: func(c *cobra.Command, _ []string) error {
			code, err := statusFilter(status)
			if err != nil {
				return err
			}
			if err := pagesBack(older, &l, "request"); err != nil {
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
			filter := devserver.RequestFilter{
				App: l.app, Method: strings.ToUpper(method), URL: url, Host: l.host, Rule: l.rule, Status: code, RunID: l.run,
				Since: since, MinDuration: int64(least), Before: older,
			}
			tell := newSearchTeller(c.ErrOrStderr())
			next := requestFeed(rec, filter, l.limit, tell)
			if !l.follow { // nothing is read but what is shown
				next = func(ctx context.Context) ([]devserver.Request, error) {
					return newestRequests(ctx, rec, filter, l.limit, tell)
				}
			}
			return list(c, &l, next, requestHead, requestRow(newPalette(c.OutOrStdout())))
		},
	}
	l.formFlags(c)
	f := c.Flags()
	f.StringVar(&status, "status", "", "only with this `STATUS`: 404, or 5xx for all from 500 to 599")
	f.StringVar(&method, "method", "", "only with this `METHOD`: GET")
	f.StringVar(&url, "url", "", "only with this `TEXT` in the URL")
	f.DurationVar(&least, "min-duration", 0, "only those that took at least this `TIME`: 100ms")
	f.Int64Var(&older, "before", 0, "only requests before the one with this `ID`")
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
	SearchRequests(context.Context, devserver.RequestFilter, time.Duration) (devserver.Found[devserver.Request], error)
	Request(ctx context.Context, id int64) (devserver.Request, error)
}

// requestFeed returns the newest requests, then those that begin, and each again when it has ended. Those that have a
// status or took long are known at their end only: of these filters the feed is the judge once it follows.
func requestFeed(rec requestReader, filter devserver.RequestFilter, limit int, tell searchTeller) feed[devserver.Request] {
	every := filter
	every.Status, every.MinDuration = 0, 0
	var shown map[int64]devserver.Request // those that may be read again; nil before the first call
	var look requestLook
	return func(ctx context.Context) ([]devserver.Request, error) {
		if shown == nil {
			newest, err := rec.SearchRequests(ctx, devserver.RequestFilter{Limit: 1}, 0)
			if err != nil {
				return nil, err
			}
			for _, r := range newest.Rows {
				look = requestLook{since: r.StartedAt - int64(lateness), top: r.ID}
			}
			// What may be read again comes first: one that arrives between the questions is in the last answer, and shown.
			recent, err := look.again(ctx, rec, every)
			if err != nil {
				return nil, err
			}
			page := every
			page.Limit = pageSize
			served, err := rec.SearchRequests(ctx, page, searchStep) // perhaps since long ago
			if err != nil {
				return nil, err
			}
			rows, err := newestRequests(ctx, rec, filter, limit, tell)
			for _, r := range append(served.Rows, rows...) {
				if was, ok := recent[r.ID]; !ok || requestEnded(r) && !requestEnded(was) {
					recent[r.ID] = r
				}
			}
			shown = recent
			return rows, err
		}
		now, err := look.again(ctx, rec, every)
		if err != nil {
			return nil, err
		}
		for id, r := range shown {
			if _, ok := now[id]; ok || requestEnded(r) {
				continue
			}
			r, err := rec.Request(ctx, id) // it began long ago
			if errors.Is(err, devserver.ErrNotFound) {
				continue // it is not kept any longer
			}
			if err != nil {
				return nil, err
			}
			now[id] = r
		}
		var news []devserver.Request
		for id, r := range now {
			was, ok := shown[id]
			if (!ok || requestEnded(r) && !requestEnded(was)) && endFits(filter, r) {
				news = append(news, r)
			}
		}
		slices.SortFunc(news, func(a, b devserver.Request) int { return cmp.Compare(a.ID, b.ID) })
		shown = now
		return news, nil
	}
}

// endFits tells whether a request ended as the filter wants it.
func endFits(f devserver.RequestFilter, r devserver.Request) bool {
	return r.DurationNS >= f.MinDuration && (f.Status == 0 || r.Status == f.Status || r.Status/100 == f.Status)
}

// newestRequests returns the newest of the filter's requests, oldest first.
func newestRequests(ctx context.Context, rec requestReader, f devserver.RequestFilter, limit int, tell searchTeller) ([]devserver.Request, error) {
	rows, err := searchRows(ctx, f.Before, limit, tell, func(before int64, n int) (devserver.Found[devserver.Request], error) {
		f.Before, f.Limit = before, n
		return rec.SearchRequests(ctx, f, searchStep)
	})
	slices.Reverse(rows)
	return rows, err
}

// requestLook is how far a feed of requests has looked.
type requestLook struct {
	since int64 // requests that began then or later may be new,
	top   int64 // and those with higher ids: one of another server's gets its id when it is answered
}

// again reads those of the filter's requests that may be new. No index leads to a time, but ids nearly do: they are read
// until a page of them, of whatever kind, holds none that may be new.
func (l *requestLook) again(ctx context.Context, rec requestReader, f devserver.RequestFilter) (map[int64]devserver.Request, error) {
	next := *l
	mayBeNew := func(r devserver.Request) bool { return r.StartedAt >= l.since || r.ID > l.top }
	f.After, f.Limit = 0, -1
	for before := int64(0); ; {
		page, err := rec.SearchRequests(ctx, devserver.RequestFilter{Before: before, Limit: pageSize}, 0)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Rows {
			before = r.ID
			next.since, next.top = max(next.since, r.StartedAt-int64(lateness)), max(next.top, r.ID)
		}
		if len(page.Rows) < pageSize {
			break
		}
		if !slices.ContainsFunc(page.Rows, mayBeNew) {
			f.After = page.Rows[0].ID
			break
		}
	}
	all, err := rec.SearchRequests(ctx, f, 0)
	if err != nil {
		return nil, err
	}
	found := map[int64]devserver.Request{}
	for _, r := range all.Rows {
		if mayBeNew(r) {
			found[r.ID] = r
		}
	}
	*l = next
	return found, nil
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
