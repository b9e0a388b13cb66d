package storage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// searched makes a recording of lines of two apps, with gaps in their ids, some of them long.
func searched(t *testing.T) *DB {
	t.Helper()
	db := openTemp(t)
	shop, quiet := startRun(t, db, "shop"), startRun(t, db, "quiet")
	rnd := rand.New(rand.NewPCG(1, 2))
	err := db.update("seed", func(w *writer) error {
		id := int64(0)
		for i := range 3000 {
			id++
			if rnd.IntN(100) == 0 {
				id += rnd.Int64N(200_000) // a run was removed
			}
			run, app, stream := shop, "shop", "stdout"
			if rnd.IntN(20) == 0 {
				run, app = quiet, "quiet"
			}
			if rnd.IntN(9) == 0 {
				stream = "stderr"
			}
			text := fmt.Sprintf("Order %d 100%% packed_%d ä", i, rnd.IntN(50))
			if _, err := w.exec(`INSERT INTO logs (id, run_id, app, at, stream, text) VALUES (?, ?, ?, ?, ?, ?)`, id, run, app, i+1, stream, text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// walkSearch searches piece by piece until nothing is left.
func walkSearch[T any](t *testing.T, search func(rest int64) (record.Found[T], error)) (all []T, calls int) {
	t.Helper()
	for rest := int64(0); ; {
		found, err := search(rest)
		if err != nil {
			t.Fatal(err)
		}
		calls++
		all = append(all, found.Rows...)
		if found.Rest == 0 {
			return all, calls
		}
		if found.RestAt == 0 || found.Rest == rest {
			t.Fatalf("the search stands at %d of %d after %d calls", found.Rest, found.RestAt, calls)
		}
		rest = found.Rest
	}
}

// TestSearchLogs: a search in pieces of the least time finds what Logs finds, in the same order, whatever the filter.
func TestSearchLogs(t *testing.T) {
	t.Parallel()
	db := searched(t)
	for _, f := range []record.LogFilter{
		{Text: "packed_7"}, {Text: "PACKED_7 "}, {Text: "%"}, {Text: "_"}, {Text: "r"}, {Text: "ä"}, {Text: "nowhere"}, {Text: "0%", App: "quiet"},
		{Text: "packed_3", Stream: "stderr"}, {Text: "order 29", RunID: 2}, {Text: "packed", Since: 2500}, {Text: "packed", Since: 5000},
		{Text: "packed", App: "none"}, {Text: "9"}, {},
	} {
		for _, ascending := range []bool{false, true} {
			for _, n := range []int{7, 200, -1} {
				f.Ascending, f.Limit = ascending, -1
				want := must[[]record.Log](t)(db.Logs(t.Context(), f))
				f.Limit = n
				got, _ := walkSearch(t, func(rest int64) (record.Found[record.Log], error) {
					piece := f
					if ascending {
						piece.After = rest
					} else {
						piece.Before = rest
					}
					return db.SearchLogs(t.Context(), piece, 1)
				})
				if !slices.Equal(got, want) {
					t.Errorf("SearchLogs(%+v) in pieces = %d lines, want the %d of Logs", f, len(got), len(want))
				}
			}
		}
	}
}

// TestSearchEnds: a search that has time enough ends at its first call, one without ends long before, and one that nobody
// waits for any more ends with its context.
func TestSearchEnds(t *testing.T) {
	t.Parallel()
	db := searched(t)
	f := record.LogFilter{Text: "nowhere"}
	for _, within := range []time.Duration{0, time.Hour} {
		if found, err := db.SearchLogs(t.Context(), f, within); err != nil || found.Rest != 0 || len(found.Rows) != 0 {
			t.Errorf("SearchLogs within %v = %+v, %v; want an end", within, found, err)
		}
	}
	_, calls := walkSearch(t, func(rest int64) (record.Found[record.Log], error) {
		piece := f
		piece.Before = rest
		return db.SearchLogs(t.Context(), piece, 1)
	})
	if calls < 3000/firstPiece {
		t.Errorf("a search of 1 ns a call ended after %d calls, want at least %d: its pieces are small", calls, 3000/firstPiece)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.SearchLogs(ctx, f, 0); err == nil {
		t.Error("a search went on although its context had ended")
	}
	if found, err := openTemp(t).SearchLogs(t.Context(), f, 1); err != nil || found.Rest != 0 {
		t.Errorf("SearchLogs of an empty recording = %+v, %v", found, err)
	}
}

// TestSearchRequests: the same for requests by a part of their URL, their method or how long they took.
func TestSearchRequests(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	run := startRun(t, db, "shop")
	var events []sandbox.Event
	for i := range 1000 {
		id := uint64(i*3 + 1)
		events = append(events,
			sandbox.Event{Kind: sandbox.KindRequestBegin, At: int64(2*i + 1), Request: id, Req: &sandbox.RequestInfo{Method: []string{"GET", "PUT"}[i%2], URL: fmt.Sprintf("/Orders/%d?x=%%20", i)}},
			sandbox.Event{Kind: sandbox.KindRequestEnd, At: int64(2*i + 1), Duration: time.Duration(i%10 + 1), Request: id, Req: &sandbox.RequestInfo{Status: []int{200, 404}[i/500]}})
	}
	write(t, db, run, events...)
	for _, f := range []record.RequestFilter{
		{URL: "orders/7"}, {URL: "nowhere"}, {URL: "%2"}, {URL: "9", Method: "PUT"}, {URL: "9", App: "shop"}, {URL: "9", App: "none"}, {URL: "1", RunID: run},
		{URL: "1", Status: 404}, {URL: "1", Status: 2}, {URL: "/", Since: 1500}, {URL: "/", Host: "db"}, {Method: "PUT"}, {Method: "DELETE"},
		{MinDuration: 10}, {MinDuration: 11}, {MinDuration: 9, Status: 404}, {MinDuration: 9, Method: "PUT", App: "shop"},
	} {
		for _, ascending := range []bool{false, true} {
			f.Ascending, f.Limit = ascending, -1
			want := must[[]record.Request](t)(db.Requests(t.Context(), f))
			f.Limit = 50
			got, _ := walkSearch(t, func(rest int64) (record.Found[record.Request], error) {
				piece := f
				if ascending {
					piece.After = rest
				} else {
					piece.Before = rest
				}
				return db.SearchRequests(t.Context(), piece, 1)
			})
			if !slices.Equal(got, want) {
				t.Errorf("SearchRequests(%+v) in pieces = %d requests, want the %d of Requests", f, len(got), len(want))
			}
			if f.MinDuration == 10 && len(got) != 100 {
				t.Errorf("%d requests took 10 ns, want 100 of 1000", len(got))
			}
		}
	}
}

// TestSearchWhileRemoved: whenever a run is removed during a search, that goes on with the lines that are left.
func TestSearchWhileRemoved(t *testing.T) {
	db := openTemp(t)
	gone, kept := startRun(t, db, "shop"), startRun(t, db, "shop")
	for moment := 1; ; moment++ {
		err := errors.Join(db.AddLines(kept, "shop", "stdout", make([]Line, 1)), db.AddLines(gone, "shop", "stdout", make([]Line, firstPiece)))
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		asked, over := 0, false
		ctx := busyContext{t.Context(), func() { // also asked by a goroutine of database/sql, perhaps late
			mu.Lock()
			defer mu.Unlock()
			if asked++; asked != moment || over {
				return
			}
			err := db.update("remove", func(w *writer) error {
				_, err := w.exec(`DELETE FROM logs WHERE run_id = ?`, gone)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}}
		if _, err := db.SearchLogs(ctx, record.LogFilter{Text: "three"}, 1); err != nil {
			t.Errorf("removed at moment %d: %v", moment, err)
		}
		mu.Lock()
		over = true
		mu.Unlock()
		if asked < moment {
			return
		}
	}
}

// TestSearchOddLines: a line is found by any part of it, upper or lower case, also behind the zero bytes of one that is no text.
func TestSearchOddLines(t *testing.T) {
	db := openTemp(t)
	run := startRun(t, db, "shop")
	lines := []Line{{At: 1, Text: "O\x00r\x00d\x00e\x00r"}, {At: 2, Text: "head\x00Order 100%_\x00tail ÄÖ"}, {At: 3, Text: "no Text\xff\xfe"}}
	if err := db.AddLines(run, "shop", "stdout", lines); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		text string
		want int
	}{{"head", 1}, {"ORDER 100", 1}, {"100%_", 1}, {"1_0", 0}, {"tail ÄÖ", 1}, {"o", 3}, {"text", 1}, {"x", 1}, {"zebra", 0}} {
		rows, err := db.Logs(t.Context(), record.LogFilter{Text: tt.text})
		if err != nil || len(rows) != tt.want {
			t.Errorf("%q is in %d lines, %v, want %d", tt.text, len(rows), err, tt.want)
		}
	}
}
