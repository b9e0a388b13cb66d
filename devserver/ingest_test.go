package devserver

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/storage"
)

// busyApp returns the ingester of an app that does more whenever what it did is recorded, until ctx ends. end ends the app, and waits
// for the ingester.
func busyApp(t *testing.T, ctx context.Context) (g *ingester, end func()) {
	t.Helper()
	dir := t.TempDir()
	db, err := storage.Open(filepath.Join(dir, "recording.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w, err := journal.Create(dir, "j", journal.Options{App: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	send := func() { w.Record(sandbox.Event{Kind: sandbox.KindSend, At: sandbox.Now(), Socket: 1, Bytes: 1}) }
	send()
	g = &ingester{db: db, dir: dir, name: "j", warn: func(string, ...any) {}, written: func([]sandbox.Event) {
		if ctx.Err() == nil {
			send() // so that there always is more
		}
	}}
	return g, func() {
		w.Close()
		<-g.done
	}
}

// TestCaughtUpWithBusyApp: who waits until what an app did is recorded does not wait until it does nothing.
func TestCaughtUpWithBusyApp(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	g, end := busyApp(t, ctx)
	g.start(context.Background())
	if err := g.caughtUp(ctx); err != nil {
		t.Errorf("it waits for %v: %v", patience, err)
	}
	stop()
	end()
}

// TestQuietWithBusyApp: what waits until all of the journal is in the recording, such as the lines that an app prints, is told so although
// the app always does more.
func TestQuietWithBusyApp(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	g, end := busyApp(t, ctx)
	told := 0 // by the ingester's goroutine
	g.quiet = func() {
		if told++; told == 3 {
			stop()
		}
	}
	g.start(context.Background())
	<-ctx.Done()
	if ctx.Err() != context.Canceled {
		t.Errorf("in %v it is not told three times", patience)
	}
	end()
}
