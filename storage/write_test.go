package storage

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// count1 returns the number that a query yields.
func count1(t testing.TB, db *DB, q string, args ...any) (n int64) {
	t.Helper()
	if err := db.read.QueryRow(q, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return n
}

// TestPosition says when a batch is written, skipped and refused.
func TestPosition(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	run := startRun(t, db, "shop")
	ctx := context.Background()
	if _, _, ok, err := db.JournalPosition("j"); ok || err != nil {
		t.Fatalf("JournalPosition before any batch = %v, %v, want false, nil", ok, err)
	}
	for _, tt := range []struct {
		what            string
		segment, offset int64
		events          int64 // in the recording afterwards
		err             error
	}{
		{"the first batch", 1, 100, 2, nil},
		{"the same again", 1, 100, 2, nil},
		{"the next", 1, 200, 4, nil},
		{"an older one", 1, 150, 4, ErrPosition},
		{"the next segment", 2, 50, 6, nil},
		{"an older segment", 1, 900, 6, ErrPosition},
	} {
		err := db.Write(ctx, Batch{RunID: run, App: "shop", Journal: "j", Segment: tt.segment, Offset: tt.offset,
			Events: []sandbox.Event{{Kind: sandbox.KindResolve, At: 1}, {Kind: sandbox.KindResolve, At: 2}}})
		if !errors.Is(err, tt.err) {
			t.Errorf("Write of %s = %v, want %v", tt.what, err, tt.err)
		}
		if n := count1(t, db, `SELECT count(*) FROM events`); n != tt.events {
			t.Errorf("after %s: %d events, want %d", tt.what, n, tt.events)
		}
	}
	if s, o, ok, err := db.JournalPosition("j"); s != 2 || o != 50 || !ok || err != nil {
		t.Errorf("JournalPosition = %d, %d, %v, %v, want 2, 50, true, nil", s, o, ok, err)
	}
	for range 2 {
		if err := db.ForgetJournal("j"); err != nil {
			t.Error(err)
		}
	}
	if _, _, ok, err := db.JournalPosition("j"); ok || err != nil {
		t.Errorf("JournalPosition of a forgotten journal = %v, %v, want false, nil", ok, err)
	}
}

// everything is a batch that touches every table.
func everything(n uint64) Batch {
	return Batch{App: "shop", Journal: "j", Segment: 1, Offset: int64(n), Events: []sandbox.Event{
		{Kind: sandbox.KindRequestBegin, At: 1, Request: n, Req: &sandbox.RequestInfo{Method: "GET", URL: "/"}},
		{Kind: sandbox.KindResolve, At: 2, Request: n},
		{Kind: sandbox.KindCreate, At: 3, Request: n, Socket: n, Info: info},
		{Kind: sandbox.KindSend, At: 4, Request: n, Socket: n, Bytes: 10},
		{Kind: sandbox.KindDeny, At: 5, Request: n, Socket: n, Rule: sandbox.RuleQuota, Error: "quota"},
		{Kind: sandbox.KindRequestEnd, At: 1, Duration: 9, Request: n, Req: &sandbox.RequestInfo{Status: 200}},
	}}
}

var tables = []string{"requests", "sockets", "events", "request_sockets", "denials", "activity", "stretches", "totals", "journals"}

func rowCounts(t testing.TB, db *DB) map[string]int64 {
	t.Helper()
	all := map[string]int64{"last event": count1(t, db, `SELECT last_event FROM sequence`)}
	for _, table := range tables {
		all[table] = count1(t, db, `SELECT count(*) FROM `+table)
	}
	return all
}

// TestNothingHalf has batches fail at every statement that writes, and the same batch succeed afterwards.
func TestNothingHalf(t *testing.T) {
	t.Parallel()
	for _, table := range tables {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			db := openTemp(t)
			batch := everything(7)
			batch.RunID = startRun(t, db, "shop")
			before := rowCounts(t, db)
			fail := `CREATE TRIGGER no BEFORE INSERT ON ` + table + ` BEGIN SELECT raise(ABORT, 'no room in ` + table + `'); END`
			if _, err := db.w.conn.ExecContext(context.Background(), fail); err != nil {
				t.Fatal(err)
			}
			if err := db.Write(context.Background(), batch); err == nil {
				t.Fatal("Write succeeded, want an error")
			}
			for name, n := range rowCounts(t, db) {
				if n != before[name] {
					t.Errorf("after a failed batch %s has %d, want %d", name, n, before[name])
				}
			}
			if _, err := db.w.conn.ExecContext(context.Background(), `DROP TRIGGER no`); err != nil {
				t.Fatal(err)
			}
			if err := db.Write(context.Background(), batch); err != nil {
				t.Errorf("Write of the same batch = %v, want nil", err)
			}
			checkTotals(t, db)
		})
	}
}

func TestWriteCancelled(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := db.Write(ctx, everything(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Write with a done context = %v, want context.Canceled", err)
	}
	if n := count1(t, db, `SELECT count(*) FROM events`); n != 0 {
		t.Errorf("%d events, want none", n)
	}
}

// TestFull fills a file that may not grow, then gives it room.
func TestFull(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	run := startRun(t, db, "shop")
	pages := count1(t, db, `SELECT page_count FROM pragma_page_count`)
	grow := func(n int64) {
		t.Helper()
		if _, err := db.w.conn.ExecContext(context.Background(), fmt.Sprintf(`PRAGMA max_page_count = %d`, n)); err != nil {
			t.Fatal(err)
		}
	}
	grow(pages + 2)
	var l load
	batch := Batch{RunID: run, App: "shop", Journal: "j", Segment: 1, Offset: 1, Events: l.batch(5000)}
	err := db.Write(context.Background(), batch)
	if !errors.Is(err, ErrFull) {
		t.Fatalf("Write into a full file = %v, want ErrFull", err)
	}
	if got := rowCounts(t, db); got["events"] != 0 || got["sockets"] != 0 || got["journals"] != 0 {
		t.Errorf("after a failed batch: %v, want nothing", got)
	}
	grow(1 << 30)
	if err := db.Write(context.Background(), batch); err != nil {
		t.Fatalf("Write with room again = %v", err)
	}
	checkTotals(t, db)
}

// TestRun follows a run from its start to its end, with events that are read after the end was noted.
func TestRun(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	ctx := context.Background()
	other := startRun(t, db, "shop")
	write(t, db, other, sandbox.Event{Kind: sandbox.KindCreate, Socket: 1, At: 5})
	id := must[int64](t)(db.StartRun(record.Run{App: "shop", StartedAt: 10, Profile: "appengine", Revision: "abc"}))
	if err := db.FinishRun(record.Run{ID: id, PID: 42, BuildMS: 900, GoVersion: "go1.26.8"}); err != nil {
		t.Fatal(err)
	}
	begin := sandbox.Event{Kind: sandbox.KindRequestBegin, Request: 8, At: 20, Req: &sandbox.RequestInfo{Method: "GET", URL: "/slow"}}
	write(t, db, id, sandbox.Event{Kind: sandbox.KindCreate, Socket: 2, At: 20}, begin)
	if got := must[[]record.Run](t)(db.SelectRuns(ctx, record.RunFilter{Unfinished: true})); len(got) != 2 {
		t.Errorf("unfinished runs: %+v, want two", got)
	}
	if err := db.EndRun(id, 100, "signal: killed"); err != nil {
		t.Fatal(err)
	}
	want := record.Run{ID: id, App: "shop", StartedAt: 10, EndedAt: 100, PID: 42, GoVersion: "go1.26.8", Revision: "abc", BuildMS: 900, Profile: "appengine", Exit: "signal: killed"}
	if got := must[[]record.Run](t)(db.Runs(ctx)); len(got) != 2 || got[0] != want {
		t.Errorf("Runs = %+v, want %+v first", got, want)
	}
	checkSockets(t, db, map[int64]string{1: "open  0", 2: "closed worker-exit 100"})
	if r := must[record.Request](t)(db.Request(ctx, 8)); r.DurationNS != 80 || r.Error == "" {
		t.Errorf("request of an ended worker: %+v, want 80 ns and an error", r)
	}
	write(t, db, id, // read late
		sandbox.Event{Kind: sandbox.KindClose, Socket: 2, At: 60, Reason: sandbox.ReasonPeer},
		sandbox.Event{Kind: sandbox.KindCreate, Socket: 3, At: 61},
		sandbox.Event{Kind: sandbox.KindRequestEnd, Request: 8, At: 20, Duration: 45, Req: &sandbox.RequestInfo{Status: 200, BytesOut: 3}})
	checkSockets(t, db, map[int64]string{1: "open  0", 2: "closed peer 60", 3: "closed worker-exit 100"})
	if r := must[record.Request](t)(db.Request(ctx, 8)); r.DurationNS != 45 || r.Error != "" || r.Status != 200 || r.BytesOut != 3 || r.URL != "/slow" {
		t.Errorf("request whose end was read late: %+v", r)
	}
	checkTotals(t, db)
	for what, err := range map[string]error{"EndRun": db.EndRun(99, 1, ""), "FinishRun": db.FinishRun(record.Run{ID: 99, PID: 1})} {
		if !errors.Is(err, record.ErrNotFound) {
			t.Errorf("%s of no run = %v, want record.ErrNotFound", what, err)
		}
	}
}

// checkSockets compares state, reason and end of sockets.
func checkSockets(t testing.TB, db *DB, want map[int64]string) {
	t.Helper()
	for id, w := range want {
		var got string
		err := db.read.QueryRow(`SELECT state || ' ' || coalesce(close_reason, '') || ' ' || coalesce(closed_at, 0) FROM sockets WHERE id = ?`, id).Scan(&got)
		if err != nil || got != w {
			t.Errorf("socket %d is %q, %v, want %q", id, got, err, w)
		}
	}
}
