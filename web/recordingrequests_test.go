package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

func (r *recording) SelectRuns(_ context.Context, f record.RunFilter) ([]record.Run, error) {
	var rows []record.Run
	for _, run := range r.runs {
		if f.Before == 0 || run.ID < f.Before {
			rows = append(rows, run)
		}
	}
	return rows, r.err
}

func (r *recording) Builds(_ context.Context, f record.BuildFilter) ([]record.Build, error) {
	var rows []record.Build
	for _, b := range r.builds {
		if b.ID > f.After && (f.Before == 0 || b.ID < f.Before) {
			rows = append(rows, b)
		}
	}
	return rows, r.err
}

func (r *recording) Requests(_ context.Context, f record.RequestFilter) ([]record.Request, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rows []record.Request
	for _, q := range slices.Backward(r.requests) {
		if f.Status != 0 && f.Status != q.Status && f.Status != q.Status/100 || f.URL != "" && !strings.Contains(q.URL, f.URL) ||
			f.Method != "" && f.Method != q.Method || f.Before != 0 && q.ID >= f.Before || q.StartedAt < f.Since || f.RunID != 0 && f.RunID != q.RunID {
			continue
		}
		rows = append(rows, q)
	}
	return rows[:min(len(rows), cmp.Or(f.Limit, 200))], r.err
}

func (r *recording) Request(_ context.Context, id int64) (record.Request, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.requests {
		if q.ID == id {
			return q, r.err
		}
	}
	return record.Request{}, cmp.Or(r.err, fmt.Errorf("request %d: %w", id, record.ErrNotFound))
}

func (r *recording) RequestSockets(_ context.Context, ids []int64, most int) ([]record.RequestSocket, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []record.RequestSocket
	for _, id := range ids {
		var rows []record.RequestSocket
		for _, e := range r.events {
			if e.RequestID != id || e.SocketID == 0 {
				continue
			}
			i := slices.IndexFunc(rows, func(s record.RequestSocket) bool { return s.ID == e.SocketID })
			if i < 0 {
				i = len(rows)
				at := slices.IndexFunc(r.sockets, func(s record.Socket) bool { return s.ID == e.SocketID })
				rows = append(rows, record.RequestSocket{Socket: r.sockets[at], UsedBy: id, UsedFrom: e.At})
			}
			rows[i].UsedUntil = e.At
		}
		all = append(all, rows[:min(len(rows), most)]...)
	}
	return all, r.err
}

func (r *recording) RequestUses(ctx context.Context, ids []int64, most int) ([]record.RequestUse, error) {
	var uses []record.RequestUse
	for _, id := range ids {
		sockets, _ := r.RequestSockets(ctx, []int64{id}, most)
		use := record.RequestUse{RequestID: id, Sockets: int64(len(sockets))}
		for _, s := range sockets {
			if s.State == "denied" {
				use.Denied++
			}
		}
		uses = append(uses, use)
	}
	return uses, r.err
}

func (r *recording) CountRequestEvents(_ context.Context, id, after int64, most int) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return min(int64(len(r.eventsLocked(record.EventFilter{RequestID: id, After: after}))), int64(most)), r.err
}

func (r *recording) Logs(_ context.Context, f record.LogFilter) ([]record.Log, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rows []record.Log
	for _, l := range r.logs {
		if f.Stream != "" && f.Stream != l.Stream || f.Text != "" && !strings.Contains(l.Text, f.Text) || f.RequestID != 0 && f.RequestID != l.RequestID ||
			f.Before != 0 && l.ID >= f.Before || f.After != 0 && l.ID <= f.After || l.At < f.Since || f.App != "" && f.App != l.App {
			continue
		}
		rows = append(rows, l)
	}
	if !f.Ascending {
		slices.Reverse(rows)
	}
	return rows[:min(len(rows), cmp.Or(f.Limit, 200))], r.err
}

// say adds a line that a request wrote, 0: none.
func (r *recording) say(at int64, stream string, request int64, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := record.Log{ID: int64(len(r.logs) + 1), RunID: 3, App: "guestbook", At: at, Stream: stream, RequestID: request, Text: text}
	for _, q := range r.requests {
		if q.ID == request {
			l.Request, l.Status = q.Method+" "+q.URL, q.Status
		}
	}
	r.logs = append(r.logs, l)
}

// serve makes the requests that opened the recording's sockets, one that failed half-way, and one that runs.
func (r *recording) serve(at func(float64) int64) {
	seen := map[int64]bool{}
	for _, s := range r.sockets {
		if s.RequestID == 0 || seen[s.RequestID] {
			continue
		}
		seen[s.RequestID] = true
		method, url, _ := strings.Cut(s.Request, " ")
		q := record.Request{ID: s.RequestID, RunID: 3, App: "guestbook", StartedAt: s.OpenedAt - 20e6, DurationNS: 4e9, Method: method, URL: url, Status: 200, BytesOut: 5120, RemoteAddr: "127.0.0.1:51344"}
		switch s.RequestID {
		case 62, 65:
			q.Status, q.BytesIn = 500, 77
		case 67:
			q.DurationNS, q.Status, q.BytesOut = 0, 0, 0
		}
		r.requests = append(r.requests, q)
	}
	r.requests = append(r.requests, record.Request{ID: 114, RunID: 3, App: "guestbook", StartedAt: at(8), DurationNS: 12e6, Method: "POST", URL: "/sign?name=" + strings.Repeat("long", 60), Error: "panic: runtime error: index out of range [3] with length 3"})
	slices.SortFunc(r.requests, func(a, b record.Request) int { return cmp.Compare(a.ID, b.ID) })
	for _, s := range r.sockets {
		if s.RequestID != 63 || s.Host != "cache.example.com" {
			continue
		}
		for i := range 3 { // a look-up without a socket, then a burst on the cache
			r.happen(record.Socket{App: "guestbook", RunID: 3, RequestID: 63, Request: s.Request}, record.Event{Kind: "resolve", At: s.OpenedAt + int64(i)*5e6, DurationNS: 12e6, Detail: "cache.example.com is 93.184.216.35"})
		}
		for i := range 40 {
			r.happen(s, record.Event{Kind: []string{"send", "receive"}[i%2], At: s.OpenedAt + 2e9 + int64(i)*4e6, DurationNS: 3e6, Bytes: 64})
		}
	}
	r.builds = []record.Build{{ID: 12, App: "guestbook", StartedAt: at(131), DurationNS: 410e6, Outcome: "ok", Files: []string{"orders.go", "pool.go"}}}
	r.say(at(57.2), "stderr", 0, "2026/03/04 11:59:02 listening")
	r.say(at(56.4), "stdout", 63, "\x1b[32mINFO\x1b[0m order 7 loaded from the database")
	r.say(at(56.1), "stdout", 63, "\tcached\rfor 5 min")
	r.say(at(33.9), "stderr", 65, "mail: dial tcp smtp.example.com:25: connect: permission denied")
	r.say(at(7.99), "stderr", 114, "http: panic serving 127.0.0.1:51344: "+strings.Repeat("frame ", 400))
}

// SearchLogs finds all at once, but for the text "slow".
func (r *recording) SearchLogs(ctx context.Context, f record.LogFilter, _ time.Duration) (record.Found[record.Log], error) {
	rows, err := r.Logs(ctx, f)
	return searchedFor(f.Text, rows, cmp.Or(f.Limit, 200), func(l record.Log) (int64, int64) { return l.ID, l.At }), err
}

// SearchRequests does the same with requests.
func (r *recording) SearchRequests(ctx context.Context, f record.RequestFilter, _ time.Duration) (record.Found[record.Request], error) {
	rows, err := r.Requests(ctx, f)
	return searchedFor(f.URL, rows, cmp.Or(f.Limit, 200), func(q record.Request) (int64, int64) { return q.ID, q.StartedAt }), err
}

// searchedFor is the answer of a search whose time is over where it is for the text "slow", else of a whole one.
func searchedFor[T any](text string, rows []T, limit int, id func(T) (int64, int64)) record.Found[T] {
	found := record.Found[T]{Rows: rows}
	if text == "slow" {
		found.Rest, found.RestAt = 9, 1_790_000_000_000_000_000
	} else if len(rows) == limit {
		found.Rest, found.RestAt = id(rows[len(rows)-1])
	}
	return found
}
