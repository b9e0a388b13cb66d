package devserver

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// leave writes a journal as a worker that was killed leaves it: n sends on a socket.
func leave(t *testing.T, dir, name string, socket uint64, n int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w, err := journal.Create(dir, name, journal.Options{App: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	w.Record(sandbox.Event{Kind: sandbox.KindCreate, At: sandbox.Now(), Socket: socket, Info: &sandbox.Info{Network: "tcp", Host: name + ".example.com"}})
	for range n {
		w.Record(sandbox.Event{Kind: sandbox.KindSend, At: sandbox.Now(), Socket: socket, Bytes: 1})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// newVersion makes a journal one of a later version.
func newVersion(t *testing.T, dir, name string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, name+".*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("files %q, %v", files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for at := bytes.Index(b, []byte("dsjrnl")); at >= 0 && at+512 <= len(b); at += 2048 {
			h := b[at : at+512]
			if !bytes.HasPrefix(h, []byte("dsjrnl")) {
				break
			}
			binary.LittleEndian.PutUint32(h[8:], journal.Version+1)
			binary.LittleEndian.PutUint32(h[508:], crc32.Checksum(h[:508], crc32.MakeTable(crc32.Castagnoli)))
		}
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// damage flips bits in the middle of a journal's first segment.
func damage(t *testing.T, dir, name string) {
	t.Helper()
	file := filepath.Join(dir, name+".00000001.journal")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 64 {
		b[4096+20*64+i] ^= 0x55
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLeftBehind: a start brings in what it can of what is left, says what, and keeps what it does not understand. A
// recording that is damaged is kept aside, and a new one begun.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	dir := filepath.Join(s.data, "journal")
	leave(t, dir, "good", 1, 100)
	leave(t, dir, "hurt", 2, 100)
	leave(t, dir, "later", 3, 100)
	damage(t, dir, "hurt")
	newVersion(t, dir, "later")
	if err := os.WriteFile(filepath.Join(s.data, "recording.db"), bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	s.up()
	if got := s.get("/"); got != "one 0" {
		t.Errorf("/ = %q", got)
	}
	waitFor(s, func(w Warning) bool {
		return strings.Contains(w.Text, "recording.db is damaged") && strings.Contains(w.Text, "a new recording is begun")
	})
	waitFor(s, func(w Warning) bool {
		return strings.Contains(w.Text, "journal later") && strings.Contains(w.Text, "version 2") && strings.Contains(w.Text, dir)
	})
	waitFor(s, func(w Warning) bool { return strings.Contains(w.Text, "journal hurt were damaged") })
	if got, want := waitFor[Recovered](s, nil), (Recovered{Journals: 2, Events: 201, Damaged: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if aside, _ := filepath.Glob(filepath.Join(s.data, "recording.db.damaged*")); len(aside) != 1 {
		t.Errorf("kept aside: %q", aside)
	}
	r := s.recording()
	for host, sends := range map[string]int64{"good.example.com": 100, "hurt.example.com": 99} {
		if rows := sockets(t, r, record.SocketFilter{Host: host}); len(rows) != 1 || rows[0].Sends != sends {
			t.Errorf("%s: %+v, want %d sends", host, rows, sends)
		}
	}
	gaps, err := r.Gaps(t.Context(), 0)
	if err != nil || len(gaps) != 1 || gaps[0].Reason != gapDamaged || gaps[0].App != "shop" {
		t.Errorf("gaps %+v, %v", gaps, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "later.*")); len(left) != 2 {
		t.Errorf("of the journal of another version %q are left, want both files", left)
	} else {
		for _, file := range left { // the site's end looks for journals
			os.Remove(file)
		}
	}
}

// twoWriters opens a recording in dir, which gives up at once where another writes, and that other.
func twoWriters(t *testing.T, dir string) (*storage.DB, *sql.DB) {
	t.Helper()
	db, err := storage.Open(filepath.Join(dir, "recording.db"), storage.Options{BusyTimeout: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	other, err := sql.Open("sqlite", db.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	other.SetMaxOpenConns(1)
	return db, other
}

// TestLocked: while another process writes to the recording, events wait, and one message says so.
func TestLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, other := twoWriters(t, dir)
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	leave(t, dir, "j", 1, 1000)
	told := make(chan Notice, 10)
	notices := newNotifier(func(n Notice) { told <- n })
	g := &ingester{
		db: db, dir: dir, name: "j", written: func([]sandbox.Event) {}, warn: func(format string, args ...any) { t.Errorf(format, args...) },
		notices: notices, room: newRoom(notices),
	}
	g.start(context.Background())
	if n, ok := (<-told).(RecordingStopped); !ok || !strings.Contains(n.Reason, storage.ErrLocked.Error()) || !strings.Contains(n.Reason, dir) {
		t.Errorf("told %+v, want that another process writes, and where the events wait", n)
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	<-g.done
	if n := <-told; n != (RecordingResumed{}) || len(told) > 0 {
		t.Errorf("told %+v and %d more, want that it goes on", n, len(told))
	}
	if g.events != 1001 || !g.whole {
		t.Errorf("%d events, whole %v, want all 1001", g.events, g.whole)
	}
}

// TestLockedAfterDamage: what of a journal was damaged is told at its end, also when the recording took no batch for a while after that.
func TestLockedAfterDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, other := twoWriters(t, dir)
	leave(t, dir, "j", 1, 1000)
	damage(t, dir, "j")
	told := make(chan Notice, 10)
	notices := newNotifier(func(n Notice) { told <- n })
	batches := 0
	g := &ingester{db: db, dir: dir, name: "j", warn: func(string, ...any) {}, notices: notices, room: newRoom(notices)}
	g.written = func([]sandbox.Event) {
		if batches++; batches == 1 { // with what is damaged
			if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
				t.Error(err)
			}
		}
	}
	g.start(context.Background())
	<-told
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	<-g.done
	gaps, err := db.Gaps(t.Context(), 0)
	if err != nil || len(gaps) != 1 || gaps[0].Reason != gapDamaged || g.broken != 1 || g.events != 1000 {
		t.Errorf("gaps %+v, %v, %d pieces damaged, %d events; want one gap and piece, and all others", gaps, err, g.broken, g.events)
	}
}

// TestStopWhileLocked: a stop does not wait for a recording that takes nothing; the journal stays for the next start.
func TestStopWhileLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, other := twoWriters(t, dir)
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	leave(t, dir, "j", 1, 1000)
	ended := make(chan struct{})
	close(ended)
	read := func(ending chan struct{}) (warned []string, g *ingester) {
		g = &ingester{db: db, dir: dir, name: "j", writer: ended, ending: ending, written: func([]sandbox.Event) {},
			warn: func(format string, args ...any) { warned = append(warned, fmt.Sprintf(format, args...)) }}
		g.start(context.Background())
		<-g.done
		return warned, g
	}
	if warned, g := read(ended); g.whole || len(warned) != 1 || !strings.Contains(warned[0], dir) || !strings.Contains(warned[0], "next start") {
		t.Errorf("whole %v, warned %q, want where the events wait", g.whole, warned)
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if warned, g := read(nil); !g.whole || g.events != 1001 || len(warned) > 0 {
		t.Errorf("the next start has %d events, whole %v, warned %q, want all 1001", g.events, g.whole, warned)
	}
}

// TestDroppedTwice: what could not be kept is noted once, also when a devserver that was killed had noted a part of it.
func TestDroppedTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := storage.Open(filepath.Join(dir, "recording.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run, err := db.StartRun(record.Run{App: "shop", StartedAt: sandbox.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []record.Gap{{Events: 30, Reason: gapLimit}, {Events: 12, Reason: gapDisk}, {Reason: gapDamaged}} {
		g.RunID, g.App = run, "shop"
		if err := db.AddGap(g); err != nil {
			t.Fatal(err)
		}
	}
	w, err := journal.Create(dir, "j", journal.Options{App: "shop", Run: run})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	lock, err := os.OpenFile(filepath.Join(dir, "j.lock"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	for at, text := range map[int64]string{0: "dropped 00000000000000000100\n", 576: "refused 00000000000000000075\n"} {
		if _, err := lock.WriteAt([]byte(text), at); err != nil {
			t.Fatal(err)
		}
	}
	var warned []string
	g := &ingester{db: db, dir: dir, name: "j", written: func([]sandbox.Event) {}, warn: func(format string, args ...any) { warned = append(warned, format) }}
	g.start(context.Background())
	<-g.done
	gaps, err := db.Gaps(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	sum := map[string]int64{}
	for _, p := range gaps {
		sum[p.Reason] += p.Events
	}
	if sum[gapLimit] != 75 || sum[gapDisk] != 25 || g.lost != 58 || len(warned) != 1 {
		t.Errorf("gaps %v, %d lost, warnings %q; want 75 and 25, 58, and one", sum, g.lost, warned)
	}
}
