package devserver

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// startOver begins a recording in a folder, and brings in the journals that are there.
func startOver(t *testing.T, dir string) *storage.DB {
	t.Helper()
	db, err := storage.Open(filepath.Join(dir, "recording.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	bringIn(t, db, dir)
	return db
}

func bringIn(t *testing.T, db *storage.DB, dir string) {
	t.Helper()
	s := &supervisor{db: db, journals: dir, notices: newNotifier(nil), fleet: &fleet{}, touched: make(chan struct{}, 1), work: t.Context()}
	s.strays = &strays{sup: s, claimed: map[string]bool{}}
	s.room = newRoom(s.notices)
	if err := s.strays.recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.strays.readers.Wait()
}

// TestLostRecording: the journals of a devserver that was killed outlive its recording. The next start makes their runs
// again, and gives their numbers to no other run, although the recording is a new one.
func TestLostRecording(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, run := range []int64{1, 7} {
		w, err := journal.Create(dir, journalName(run), journal.Options{App: "shop", Run: run})
		if err != nil {
			t.Fatal(err)
		}
		w.Record(sandbox.Event{Kind: sandbox.KindCreate, At: 5, Socket: uint64(run)})
		w.Close()
	}
	newVersion(t, dir, journalName(7))
	db := startOver(t, dir)
	next, err := db.StartRun(record.Run{App: "shop", StartedAt: 9})
	if err != nil || next != 8 { // the journal of run 7 is not understood, and is where it was
		t.Errorf("the next run is %d, %v, want 8: the name of its journal must be free", next, err)
	}
	runs, err := db.Runs(t.Context())
	if err != nil || len(runs) != 2 || runs[1].ID != 1 || runs[1].App != "shop" || runs[1].StartedAt == 0 || runs[1].PID == 0 || runs[1].Exit != "devserver was killed" {
		t.Errorf("runs %+v, %v, want the new one, and run 1 of its journal, which has ended", runs, err)
	}
	rows, err := db.Sockets(t.Context(), record.SocketFilter{RunID: 1})
	if err != nil || len(rows) != 1 || rows[0].State != "closed" {
		t.Errorf("sockets of run 1: %+v, %v, want one, which ended with it", rows, err)
	}
}

// TestForgottenJournal: a devserver that is killed between deleting a journal and saying so leaves its position. The next start
// forgets it, for a run with a journal is never removed.
func TestForgottenJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := startOver(t, dir)
	for at := range int64(2) {
		run, err := db.StartRun(record.Run{App: "shop", StartedAt: at + 1})
		if err == nil {
			err = db.Write(context.Background(), storage.Batch{RunID: run, App: "shop", Journal: journalName(run), Segment: 1, Offset: 4160,
				Events: []sandbox.Event{{Kind: sandbox.KindSend, At: at + 1, Socket: uint64(run)}}})
		}
		if err == nil {
			err = db.EndRun(run, at+1, "")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	bringIn(t, db, dir)
	if done, err := db.Trim(t.Context(), storage.Keep{Since: 2}); err != nil || done.Runs != 1 {
		t.Errorf("trimmed %+v, %v, want run 1", done, err)
	}
}
