package storage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// keepsake writes runs of an app one after the other, each with all that a run can have; the last one goes on.
func keepsake(t testing.TB, db *DB, runs, batches int) (ids []int64, l load) {
	t.Helper()
	for i := range runs {
		run, err := db.StartRun(record.Run{App: "shop", StartedAt: l.at + 1, BuildID: must[int64](t)(db.AddBuild(record.Build{App: "shop", StartedAt: l.at}))})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, run)
		for range batches {
			batch := Batch{RunID: run, App: "shop", Events: l.batch(3000)}
			if i > 0 && len(batch.Events) > 0 { // a run's sockets are its own
				for k := range batch.Events {
					if s := batch.Events[k].Socket; s != 0 && s <= poolSize {
						batch.Events[k].Socket = s + uint64(run)*1_000_000
					}
				}
			}
			if err := db.Write(context.Background(), batch); err != nil {
				t.Fatal(err)
			}
			beside(t, db, run, l)
		}
		if i < runs-1 {
			if err := db.EndRun(run, l.at, "exit status 0"); err != nil {
				t.Fatal(err)
			}
		}
	}
	return ids, l
}

// beside adds a log line, a payload and a gap at the load's time, and a request that the proxy answered.
func beside(t testing.TB, db *DB, run int64, l load) {
	t.Helper()
	if _, err := db.AddLog(record.Log{RunID: run, App: "shop", At: l.at, Stream: "stdout", Text: "a line"}); err != nil {
		t.Fatal(err)
	}
	socket := count1(t, db, `SELECT max(id) FROM sockets WHERE run_id = ?`, run)
	if err := db.AddPayload(record.Payload{SocketID: socket, At: l.at, Direction: "sent", Layer: "wire", Place: l.at, Data: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if err := db.AddGap(record.Gap{RunID: run, App: "shop", At: l.at, Events: 1, Reason: "disk full"}); err != nil {
		t.Fatal(err)
	}
	err := db.Write(context.Background(), Batch{App: "shop", Events: []sandbox.Event{{Kind: sandbox.KindRequestEnd, At: l.at, Request: 1<<40 + uint64(l.at), Req: &sandbox.RequestInfo{Status: 503}}}})
	if err != nil {
		t.Fatal(err)
	}
}

// checkNothingLoose holds what stays against what it belongs to.
func checkNothingLoose(t testing.TB, db *DB) {
	t.Helper()
	for what, q := range map[string]string{
		"events of no socket":      `SELECT count(*) FROM events WHERE socket_id NOT IN (SELECT id FROM sockets)`,
		"events of no run":         `SELECT count(*) FROM events WHERE run_id > 0 AND run_id NOT IN (SELECT id FROM runs)`,
		"sockets of no run":        `SELECT count(*) FROM sockets WHERE run_id > 0 AND run_id NOT IN (SELECT id FROM runs)`,
		"requests of no run":       `SELECT count(*) FROM requests WHERE run_id > 0 AND run_id NOT IN (SELECT id FROM runs)`,
		"logs of no run":           `SELECT count(*) FROM logs WHERE run_id > 0 AND run_id NOT IN (SELECT id FROM runs)`,
		"gaps of no run":           `SELECT count(*) FROM gaps WHERE run_id > 0 AND run_id NOT IN (SELECT id FROM runs)`,
		"denials of no run":        `SELECT count(*) FROM denials WHERE run_id > 0 AND run_id NOT IN (SELECT id FROM runs)`,
		"stretches of no run":      `SELECT count(*) FROM stretches WHERE run_id > 0 AND run_id NOT IN (SELECT id FROM runs)`,
		"links of no request":      `SELECT count(*) FROM request_sockets WHERE request_id NOT IN (SELECT id FROM requests)`,
		"links of no socket":       `SELECT count(*) FROM request_sockets WHERE socket_id > 0 AND socket_id NOT IN (SELECT id FROM sockets)`,
		"payloads of no socket":    `SELECT count(*) FROM payloads WHERE socket_id NOT IN (SELECT id FROM sockets)`,
		"activity of no socket":    `SELECT count(*) FROM activity WHERE socket_id NOT IN (SELECT id FROM sockets)`,
		"events in no stretch":     `SELECT count(*) FROM events e WHERE NOT EXISTS (SELECT 1 FROM stretches s WHERE e.id BETWEEN s.first_event AND s.last_event AND s.run_id = coalesce(e.run_id, 0))`,
		"bytes that activity lost": `SELECT (SELECT sum(bytes) FROM activity) - (SELECT sum(bytes) FROM events)`,
	} {
		if n := count1(t, db, q); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	var sound string
	if err := db.read.QueryRow(`PRAGMA integrity_check`).Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("integrity_check: %s, %v", sound, err)
	}
}

func TestTrimByAge(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	runs, l := keepsake(t, db, 4, 2)
	ctx := context.Background()
	third := must[[]record.Run](t)(db.SelectRuns(ctx, record.RunFilter{}))[1]
	before := must[record.Counts](t)(db.Counts(ctx, 0))
	last := count1(t, db, `SELECT last_event FROM sequence`)
	done, err := db.Trim(ctx, Keep{Since: third.StartedAt + 1})
	if err != nil || done.Runs != 2 {
		t.Fatalf("Trim = %+v, %v, want two runs", done, err)
	}
	if left := must[[]record.Run](t)(db.Runs(ctx)); len(left) != 2 || left[1].ID != runs[2] {
		t.Errorf("left are the runs %+v, want %d and %d", left, runs[2], runs[3])
	}
	if after := must[record.Counts](t)(db.Counts(ctx, 0)); after.Events+done.Events != before.Events {
		t.Errorf("%d events left and %d removed of %d", after.Events, done.Events, before.Events)
	}
	for q, want := range map[string]int64{`SELECT count(*) FROM builds`: 2, `SELECT count(*) FROM logs`: 4, `SELECT count(*) FROM gaps`: 4, `SELECT count(*) FROM payloads`: 4,
		`SELECT count(*) FROM requests WHERE run_id IS NULL`: 4, `SELECT last_event FROM sequence`: last} {
		if n := count1(t, db, q); n != want {
			t.Errorf("%s = %d, want %d", q, n, want)
		}
	}
	checkTotals(t, db)
	checkNothingLoose(t, db)
	if done, err := db.Trim(ctx, Keep{Since: third.StartedAt + 1}); done != (Trimmed{}) || err != nil {
		t.Errorf("Trim again = %+v, %v, want nothing", done, err)
	}
	if done, err := db.Trim(ctx, Keep{}); done != (Trimmed{}) || err != nil {
		t.Errorf("Trim that keeps all = %+v, %v", done, err)
	}
	write(t, db, runs[3], sandbox.Event{Kind: sandbox.KindResolve, At: l.at})
	if id := count1(t, db, `SELECT max(id) FROM events`); id != last+1 {
		t.Errorf("the next event has id %d, want %d", id, last+1)
	}
}

// TestTrimBySize removes the older runs first, and then what the running one did first, while it goes on.
func TestTrimBySize(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	runs, l := keepsake(t, db, 3, 5)
	ctx := context.Background()
	size := must[int64](t)(db.Size(ctx))
	const pool = `SELECT count(*) FROM sockets WHERE state = 'open' AND id BETWEEN ?1 * 1000000 AND ?1 * 1000000 + 100`
	open := count1(t, db, pool, runs[2])
	wrote := make(chan error, 1)
	go func() { // the running one goes on
		var err error
		for range 100 {
			b := Batch{RunID: runs[2], App: "shop"}
			for k := range 50 {
				l.at++
				b.Events = append(b.Events, sandbox.Event{Kind: sandbox.KindSend, Socket: 1<<40 + uint64(k), At: l.at, Bytes: 1})
			}
			err = errors.Join(err, db.Write(ctx, b))
		}
		wrote <- err
	}()
	done, err := db.Trim(ctx, Keep{Bytes: size / 6})
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	if err != nil || done.Runs != 2 {
		t.Fatalf("Trim = %+v, %v, want two runs", done, err)
	}
	if left := must[[]record.Run](t)(db.Runs(ctx)); len(left) != 1 || left[0].ID != runs[2] {
		t.Errorf("left are the runs %+v, want %d", left, runs[2])
	}
	if n := count1(t, db, `SELECT min(id) FROM events`); n <= count1(t, db, `SELECT min(first_event) FROM sockets WHERE run_id = ?`, runs[2]) {
		t.Errorf("the oldest event left is %d: nothing of the running run is removed", n)
	}
	if n := count1(t, db, pool, runs[2]); n != open || n == 0 {
		t.Errorf("%d of the running run's open sockets are left, want all %d", n, open)
	}
	// The sums of denials tell of the whole run: they are the only ones that differ.
	if _, err := db.w.conn.ExecContext(ctx, `UPDATE denials SET count = 0`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.w.conn.ExecContext(ctx, `INSERT INTO denials SELECT NULL, 0, '', '', '', '', '', '', '', count(*), 0, 0, 0 FROM events WHERE kind = 'deny'`); err != nil {
		t.Fatal(err)
	}
	checkTotals(t, db)
	checkNothingLoose(t, db)
}

// TestTrimOrphans removes what belongs to no run, of two apps that take turns.
func TestTrimOrphans(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	ctx := context.Background()
	for i := range int64(40) {
		app := []string{"env", "test"}[i%2]
		b := Batch{App: app}
		for k := range int64(300) {
			b.Events = append(b.Events, sandbox.Event{Kind: sandbox.KindResolve, At: i*1000 + k},
				sandbox.Event{Kind: sandbox.KindSend, Socket: uint64(i + 1), At: i*1000 + k, Bytes: 3})
		}
		b.Events = append(b.Events, sandbox.Event{Kind: sandbox.KindClose, Socket: uint64(i + 1), At: i*1000 + 300, Reason: sandbox.ReasonApp})
		if err := db.Write(ctx, b); err != nil {
			t.Fatal(err)
		}
	}
	if done, err := db.Trim(ctx, Keep{Since: 20_000}); err != nil || done.Runs != 0 || done.Events != 20*601 {
		t.Errorf("Trim = %+v, %v, want %d events", done, err, 20*601)
	}
	for _, app := range []string{"env", "test"} {
		if c := must[record.Counts](t)(db.AppCounts(ctx, app, 0)); c.Events != 10*601 || c.Sockets != 10 || c.Closed != 10 || c.BytesSent != 10*900 {
			t.Errorf("counts of %s: %+v", app, c)
		}
	}
	checkTotals(t, db)
	checkNothingLoose(t, db)
}

func TestTrimStops(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	keepsake(t, db, 2, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if done, err := db.Trim(ctx, Keep{Bytes: 1}); err == nil || done.Runs != 0 {
		t.Errorf("Trim with a done context = %+v, %v", done, err)
	}
	checkTotals(t, db)
}

// trimEnv makes the test binary a process that trims a recording until it is killed.
const trimEnv = "STORAGE_TEST_TRIMMED"

// trimForever writes runs and trims; it prints a line when it begins to trim.
func trimForever(path string) error {
	db, err := Open(path, Options{})
	if err != nil {
		return err
	}
	for {
		run, err := db.StartRun(record.Run{App: "shop", StartedAt: 1})
		if err != nil {
			return err
		}
		socket, _, err := db.MaxIDs(context.Background())
		if err != nil {
			return err
		}
		for range 3 {
			b := Batch{RunID: run, App: "shop"}
			for k := range 6000 {
				e := sandbox.Event{Kind: sandbox.KindSend, Socket: uint64(socket) + uint64(k/100) + 1, Request: uint64(socket) + uint64(k/100) + 1, At: int64(k), Bytes: 2}
				b.Events = append(b.Events, e)
			}
			if err := db.Write(context.Background(), b); err != nil {
				return err
			}
		}
		if err := db.EndRun(run, 9000, ""); err != nil {
			return err
		}
		fmt.Println("trim")
		if _, err := db.Trim(context.Background(), Keep{Bytes: 300_000}); err != nil {
			return err
		}
	}
}

// TestTrimKilled kills a process in the middle of trimming: the file is sound, every sum is right, and the next Trim
// finishes the work.
func TestTrimKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "recording.db")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range max(4/thorough, 2) {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), trimEnv+"="+path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 1 + r.IntN(3); n > 0 && lines.Scan(); n-- {
		}
		watch := openReader(t, path)
		// It is in the middle of a run when events are gone and their run is not.
		for n, events := r.IntN(4), int64(0); n >= 0; {
			now := count1(t, watch, `SELECT sum(events) FROM totals`)
			if now < events {
				n--
			}
			events = now
			if err := cmd.Process.Signal(syscall.Signal(0)); err != nil {
				t.Fatalf("the process that trims ended: %v", err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		cmd.Wait() // its error says that it was killed
		watch.Close()
		checkTrimmed(t, path)
	}
}

func openReader(t *testing.T, path string) *DB {
	t.Helper()
	db, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func checkTrimmed(t *testing.T, path string) {
	t.Helper()
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	checkTotals(t, db)
	if _, err := db.Trim(context.Background(), Keep{Bytes: 300_000}); err != nil {
		t.Error(err)
	}
	checkTotals(t, db)
	for _, q := range []string{`SELECT count(*) FROM events WHERE run_id > 0 AND run_id NOT IN (SELECT id FROM runs)`, `SELECT count(*) FROM events WHERE socket_id NOT IN (SELECT id FROM sockets)`,
		`SELECT count(*) FROM sockets WHERE run_id > 0 AND run_id NOT IN (SELECT id FROM runs)`} {
		if n := count1(t, db, q); n != 0 {
			t.Errorf("%s = %d", q, n)
		}
	}
}
