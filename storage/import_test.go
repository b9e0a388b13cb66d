package storage

import (
	"path/filepath"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// TestImportedSocket: a socket whose first and last event an import does not name is found by its host, and removed with its run.
func TestImportedSocket(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "recording.db")
	in := must[*Import](t)(NewImport(path))
	for _, row := range []any{
		record.Run{ID: 1, App: "shop", StartedAt: 1, EndedAt: 2}, record.Run{ID: 2, App: "shop", StartedAt: 3},
		record.Socket{ID: 1, RunID: 1, App: "shop", Host: "db.example.com", State: "closed"},
		record.Event{ID: 1, RunID: 1, SocketID: 1, At: 1, Kind: "create"}, record.Event{ID: 2, RunID: 1, SocketID: 1, At: 2, Kind: "send"},
	} {
		if err := in.Add(ctx, row); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	db := openAt(t, path)
	for _, tt := range []struct {
		f    record.EventFilter
		want int
	}{
		{record.EventFilter{}, 2},
		{record.EventFilter{Ascending: true}, 2},
		{record.EventFilter{After: 1}, 1},
		{record.EventFilter{Before: 2, Ascending: true}, 1},
	} {
		tt.f.Host = "db.example"
		if rows, err := db.Events(ctx, tt.f); err != nil || len(rows) != tt.want {
			t.Errorf("Events(%+v) = %d rows, %v, want %d", tt.f, len(rows), err, tt.want)
		}
	}
	if done, err := db.Trim(ctx, Keep{Since: 3}); err != nil || done.Runs != 1 {
		t.Errorf("trimmed %+v, %v, want run 1", done, err)
	}
	if rows, err := db.Sockets(ctx, record.SocketFilter{}); err != nil || len(rows) != 0 {
		t.Errorf("sockets left: %+v, %v", rows, err)
	}
}
