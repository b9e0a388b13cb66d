package devserver

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

func TestParseKeep(t *testing.T) {
	for _, tt := range []struct {
		texts []string
		want  keep
		says  string // in a notice
	}{
		{nil, keep{bytes: 2 << 30}, "2 GiB"},
		{[]string{"500MiB"}, keep{bytes: 500 << 20}, "500 MiB"},
		{[]string{"14d"}, keep{bytes: 2 << 30, age: 14 * 24 * time.Hour}, "2 GiB and 14d"},
		{[]string{"1GiB", "36h"}, keep{bytes: 1 << 30, age: 36 * time.Hour}, "1 GiB and 36h0m0s"},
		{[]string{"1GiB", "3GiB"}, keep{bytes: 3 << 30}, "3 GiB"},
		{[]string{"all"}, keep{}, ""},
		{[]string{"all", "7d"}, keep{age: 7 * 24 * time.Hour}, "7d"},
	} {
		if got, err := parseKeep(tt.texts); err != nil || got != tt.want || got.text() != tt.says {
			t.Errorf("parseKeep(%q) = %+v %q, %v, want %+v %q", tt.texts, got, got.text(), err, tt.want, tt.says)
		}
	}
	for _, bad := range []string{"", "2", "2G", "-1GiB", "0d", "-3d", "1.5d", "5s", "1KiB", "99999999999d", "999999999999TiB", "forever", "unlimited"} {
		var usage *UsageError
		if got, err := parseKeep([]string{bad}); !errors.As(err, &usage) {
			t.Errorf("parseKeep(%q) = %+v, %v, want a usage error", bad, got, err)
		}
	}
}

// TestKeepRecording has the supervisor's loop remove an old run and say so, and leave the newest.
func TestKeepRecording(t *testing.T) {
	db, err := storage.Open(filepath.Join(t.TempDir(), "recording.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Now().UnixNano()
	for _, at := range []int64{now - int64(72*time.Hour), now} {
		id, err := db.StartRun(record.Run{App: "shop", StartedAt: at})
		if err == nil {
			err = db.Write(t.Context(), storage.Batch{RunID: id, App: "shop", Events: []sandbox.Event{{Kind: sandbox.KindSend, Socket: uint64(id), At: at}}})
		}
		if err == nil {
			err = db.EndRun(id, at, "")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var said []Notice
	s := &supervisor{db: db, touched: make(chan struct{}, 1), notices: newNotifier(func(n Notice) {
		said = append(said, n)
		stop()
	})}
	s.keepRecording(ctx, keep{bytes: 1 << 30, age: 48 * time.Hour})
	if want := []Notice{Trimmed{Runs: 1, Events: 1, Keep: "1 GiB and 2d"}}; !slices.Equal(said, want) {
		t.Errorf("said %+v, want %+v", said, want)
	}
	if runs, err := db.Runs(t.Context()); err != nil || len(runs) != 1 || runs[0].ID != 2 {
		t.Errorf("left are %+v, %v, want run 2", runs, err)
	}
}
