package storage

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

var seed = flag.Int("seed", 200_000, "events in the recording that BenchmarkQueries asks")

// load makes the events of a program with a pool of open sockets: requests that write and read on one of them, and
// now and then a socket that is opened, used and closed, or denied.
type load struct {
	at      int64
	n       uint64 // events made
	request uint64
	socket  uint64
}

// poolSize sockets are open from the start on; every turn-th request opens one of its own.
const (
	poolSize = 50
	turn     = 5
)

func (l *load) add(b []sandbox.Event, e sandbox.Event) []sandbox.Event {
	l.at += 50_000
	l.n++
	e.At, e.Duration, e.Request = l.at, 20_000, l.request
	return append(b, e)
}

func (l *load) open(b []sandbox.Event, id uint64) []sandbox.Event {
	info := &sandbox.Info{Network: "tcp", Host: fmt.Sprintf("db%d.example.com", id%7), Remote: fmt.Sprintf("93.184.216.%d:5432", id%250), Local: "127.0.0.1:40000", CallSite: "store/db.go:42"}
	b = l.add(b, sandbox.Event{Kind: sandbox.KindCreate, Socket: id, Info: info})
	return l.add(b, sandbox.Event{Kind: sandbox.KindConnect, Socket: id})
}

// batch makes about n events.
func (l *load) batch(n int) []sandbox.Event {
	b := make([]sandbox.Event, 0, n+16)
	if l.at == 0 {
		l.at = 1_790_000_000_000_000_000 // a real time: smaller numbers take fewer bytes
	}
	for l.socket < poolSize {
		l.socket++
		b = l.open(b, l.socket)
	}
	for len(b) < n {
		l.request++
		b = append(b, sandbox.Event{Kind: sandbox.KindRequestBegin, At: l.at, Request: l.request, Req: &sandbox.RequestInfo{Method: "GET", URL: fmt.Sprintf("/orders/%d", l.request%5000), RemoteAddr: "127.0.0.1:9"}})
		id := l.request%poolSize + 1
		if l.request%turn == 0 {
			l.socket++
			id = l.socket
			b = l.open(b, id)
		}
		for range 10 {
			b = l.add(b, sandbox.Event{Kind: sandbox.KindSend, Socket: id, Bytes: 64})
			b = l.add(b, sandbox.Event{Kind: sandbox.KindReceive, Socket: id, Bytes: 900})
		}
		if l.request%turn == 0 {
			b = l.add(b, sandbox.Event{Kind: sandbox.KindClose, Socket: id, Reason: sandbox.ReasonApp})
		}
		if l.request%(turn*10) == 0 {
			l.socket++
			b = l.add(b, sandbox.Event{Kind: sandbox.KindDeny, Socket: l.socket, Rule: sandbox.RulePort25, Error: "connect: permission denied",
				Info: &sandbox.Info{Network: "tcp", Host: "smtp.example.com", Remote: "93.184.216.9:25", CallSite: fmt.Sprintf("mail/send.go:%d", l.request%9)}})
		}
		b = append(b, sandbox.Event{Kind: sandbox.KindRequestEnd, At: l.at, Request: l.request, Req: &sandbox.RequestInfo{Status: 200}})
	}
	return b
}

// BenchmarkIngest writes batches into a recording, and the same number of rows one by one into a plain table with
// the same index; ratio is how much faster the recording takes them.
func BenchmarkIngest(b *testing.B) {
	const size = 10_000
	db := openTemp(b)
	run := startRun(b, db, "shop")
	var l load
	var recording time.Duration
	var allocated uint64
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		batch := Batch{RunID: run, App: "shop", Journal: "j", Segment: 1, Offset: int64(i + 1), Events: l.batch(size)}
		before := allocatedBytes()
		b.StartTimer()
		start := time.Now()
		if err := db.Write(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
		recording += time.Since(start)
		b.StopTimer()
		allocated += allocatedBytes() - before
		b.StartTimer()
	}
	rate := float64(l.n) / recording.Seconds()
	b.ReportMetric(rate, "events/s")
	b.ReportMetric(float64(allocated)/float64(l.n), "alloc-B/event")
	plain := plainRate(b, int(min(l.n, 500_000)))
	b.ReportMetric(plain, "plain-rows/s")
	b.ReportMetric(rate/plain, "ratio")
	reportSize(b, db, l.n)
}

// allocatedBytes is how many bytes of the heap were allocated so far.
func allocatedBytes() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// reportSize tells how many bytes of the file an event takes, all that is kept beside it included.
func reportSize(b *testing.B, db *DB, events uint64) {
	b.Helper()
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(db.Path())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/float64(events), "B/event")
}

// plainRate inserts n rows one by one, in transactions of 10,000, into a table with an index on one column.
func plainRate(b *testing.B, n int) float64 {
	db := openTemp(b)
	w := db.w
	for _, q := range []string{`CREATE TABLE plain (id INTEGER PRIMARY KEY, run_id, socket_id, request_id, at, kind, bytes, duration_ns, rule, error, detail)`,
		`CREATE INDEX plain_socket ON plain (socket_id)`} {
		if _, err := w.exec(q); err != nil {
			b.Fatal(err)
		}
	}
	const insert = `INSERT INTO plain (run_id, socket_id, request_id, at, kind, bytes, duration_ns, rule, error, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	start := time.Now()
	for done := 0; done < n; {
		err := transact(context.Background(), w.conn, func() error {
			for range min(10_000, n-done) {
				done++
				if _, err := w.exec(insert, 1, done%poolSize, done/20, done, "send", 64, 20_000, nil, nil, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(start).Seconds()
}

// seedLines is how many lines of log the recording has, a tenth of them in requests.
func seedLines(events int) int { return events / 10 }

// seedLogs makes so many lines of two runs, up to a time.
const seedLogs = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
	INSERT INTO logs (run_id, app, at, stream, request_id, text) SELECT iif(i % 5000, ?2, ?3), iif(i % 5000, 'shop', 'quiet'), ?4 * i / ?1,
	iif(i % 1000, 'stdout', 'stderr'), iif(i % 10, NULL, i / 20), 'order ' || i || ' was packed and leaves the house tomorrow' FROM n`

// seeded makes a recording of -seed events, a line of log for each ten of them, and a few of all else.
func seeded(b *testing.B, l *load) (db *DB, run, other int64) {
	b.Helper()
	db = openTemp(b)
	run, other = startRun(b, db, "shop"), startRun(b, db, "quiet")
	for i := 0; l.n < uint64(*seed); i++ {
		batch := Batch{RunID: run, App: "shop"}
		if i%20 == 0 {
			batch.RunID, batch.App, batch.Events = other, "quiet", l.batch(10)
		} else {
			batch.Events = l.batch(10_000)
		}
		if err := db.Write(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	size, err := db.Size(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%.2f bytes an event, before log lines, payloads and builds", float64(size)/float64(l.n))
	const payloads = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
		INSERT INTO payloads (socket_id, request_id, at, direction, layer, place, size, data) SELECT i % 100, i / 10, i, 'sent', 'wire', i * 64, 64, randomblob(64) FROM n`
	const builds = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
		INSERT INTO builds (app, started_at, duration_ns, outcome) SELECT 'shop', i, 1, 'ok' FROM n`
	err = db.update("seed", func(w *writer) error {
		for _, s := range [][]any{{seedLogs, seedLines(*seed), run, other, l.at}, {payloads}, {builds}} {
			if _, err := w.exec(s[0].(string), s[1:]...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return db, run, other
}

// BenchmarkQueries asks a recording of -seed events what the console and the CLI ask.
func BenchmarkQueries(b *testing.B) {
	var l load
	db, run, other := seeded(b, &l)
	ctx := context.Background()
	last := int64(l.n)
	for name, ask := range map[string]func() (int, error){
		"counts":            func() (int, error) { c, err := db.Counts(ctx, l.at); return int(c.Open), err },
		"sockets":           count(db.Sockets, ctx, record.SocketFilter{}),
		"sockets-open":      count(db.Sockets, ctx, record.SocketFilter{State: "open"}),
		"sockets-denied":    count(db.Sockets, ctx, record.SocketFilter{State: "denied"}),
		"sockets-failed":    count(db.Sockets, ctx, record.SocketFilter{State: "failed"}),
		"sockets-host":      count(db.Sockets, ctx, record.SocketFilter{Host: "smtp"}),
		"sockets-nowhere":   count(db.Sockets, ctx, record.SocketFilter{Host: "nowhere"}),
		"sockets-since":     count(db.Sockets, ctx, record.SocketFilter{Since: l.at - 1e9}),
		"sockets-request":   count(db.Sockets, ctx, record.SocketFilter{RequestID: int64(l.request / 2)}),
		"sockets-run":       count(db.Sockets, ctx, record.SocketFilter{RunID: other}),
		"events":            count(db.Events, ctx, record.EventFilter{}),
		"events-page":       count(db.Events, ctx, record.EventFilter{Before: last / 2}),
		"events-follow":     count(db.Events, ctx, record.EventFilter{After: last - 50, Ascending: true}),
		"events-socket":     count(db.Events, ctx, record.EventFilter{SocketID: 7}),
		"events-request":    count(db.Events, ctx, record.EventFilter{RequestID: int64(l.request / 2)}),
		"events-deny":       count(db.Events, ctx, record.EventFilter{Kinds: []string{"deny"}}),
		"events-rule":       count(db.Events, ctx, record.EventFilter{Rule: "port25"}),
		"events-fault":      count(db.Events, ctx, record.EventFilter{Kinds: []string{"fault"}}),
		"events-connect":    count(db.Events, ctx, record.EventFilter{Kinds: []string{"connect", "close"}}),
		"events-nowhere":    count(db.Events, ctx, record.EventFilter{Host: "nowhere"}),
		"events-run":        count(db.Events, ctx, record.EventFilter{RunID: other, Since: l.at / 3}),
		"events-old-page":   count(db.Events, ctx, record.EventFilter{App: "quiet", Before: last / 3}),
		"events-host":       count(db.Events, ctx, record.EventFilter{Host: "smtp"}),
		"events-host-db":    count(db.Events, ctx, record.EventFilter{Host: "db3", Kinds: []string{"send"}}),
		"events-app":        count(db.Events, ctx, record.EventFilter{App: "quiet"}),
		"events-since":      count(db.Events, ctx, record.EventFilter{Since: l.at - 1e9, Ascending: true}),
		"denials":           count(db.Denials, ctx, record.EventFilter{}),
		"reclaims":          count(db.Reclaims, ctx, record.EventFilter{}),
		"requests":          count(db.Requests, ctx, record.RequestFilter{}),
		"requests-url":      count(page(db.SearchRequests), ctx, record.RequestFilter{URL: "nowhere"}),
		"requests-app":      count(db.Requests, ctx, record.RequestFilter{App: "quiet"}),
		"requests-run":      count(db.Requests, ctx, record.RequestFilter{RunID: other}),
		"requests-run-busy": count(db.Requests, ctx, record.RequestFilter{RunID: run}),
		"requests-since":    count(db.Requests, ctx, record.RequestFilter{Since: l.at - 1e8}),
		"requests-5xx":      count(db.Requests, ctx, record.RequestFilter{Status: 5}),
		"requests-2xx":      count(db.Requests, ctx, record.RequestFilter{Status: 2}),
		"requests-404":      count(db.Requests, ctx, record.RequestFilter{Status: 404}),
		"requests-method":   count(page(db.SearchRequests), ctx, record.RequestFilter{Method: "PUT"}),
		"requests-host":     count(db.Requests, ctx, record.RequestFilter{Host: "smtp"}),
		"requests-db":       count(db.Requests, ctx, record.RequestFilter{Host: "db3"}),
		"requests-nowhere":  count(db.Requests, ctx, record.RequestFilter{Host: "nowhere"}),
		"requests-rule":     count(db.Requests, ctx, record.RequestFilter{Rule: "port25"}),
		"sockets-rule":      count(db.Sockets, ctx, record.SocketFilter{Rule: "port25"}),
		"sockets-app":       count(db.Sockets, ctx, record.SocketFilter{App: "quiet"}),
		"denials-host":      count(db.Denials, ctx, record.EventFilter{Host: "smtp"}),
		"logs":              count(db.Logs, ctx, record.LogFilter{}),
		"logs-app":          count(db.Logs, ctx, record.LogFilter{App: "quiet"}),
		"logs-stderr":       count(db.Logs, ctx, record.LogFilter{Stream: "stderr"}),
		"logs-text":         count(page(db.SearchLogs), ctx, record.LogFilter{Text: "packed"}),
		"logs-nowhere":      count(page(db.SearchLogs), ctx, record.LogFilter{Text: "nowhere"}),
		"logs-run":          count(db.Logs, ctx, record.LogFilter{RunID: other}),
		"logs-run-busy":     count(db.Logs, ctx, record.LogFilter{RunID: run}),
		"logs-since":        count(db.Logs, ctx, record.LogFilter{Since: l.at - 1e8}),
		"logs-request":      count(db.Logs, ctx, record.LogFilter{RequestID: 500}),
		"builds":            count(db.Builds, ctx, record.BuildFilter{App: "shop"}),
		"runs":              count(db.SelectRuns, ctx, record.RunFilter{App: "shop"}),
		"runs-counts":       func() (int, error) { c, err := db.RunCounts(ctx); return len(c), err },
		"gaps":              func() (int, error) { g, err := db.Gaps(ctx, run); return len(g), err },
		"payloads-socket":   count(db.Payloads, ctx, record.PayloadFilter{SocketID: 7}),
		"payloads-request":  count(db.Payloads, ctx, record.PayloadFilter{RequestID: 500}),
		"activity":          count(db.Activity, ctx, record.ActivityFilter{Sockets: []int64{1, 2, 3, 4, 5, 6, 7, 8}, Since: l.at - 120e9}),
		"activity-fine":     count(db.Activity, ctx, record.ActivityFilter{Sockets: []int64{1, 2, 3}, Since: l.at - 5e9, Step: 1e8}),
		"over-time":         func() (int, error) { v, err := db.OpenOverTime(ctx, l.at-120e9, 1e9, 120); return len(v), err },
	} {
		b.Run(name, func(b *testing.B) {
			var n int
			for b.Loop() {
				var err error
				if n, err = ask(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n), "rows")
		})
	}
}

// page is a search as one page of the console does it.
func page[F, T any](search func(context.Context, F, time.Duration) (record.Found[T], error)) func(context.Context, F) ([]T, error) {
	return func(ctx context.Context, f F) ([]T, error) {
		found, err := search(ctx, f, 50*time.Millisecond)
		return found.Rows, err
	}
}

// BenchmarkSearch looks for texts in a tenth of -seed lines: as one page does, and in all of them.
func BenchmarkSearch(b *testing.B) {
	db := openTemp(b)
	run, other := startRun(b, db, "shop"), startRun(b, db, "quiet")
	err := db.update("seed", func(w *writer) error {
		_, err := w.exec(seedLogs, seedLines(*seed), run, other, int64(1_790_000_000_000_000_000))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]record.LogFilter{
		"nowhere": {Text: "nowhere"}, "short": {Text: "z"}, "oldest": {Text: "order 1 "}, "since": {Text: "nowhere", Since: 1}, "app": {Text: "nowhere", App: "quiet"},
	} {
		for when, within := range map[string]time.Duration{"page": 50 * time.Millisecond, "all": 0} {
			b.Run(name+"/"+when, func(b *testing.B) {
				for b.Loop() {
					if _, err := db.SearchLogs(b.Context(), f, within); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func count[F, T any](ask func(context.Context, F) ([]T, error), ctx context.Context, f F) func() (int, error) {
	return func() (int, error) {
		rows, err := ask(ctx, f)
		return len(rows), err
	}
}

// BenchmarkTrim removes a run of -seed events while batches of another are written: how long the slowest of them waited,
// next to how long it took alone, and how fast the events went.
func BenchmarkTrim(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		var l load
		db, run, _ := seeded(b, &l)
		if err := db.EndRun(run, l.at, ""); err != nil {
			b.Fatal(err)
		}
		next := startRun(b, db, "shop")
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan Trimmed)
		write := func() time.Duration {
			batch := Batch{RunID: next, App: "shop", Events: l.batch(1000)}
			start := time.Now()
			if err := db.Write(ctx, batch); err != nil {
				b.Error(err)
			}
			return time.Since(start)
		}
		alone := worst(20, write)
		b.StartTimer()
		start, until := time.Now(), l.at+1
		go func() {
			t, err := db.Trim(ctx, Keep{Since: until})
			if err != nil && ctx.Err() == nil {
				b.Error(err)
			}
			done <- t
		}()
		beside := worst(100, write)
		t := <-done
		b.ReportMetric(float64(t.Events)/time.Since(start).Seconds(), "trimmed/s")
		b.ReportMetric(alone[1].Seconds()*1e3, "worst-alone-ms")
		b.ReportMetric(beside[1].Seconds()*1e3, "worst-beside-ms")
		b.ReportMetric(alone[0].Seconds()*1e3, "median-alone-ms")
		b.ReportMetric(beside[0].Seconds()*1e3, "median-beside-ms")
		stop()
	}
}

// worst returns the median and the longest of n times.
func worst(n int, f func() time.Duration) [2]time.Duration {
	var all []time.Duration
	for range n {
		all = append(all, f())
	}
	slices.Sort(all)
	return [2]time.Duration{all[n/2], all[n-1]}
}
