package devserver

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/storage"
)

// writeEnv makes the test binary a process that writes a journal at an even pace: a writePlan as JSON.
const writeEnv = "DEVSERVER_TEST_WRITE"

// writePlan is how much is written, and how fast: one app's sockets, each used by a request of 20 operations.
type writePlan struct {
	Dir    string
	Events int
	Rate   int // events a second
}

// write records the plan's events, in steps of a millisecond.
func (p writePlan) write() error {
	w, err := journal.Create(p.Dir, "j", journal.Options{App: "load"})
	if err != nil {
		return err
	}
	start := time.Now()
	for n := 0; n < p.Events; {
		due := min(int(time.Since(start).Seconds()*float64(p.Rate)), p.Events)
		for ; n < due; n++ {
			w.Record(plannedEvent(n))
		}
		time.Sleep(time.Millisecond) // the pace is what is made here
	}
	if n := w.Dropped(); n > 0 {
		return fmt.Errorf("%d events were dropped", n)
	}
	return w.Close()
}

const loadSockets = 100

// plannedEvent is the n-th event: sockets are opened first, then requests send and receive on them.
func plannedEvent(n int) sandbox.Event {
	now := sandbox.Now()
	if n < loadSockets {
		return sandbox.Event{Kind: sandbox.KindConnect, At: now, Socket: uint64(n + 1), Info: &sandbox.Info{
			Network: "tcp", Host: "db.example.com", Remote: "93.184.216.34:5432", CallSite: "store/db.go:42"}}
	}
	const perRequest = 22
	request, step := uint64(n/perRequest+1), n%perRequest
	switch step {
	case 0:
		return sandbox.Event{Kind: sandbox.KindRequestBegin, At: now, Request: request, Req: &sandbox.RequestInfo{Method: "GET", URL: "/orders/7"}}
	case perRequest - 1:
		return sandbox.Event{Kind: sandbox.KindRequestEnd, At: now, Request: request, Req: &sandbox.RequestInfo{Status: 200}}
	}
	e := sandbox.Event{Kind: sandbox.KindSend, At: now, Duration: 20_000, Socket: request%loadSockets + 1, Request: request, Bytes: 64}
	if step%2 == 0 {
		e.Kind, e.Bytes = sandbox.KindReceive, 900
	}
	return e
}

// BenchmarkRecording reads the journal of a process that writes 300,000 events a second into a recording, beside it on the
// same cores, and then does the same with rows of a plain table. Events per second count until the last one is
// committed: as long as they are at the writer's pace, the recording keeps up.
func BenchmarkRecording(b *testing.B) {
	const events, rate = 1_500_000, 300_000
	var ours, theirs time.Duration
	n := 0
	for b.Loop() {
		n++
		ours += timeRecording(b, writePlan{Events: events, Rate: rate})
		theirs += timePlainRows(b, writePlan{Events: events, Rate: rate})
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(n*events)/ours.Seconds(), "events/s")
	b.ReportMetric(float64(n*events)/theirs.Seconds(), "plain-rows/s")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
}

// startWriter starts the process; wait ends when it has, with its error.
func startWriter(b *testing.B, p writePlan) (wait func() error) {
	b.Helper()
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), writeEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return cmd.Wait
}

func timeRecording(b *testing.B, p writePlan) time.Duration {
	b.Helper()
	p.Dir = b.TempDir()
	db, err := storage.Open(filepath.Join(p.Dir, "recording.db"), storage.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	gone := make(chan struct{})
	g := &ingester{db: db, dir: p.Dir, name: "j", app: "load", writer: gone, written: func([]sandbox.Event) {}, warn: b.Errorf}
	start := time.Now()
	wait := startWriter(b, p)
	g.start(context.Background())
	if err := wait(); err != nil {
		b.Fatal(err)
	}
	close(gone)
	<-g.done
	took := time.Since(start)
	if g.events != int64(p.Events) {
		b.Fatalf("%d of %d events were recorded", g.events, p.Events)
	}
	return took
}

// timePlainRows reads the same journal and inserts a row for each event, one by one, into a table with one index.
func timePlainRows(b *testing.B, p writePlan) time.Duration {
	b.Helper()
	p.Dir = b.TempDir()
	pool, err := sql.Open("sqlite", "file:"+filepath.Join(p.Dir, "plain.db")+"?_pragma=journal_mode(wal)&_pragma=synchronous(normal)")
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	if _, err := pool.Exec(`CREATE TABLE plain (id INTEGER PRIMARY KEY, socket_id, request_id, at, kind, bytes, duration_ns); CREATE INDEX plain_socket ON plain (socket_id)`); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	wait := startWriter(b, p)
	rows := 0
	buf := make([]sandbox.Event, batchSize)
	var r *journal.Reader
	for rows < p.Events {
		if r == nil {
			if r, err = journal.Open(p.Dir, "j", journal.Position{}); err != nil {
				r = nil
				time.Sleep(minPause) // not begun yet
				continue
			}
			defer r.Close()
		}
		n, err := r.Next(buf)
		if err != nil && n == 0 {
			b.Fatal(err)
		}
		if n == 0 {
			time.Sleep(time.Millisecond)
			continue
		}
		insertPlain(b, pool, buf[:n])
		rows += n
		if err := r.Release(r.Position()); err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(start)
	if err := wait(); err != nil {
		b.Fatal(err)
	}
	return took
}

func insertPlain(b *testing.B, pool *sql.DB, events []sandbox.Event) {
	b.Helper()
	tx, err := pool.Begin()
	if err != nil {
		b.Fatal(err)
	}
	insert, err := tx.Prepare(`INSERT INTO plain (socket_id, request_id, at, kind, bytes, duration_ns) VALUES (?, ?, ?, ?, ?, ?)`)
	if err != nil {
		b.Fatal(err)
	}
	for i := range events {
		e := &events[i]
		if _, err := insert.Exec(int64(e.Socket), int64(e.Request), e.At, e.Kind.String(), e.Bytes, int64(e.Duration)); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}
