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
			return list(c, &l, requestFeed(rec, filter, l.limit), requestHead, requestRow(newPalette(c.OutOrStdout())))
		},
	}
	l.formFlags(c)
	f := c.Flags()
	f.StringVar(&status, "status", "", "only with this `STATUS`: 404, or 5xx for all from 500 to 599")
	f.StringVar(&method, "method", "", "only with this `METHOD`: GET")
	f.StringVar(&url, "url", "", "only with this `TEXT` in the URL")
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

// requestFeed returns the newest requests, then those that begin, and each again when it has ended.
func requestFeed(rec requestReader, filter devserver.RequestFilter, limit int) feed[devserver.Request] {
	shown := map[int64]devserver.Request{} // of the requests that may be read again
	read := func(ctx context.Context) ([]devserver.Request, error) {
		return newest(limit, func(before int64, n int) ([]devserver.Request, error) {
			f := filter
			f.Before, f.Limit = before, n
			return rec.Requests(ctx, f)
		}, func(r devserver.Request) int64 { return r.ID }, func(devserver.Request) bool { return true })
	}
	return func(ctx context.Context) ([]devserver.Request, error) {
		rows, err := read(ctx)
		if err != nil {
			return nil, err
		}
		limit = everything
		now := map[int64]devserver.Request{}
		for _, r := range rows {
			now[r.ID] = r
			filter.Since = max(filter.Since, r.StartedAt-int64(lateness))
		}
		for id, r := range shown {
			if _, ok := now[id]; ok || requestEnded(r) {
				continue
			}
			if r, err = rec.Request(ctx, id); err != nil { // began long ago
				return nil, err
			}
			now[id] = r
		}
		var news []devserver.Request
		for id, r := range now {
			if was, ok := shown[id]; !ok || requestEnded(r) && !requestEnded(was) {
				news = append(news, r)
			}
		}
		slices.SortFunc(news, func(a, b devserver.Request) int { return cmp.Compare(a.ID, b.ID) })
		shown = now
		return news, nil
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
