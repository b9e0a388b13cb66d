package storage

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// TestKinds holds the words for the kinds in the schema against the sandbox's: each number must keep its word.
func TestKinds(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	var batch []sandbox.Event
	for k := sandbox.KindResolve; k < sandbox.KindRequestBegin; k++ {
		batch = append(batch, sandbox.Event{Kind: k, At: int64(k), Socket: 1})
	}
	if err := db.Write(t.Context(), Batch{App: "shop", Events: batch}); err != nil {
		t.Fatal(err)
	}
	events, err := db.Events(t.Context(), record.EventFilter{Ascending: true, Limit: -1})
	if err != nil || len(events) != len(batch) {
		t.Fatalf("%d events, %v, want %d", len(events), err, len(batch))
	}
	for i, e := range events {
		if want := batch[i].Kind.String(); e.Kind != want {
			t.Errorf("kind %d is read as %q, want %q", batch[i].Kind, e.Kind, want)
		}
		found, err := db.Events(t.Context(), record.EventFilter{Kinds: []string{e.Kind}})
		if err != nil || len(found) != 1 || found[0].ID != e.ID {
			t.Errorf("events of kind %s: %v, %v, want event %d", e.Kind, found, err, e.ID)
		}
	}
}

// TestFromSchemaOne opens a recording of the first schema: every event is there as it was, under its old word.
func TestFromSchemaOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "recording.db")
	if err := createPrivate(path); err != nil {
		t.Fatal(err)
	}
	all, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	w, err := newWriter(ctx, dsn(path, Options{}.withDefaults(), "rw"))
	if err != nil {
		t.Fatal(err)
	}
	if err := (migrations{all.files, all.names[:1]}).migrate(ctx, w.conn, path); err != nil {
		t.Fatal(err)
	}
	for k := sandbox.KindResolve; k < sandbox.KindRequestBegin; k++ {
		if _, err := w.exec(`INSERT INTO events (id, run_id, socket_id, request_id, at, kind, bytes, duration_ns, rule, error, detail)
			VALUES (?1, 1, 2, 3, 4, ?2, 5, 6, 'private', 'refused', 'why')`, 100+int64(k), k.String()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	events, err := db.Events(ctx, record.EventFilter{Ascending: true, Limit: -1})
	if err != nil || len(events) != int(sandbox.KindFault) {
		t.Fatalf("%d events, %v, want %d", len(events), err, sandbox.KindFault)
	}
	for i, e := range events {
		k := sandbox.KindResolve + sandbox.Kind(i)
		want := record.Event{ID: 100 + int64(k), RunID: 1, SocketID: 2, RequestID: 3, At: 4, Kind: k.String(), Bytes: 5, DurationNS: 6,
			Rule: "private", Error: "refused", Detail: "why"}
		if e != want {
			t.Errorf("event %+v, want %+v", e, want)
		}
	}
	if !exists(path + ".schema-1") {
		t.Error("there is no copy from before")
	}
}
