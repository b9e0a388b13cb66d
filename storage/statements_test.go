package storage

import (
	"fmt"
	"sync"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// TestStatementsKept: a question is prepared once however often and by however many it is asked, answers stay right after
// the schema has changed below it, and what is kept has a bound.
func TestStatementsKept(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	startRun(t, db, "shop")
	runs := func(db *DB, want int) {
		t.Helper()
		got, err := db.SelectRuns(t.Context(), record.RunFilter{App: "shop"})
		if err != nil || len(got) != want {
			t.Errorf("SelectRuns = %d runs, %v; want %d", len(got), err, want)
		}
	}
	var asking sync.WaitGroup
	for range 16 {
		asking.Go(func() { runs(db, 1) })
	}
	asking.Wait()
	if n := len(db.statements.all); n != 1 {
		t.Errorf("%d statements are kept of one question, want 1", n)
	}
	startRun(t, db, "shop")
	runs(db, 2)
	err := db.update("change", func(w *writer) error {
		_, err := w.exec(`ALTER TABLE runs ADD COLUMN later INTEGER`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	runs(db, 2)
	for i := range 2 * maxStatements {
		n, err := one(query(t.Context(), db, "count", fmt.Sprintf("SELECT %d", i), nil, scanID))
		if err != nil || n != int64(i) {
			t.Fatalf("SELECT %d = %d, %v", i, n, err)
		}
	}
	if n := len(db.statements.all); n != maxStatements {
		t.Errorf("%d statements are kept, want %d", n, maxStatements)
	}
	runs(db, 2)
}

// TestStatementsOfSnapshot: those of a snapshot end with it, and its connection serves others after that.
func TestStatementsOfSnapshot(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	startRun(t, db, "shop")
	for range 10 { // more than there are connections
		snap, err := db.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		startRun(t, db, "shop")
		first, err := snap.Runs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		startRun(t, db, "shop")
		if again, err := snap.Runs(t.Context()); err != nil || len(again) != len(first) {
			t.Errorf("a snapshot has %d runs, then %d, %v", len(first), len(again), err)
		}
		if err := snap.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if runs := must[[]record.Run](t)(db.Runs(t.Context())); len(runs) != 21 {
		t.Errorf("%d runs are recorded, want 21", len(runs))
	}
}
