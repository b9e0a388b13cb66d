package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	wants(t, exitDone, `\A.*\n.* alarm .*billing\n\z`, "logs", "--grep", "a", "--limit", "1", "--recording", file)
	wants(t, exitDone, `\A.*\n.* alarm .*shop\n\z`, "logs", "--grep", "alarm", "--before", "4", "--recording", file)
	wants(t, exitDone, `\A.*\n.* begin 100% of shop\n\z`, "logs", "--before", "2", "--recording", file)
	wants(t, exitUsage, `--before: -1 is no id of a line`, "logs", "--before", "-1", "--recording", file)
	wants(t, exitUsage, `--before shows old lines and --follow new ones`, "logs", "--before", "2", "--follow", "--recording", file)
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

// stoppingSearcher searches in steps of one line, and is interrupted after some.
type stoppingSearcher struct {
	*devserver.Recording
	steps  int
	cancel func()
}

func (s *stoppingSearcher) SearchLogs(ctx context.Context, f devserver.LogFilter, _ time.Duration) (devserver.Found[devserver.Log], error) {
	if s.steps--; s.steps < 0 {
		s.cancel()
		return devserver.Found[devserver.Log]{}, ctx.Err()
	}
	f.Limit = 1
	return s.Recording.SearchLogs(ctx, f, 0)
}

// TestGrepFeed: a search in many steps gives the newest lines in order, a followed one each new line once, and one that is
// interrupted what it has and where to go on.
func TestGrepFeed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "recording.db")
	db, err := storage.Open(path, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	add := func(n int) {
		lines := make([]storage.Line, 2*n)
		for i := range lines {
			lines[i] = storage.Line{At: 1, Text: []string{"needle", "hay"}[i%2]}
		}
		if err := db.AddLines(1, "shop", "stdout", lines); err != nil {
			t.Fatal(err)
		}
	}
	rec, err := devserver.OpenRecording(path)
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	filter := devserver.LogFilter{Text: "NEEDLE"}
	next := grepFeed(&stoppingSearcher{rec, 1e6, nil}, filter, 3, searchTeller{})
	last := int64(0)
	for _, tt := range []struct{ add, want int }{{0, 0}, {10, 3}, {0, 0}, {pageSize + 1, pageSize + 1}, {1, 1}} {
		add(tt.add)
		rows, err := next(t.Context())
		if err != nil || tt.want == 3 && len(rows) != 3 {
			t.Fatalf("after %d more lines the feed gives %d, %v; want %d", tt.add, len(rows), err, tt.want)
		}
		for _, l := range rows {
			if l.ID <= last || l.Text != "needle" {
				t.Fatalf("line %d %q comes after line %d", l.ID, l.Text, last)
			}
			last = l.ID
		}
		if len(rows) != tt.want {
			t.Errorf("after %d more lines the feed gives %d, want %d", tt.add, len(rows), tt.want)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	var said strings.Builder
	rows, err := grepFeed(&stoppingSearcher{rec, 4, cancel}, filter, 200, searchTeller{w: &said})(ctx)
	if err != nil || len(rows) != 4 || !strings.Contains(said.String(), fmt.Sprintf("--before %d goes on from there", rows[0].ID)) {
		t.Errorf("an interrupted search gives %d lines, %v, and says %q; want 4 and where to go on", len(rows), err, said.String())
	}
}
