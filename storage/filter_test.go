package storage

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// history writes a random recording of several runs and apps in batches of random sizes.
func history(t *testing.T, db *DB, r *rand.Rand) (now int64) {
	t.Helper()
	apps := []string{"shop", "shop", "mail", "quiet"}
	var runs []int64
	for _, app := range apps {
		runs = append(runs, startRun(t, db, app))
	}
	runs, apps = append(runs, 0), append(apps, "env") // a process that no supervisor started
	now = 1e9
	next := uint64(1)
	open := make([][]uint64, len(runs))
	for range 45 {
		i := r.IntN(len(runs))
		if apps[i] == "quiet" && r.IntN(4) > 0 {
			i = 0
		}
		b := Batch{RunID: runs[i], App: apps[i]}
		for range 1 + r.IntN(40) {
			now += r.Int64N(1e8)
			if len(open[i]) == 0 || r.IntN(12) == 0 {
				next++
				open[i] = append(open[i], next)
			}
			e := sandbox.Event{At: now, Duration: 1000, Socket: open[i][r.IntN(len(open[i]))], Bytes: r.Int64N(100)}
			e.Kind = []sandbox.Kind{sandbox.KindSend, sandbox.KindReceive, sandbox.KindSend, sandbox.KindConnect, sandbox.KindDeny, sandbox.KindResolve}[r.IntN(6)]
			switch e.Kind {
			case sandbox.KindDeny:
				e.Rule = []sandbox.Rule{sandbox.RulePort25, sandbox.RulePrivate}[r.IntN(2)]
			case sandbox.KindResolve:
				e.Socket = 0
			}
			if e.Socket != 0 {
				e.Info = &sandbox.Info{Network: "tcp", Host: fmt.Sprintf("h%d_%%.example", e.Socket%5), Remote: fmt.Sprintf("10.0.0.%d:25", e.Socket%7), CallSite: fmt.Sprintf("a.go:%d", e.Socket%3)}
			}
			if r.IntN(3) > 0 {
				e.Request = 1 + r.Uint64N(15)
			}
			b.Events = append(b.Events, e)
		}
		if err := db.Write(context.Background(), b); err != nil {
			t.Fatal(err)
		}
	}
	return now
}

// matches is what a filter means, said without SQL.
func matches(f record.EventFilter, e record.Event) bool {
	return (f.App == "" || e.App == f.App) && (len(f.Kinds) == 0 || slices.Contains(f.Kinds, e.Kind)) && (f.Rule == "" || e.Rule == f.Rule) &&
		(f.Host == "" || strings.Contains(e.Host, f.Host) || strings.Contains(e.RemoteAddr, f.Host)) &&
		(f.SocketID == 0 || e.SocketID == f.SocketID) && (f.RequestID == 0 || e.RequestID == f.RequestID) && (f.RunID == 0 || e.RunID == f.RunID) &&
		e.At >= f.Since && e.ID > f.After && (f.Before == 0 || e.ID < f.Before)
}

func randomFilter(r *rand.Rand, now int64, last int64) (f record.EventFilter) {
	maybe := func(set func()) {
		if r.IntN(4) == 0 {
			set()
		}
	}
	maybe(func() { f.App = []string{"shop", "mail", "quiet", "env", "none"}[r.IntN(5)] })
	maybe(func() {
		f.Kinds = [][]string{{"deny"}, {"deny", "connect"}, {"send"}, {"send", "deny"}, {"resolve"}, {"deny", "deny"}, {"fault"}}[r.IntN(7)]
	})
	maybe(func() { f.Rule = []string{"port25", "private", "quota"}[r.IntN(3)] })
	maybe(func() { f.Host = []string{"h1", "h3_%", "0.0.5:", "_", "%25", "nowhere"}[r.IntN(6)] })
	maybe(func() { f.SocketID = r.Int64N(40) })
	maybe(func() { f.RequestID = r.Int64N(17) })
	maybe(func() { f.RunID = r.Int64N(6) })
	maybe(func() { f.Since = r.Int64N(now + 1e9) })
	maybe(func() { f.After = r.Int64N(last + 10) })
	maybe(func() { f.Before = r.Int64N(last + 10) })
	f.Ascending = r.IntN(2) == 0
	f.Limit = []int{-1, 0, 1, 5, 50}[r.IntN(5)]
	return f
}

// TestEventFilters compares what filters select with what they mean, whichever way the events are found.
func TestEventFilters(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			db := openTemp(t)
			db.newest = 50
			now := history(t, db, r)
			ctx := context.Background()
			all := must[[]record.Event](t)(db.Events(ctx, record.EventFilter{Limit: -1, Ascending: true}))
			last := all[len(all)-1].ID
			if int64(len(all)) != count1(t, db, `SELECT count(*) FROM events`) {
				t.Fatalf("Events without a filter returned %d", len(all))
			}
			checkTotals(t, db)
			for range 400 / thorough {
				f := randomFilter(r, now, last)
				var want []int64
				for _, e := range all {
					if matches(f, e) {
						want = append(want, e.ID)
					}
				}
				if !f.Ascending {
					slices.Reverse(want)
				}
				if n := limit(f.Limit); n >= 0 && len(want) > n {
					want = want[:n]
				}
				if got := ids(must[[]record.Event](t)(db.Events(ctx, f))); !slices.Equal(got, want) {
					t.Fatalf("Events(%+v)\n got %v\nwant %v", f, got, want)
				}
			}
			checkDenials(t, db, all)
		})
	}
}

func ids(events []record.Event) (all []int64) {
	for _, e := range events {
		all = append(all, e.ID)
	}
	return all
}

// checkDenials compares the denials counted while writing with those counted from all events.
func checkDenials(t *testing.T, db *DB, all []record.Event) {
	t.Helper()
	for _, f := range []record.EventFilter{{}, {App: "shop"}, {Rule: "port25"}, {RunID: 2}, {Host: "h2"}, {RequestID: 3}, {SocketID: 4}} {
		type group struct {
			count, first int64
			newest       record.Event
		}
		want := map[string]*group{}
		for _, e := range all {
			if f := f; e.Kind != "deny" || !matches(f, e) {
				continue
			}
			key := strings.Join([]string{e.App, e.Rule, e.CallSite, destination(e.Host, e.RemoteAddr)}, " ")
			g := want[key]
			if g == nil {
				g = &group{first: e.At}
				want[key] = g
			}
			g.count, g.newest = g.count+1, e
		}
		f.Limit = -1
		got := must[[]record.Denial](t)(db.Denials(context.Background(), f))
		if len(got) != len(want) {
			t.Errorf("Denials(%+v) returned %d, want %d", f, len(got), len(want))
		}
		for _, d := range got {
			g := want[strings.Join([]string{d.App, d.Rule, d.CallSite, destination(d.Host, d.RemoteAddr)}, " ")]
			if g == nil || d.Count != g.count || d.FirstAt != g.first || d.Event != g.newest {
				t.Fatalf("Denials(%+v):\n got %+v\nwant %+v", f, d, g)
			}
		}
		if !slices.IsSortedFunc(got, func(a, b record.Denial) int { return cmp.Compare(b.ID, a.ID) }) {
			t.Errorf("Denials(%+v) are not newest first", f)
		}
	}
}

// TestSocketFilters does for sockets what TestEventFilters does for events.
func TestSocketFilters(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 1))
	db := openTemp(t)
	now := history(t, db, r)
	ctx := context.Background()
	all := must[[]record.Socket](t)(db.Sockets(ctx, record.SocketFilter{Limit: -1}))
	events := must[[]record.Event](t)(db.Events(ctx, record.EventFilter{Limit: -1}))
	served := map[[2]int64]bool{}
	ruled := map[int64][]string{}
	for _, e := range events {
		served[[2]int64{e.RequestID, e.SocketID}] = true
		ruled[e.SocketID] = append(ruled[e.SocketID], e.Rule)
	}
	for range 500 / thorough {
		var f record.SocketFilter
		f.App = []string{"", "shop", "quiet"}[r.IntN(3)]
		f.State = []string{"", "open", "denied", "idle"}[r.IntN(4)]
		f.Host = []string{"", "h1_", "0.3:"}[r.IntN(3)]
		f.Rule = []string{"", "", "port25", "quota"}[r.IntN(4)]
		f.RunID = r.Int64N(5) * r.Int64N(2)
		f.RequestID = r.Int64N(16) * r.Int64N(2)
		f.Since = r.Int64N(now) * r.Int64N(2)
		f.IdleSince = r.Int64N(now)
		f.Before = r.Int64N(60) * r.Int64N(2)
		f.After, f.Ascending = r.Int64N(60)*r.Int64N(2), r.IntN(2) == 0
		f.Limit = []int{-1, 0, 3}[r.IntN(3)]
		var want []int64
		for _, s := range all {
			idle := s.State == "open" && s.LastAt < f.IdleSince
			if (f.App == "" || s.App == f.App) && (f.State == "" || s.State == f.State || f.State == "idle" && idle) &&
				(f.Host == "" || strings.Contains(s.Host, f.Host) || strings.Contains(s.RemoteAddr, f.Host)) && (f.RunID == 0 || s.RunID == f.RunID) &&
				(f.Rule == "" || slices.Contains(ruled[s.ID], f.Rule)) && (f.RequestID == 0 || s.RequestID == f.RequestID || served[[2]int64{f.RequestID, s.ID}]) &&
				(s.LastAt >= f.Since || s.ClosedAt >= f.Since) && (f.Before == 0 || s.ID < f.Before) && s.ID > f.After {
				want = append(want, s.ID)
			}
		}
		if f.Ascending {
			slices.Reverse(want)
		}
		if n := limit(f.Limit); n >= 0 && len(want) > n {
			want = want[:n]
		}
		var got []int64
		for _, s := range must[[]record.Socket](t)(db.Sockets(ctx, f)) {
			got = append(got, s.ID)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("Sockets(%+v)\n got %v\nwant %v", f, got, want)
		}
	}
}

// TestRequestFilters does it for requests, whose answers come from the newest rows or from an index.
func TestRequestFilters(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 1))
	db := openTemp(t)
	now := history(t, db, r)
	ctx := context.Background()
	for id := range uint64(15) {
		i := r.IntN(4)
		b := Batch{RunID: int64(i), App: []string{"proxy", "shop", "shop", "mail"}[i]}
		b.Events = append(b.Events, sandbox.Event{Kind: sandbox.KindRequestBegin, Request: id + 1, At: r.Int64N(now), Req: &sandbox.RequestInfo{Method: "GET", URL: fmt.Sprintf("/a%d_", id%4)}})
		if id%5 > 0 {
			b.Events = append(b.Events, sandbox.Event{Kind: sandbox.KindRequestEnd, Request: id + 1, At: now, Req: &sandbox.RequestInfo{Status: []int{200, 302, 404, 500}[r.IntN(4)]}})
		}
		if err := db.Write(ctx, b); err != nil {
			t.Fatal(err)
		}
	}
	all := must[[]record.Request](t)(db.Requests(ctx, record.RequestFilter{Limit: -1}))
	events := must[[]record.Event](t)(db.Events(ctx, record.EventFilter{Limit: -1}))
	about := func(q record.Request, is func(record.Event) bool) bool {
		return slices.ContainsFunc(events, func(e record.Event) bool { return e.RequestID == q.ID && is(e) })
	}
	for range 1000 / thorough {
		var f record.RequestFilter
		f.App = []string{"", "shop", "proxy"}[r.IntN(3)]
		f.URL = []string{"", "a1_", "nowhere"}[r.IntN(3)]
		f.Status = []int{0, 0, 2, 4, 302}[r.IntN(5)]
		f.Host = []string{"", "h1_", "0.3:"}[r.IntN(3)]
		f.Rule = []string{"", "", "port25", "quota"}[r.IntN(4)]
		f.RunID = r.Int64N(4) * r.Int64N(2)
		f.Since = r.Int64N(now) * r.Int64N(2)
		f.After = r.Int64N(16) * r.Int64N(2)
		f.Before = r.Int64N(16) * r.Int64N(2)
		f.Limit = []int{-1, 0, 1, 3}[r.IntN(4)]
		var want []int64
		for _, q := range all {
			if (f.App == "" || q.App == f.App) && strings.Contains(q.URL, f.URL) && (f.Status == 0 || q.Status == f.Status || q.Status/100 == f.Status) &&
				(f.RunID == 0 || q.RunID == f.RunID) && q.StartedAt >= f.Since && q.ID > f.After && (f.Before == 0 || q.ID < f.Before) &&
				(f.Rule == "" || about(q, func(e record.Event) bool { return e.Rule == f.Rule })) &&
				(f.Host == "" || about(q, func(e record.Event) bool {
					return strings.Contains(e.Host, f.Host) || strings.Contains(e.RemoteAddr, f.Host)
				})) {
				want = append(want, q.ID)
			}
		}
		if n := limit(f.Limit); n >= 0 && len(want) > n {
			want = want[:n]
		}
		var got []int64
		for _, q := range must[[]record.Request](t)(db.Requests(ctx, f)) {
			got = append(got, q.ID)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("Requests(%+v)\n got %v\nwant %v", f, got, want)
		}
	}
}

// TestLogFilters asks for the lines of an app that wrote few among many of another's.
func TestLogFilters(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	busy, quiet := startRun(t, db, "shop"), startRun(t, db, "quiet")
	add := func(run int64, app string, n int) {
		err := db.update("add", func(w *writer) error {
			_, err := w.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
				INSERT INTO logs (run_id, app, at, stream, text) SELECT ?, ?, i, 'stdout', 'line ' || i FROM n`, n, number(run), app)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	add(quiet, "quiet", 7)
	add(0, "quiet", 3)
	add(busy, "shop", newest+50)
	add(quiet, "quiet", 5)
	for _, tt := range []struct {
		f    record.LogFilter
		rows int
	}{
		{record.LogFilter{App: "quiet"}, 15},
		{record.LogFilter{App: "quiet", Limit: 5}, 5},
		{record.LogFilter{App: "quiet", Limit: 6}, 6},
		{record.LogFilter{App: "quiet", Ascending: true, Limit: -1}, 15},
		{record.LogFilter{App: "quiet", Text: "line 3"}, 3},
		{record.LogFilter{App: "quiet", Before: 11}, 10},
		{record.LogFilter{App: "shop"}, 200},
		{record.LogFilter{App: "shop", Limit: -1}, newest + 50},
		{record.LogFilter{App: "none"}, 0},
		{record.LogFilter{RunID: quiet}, 12},
		{record.LogFilter{Since: newest + 1, Text: "line"}, 50},
	} {
		rows := must[[]record.Log](t)(db.Logs(context.Background(), tt.f))
		if len(rows) != tt.rows || slices.ContainsFunc(rows, func(l record.Log) bool { return tt.f.App != "" && l.App != tt.f.App }) {
			t.Errorf("Logs(%+v) returned %d lines, want %d of that app", tt.f, len(rows), tt.rows)
		}
	}
}
