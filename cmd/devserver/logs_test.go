package main

import (
	"path/filepath"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// recordLogs makes a recording of two apps. A line that would steer the terminal is among theirs.
func recordLogs(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "recording.db")
	db, err := storage.Open(path, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i, app := range []string{"shop", "billing"} {
		run, err := db.StartRun(record.Run{App: app, StartedAt: 1})
		if err != nil {
			t.Fatal(err)
		}
		id := uint64(i + 7)
		err = db.Write(t.Context(), storage.Batch{RunID: run, App: app, Events: []sandbox.Event{
			{Kind: sandbox.KindRequestBegin, At: 2, Request: id, Req: &sandbox.RequestInfo{Method: "GET", URL: "/orders"}},
			{Kind: sandbox.KindStdout, At: 3, Request: id, Detail: "begin 100% of " + app + "\n"},
			{Kind: sandbox.KindStderr, At: 4, Detail: "alarm \x1b[31m" + app + "\n"},
			{Kind: sandbox.KindRequestEnd, At: 5, Duration: 3, Request: id, Req: &sandbox.RequestInfo{Status: 500}},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestLogsCommand(t *testing.T) {
	t.Parallel()
	file := recordLogs(t)
	wants(t, exitDone, `^TIME +APP +STREAM +REQUEST +TEXT$`, "logs", "--recording", file)
	wants(t, exitDone, `^\S+ +shop +7 GET /orders +begin 100% of shop$`, "logs", "--recording", file)
	wants(t, exitDone, `^\S+ +billing +stderr +alarm \\x1b\[31mbilling$`, "logs", "--recording", file)
	wants(t, exitDone, `\ATIME +STREAM +REQUEST +TEXT\n\S+ +7 GET /orders +begin 100% of shop\n\S+ +stderr +alarm .*shop\n\z`, "logs", "--app", "shop", "--recording", file)
	wants(t, exitDone, `\A.*\n.* 8 GET /orders +begin 100% of billing\n\z`, "logs", "--request", "8", "--recording", file)
	wants(t, exitDone, `\A.*\n.* alarm .*shop\n\z`, "logs", "--run", "1", "--stream", "stderr", "--recording", file)
	wants(t, exitDone, `\A.*\n.* begin 100% of shop\n.* begin 100% of billing\n\z`, "logs", "--grep", "BEGIN 100% o", "--recording", file)
	wants(t, exitDone, `the recording has none that match`, "logs", "--grep", "begin_100", "--recording", file)
	wants(t, exitDone, `\A.*\n.* alarm .*billing\n\z`, "logs", "--limit", "1", "--recording", file)
	wants(t, exitDone, `\A\{"id":1,"run_id":1,"app":"shop","at":3,"stream":"stdout","request_id":7,"text":"begin 100% of shop","request":"GET /orders","status":500\}\n\z`,
		"logs", "--json", "--request", "7", "--recording", file)
	wants(t, exitUsage, `--stream: "both" is none of stdout, stderr`, "logs", "--stream", "both", "--recording", file)
}

// TestLogFeed: a followed feed gives each line once, in order, more at once than a page holds.
func TestLogFeed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "recording.db")
	db, err := storage.Open(path, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	add := func(n int) {
		if err := db.AddLines(1, "shop", "stdout", make([]storage.Line, n)); err != nil {
			t.Fatal(err)
		}
	}
	rec, err := devserver.OpenRecording(path)
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	next := logFeed(rec, devserver.LogFilter{}, 3)
	last := int64(0)
	for _, tt := range []struct{ add, want int }{{10, 3}, {0, 0}, {2*pageSize + 1, 2*pageSize + 1}, {1, 1}} {
		add(tt.add)
		rows, err := next(t.Context())
		if err != nil || len(rows) != tt.want {
			t.Fatalf("after %d more lines the feed gives %d, %v; want %d", tt.add, len(rows), err, tt.want)
		}
		for _, l := range rows {
			if l.ID <= last {
				t.Fatalf("line %d comes after line %d", l.ID, last)
			}
			last = l.ID
		}
	}
}
