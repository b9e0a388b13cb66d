package storage

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// openTemp opens a new recording and closes it with the test.
func openTemp(t testing.TB) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "recording.db"))
}

func openAt(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// startRun starts a run of an app.
func startRun(t testing.TB, db *DB, app string) int64 {
	t.Helper()
	id, err := db.StartRun(record.Run{App: app, StartedAt: 1, Profile: "appengine"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// write writes events of a run of the app "shop" as one batch of no journal.
func write(t testing.TB, db *DB, run int64, events ...sandbox.Event) {
	t.Helper()
	if err := db.Write(context.Background(), Batch{RunID: run, App: "shop", Events: events}); err != nil {
		t.Fatal(err)
	}
}

// must returns a query's answer, or ends the test.
func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
