package storage

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

func TestOpenPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?c#d%e.db")
	db := openAt(t, path)
	startRun(t, db, "shop")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o, want 600", path+suffix, info.Mode().Perm())
		}
	}
	var mode string
	if err := db.read.QueryRow(`PRAGMA journal_mode`).Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("journal mode %q, %v, want wal", mode, err)
	}
}

// database makes a SQLite file by statements.
func database(t *testing.T, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recording.db")
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, s := range statements {
		if _, err := raw.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return path
}

// TestRefused opens files that are no recordings of this version: each is refused with its word and left as it is.
func TestRefused(t *testing.T) {
	t.Parallel()
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "recording.db")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	newer := database(t, `CREATE TABLE runs (id)`, `PRAGMA application_id = 0x64657673`, `PRAGMA user_version = 99`)
	real := openTemp(t)
	if err := real.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(real.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path string
		kind       any // pointer to the error type that is wanted
		words      string
	}{
		{"newer", newer, new(*VersionError), "newer devserver (schema 99"},
		{"foreign", database(t, `CREATE TABLE customers (name)`), new(*ForeignError), "another program"},
		{"no database", file(strings.Repeat("not a database ", 100)), new(*DamagedError), "is damaged"},
		{"cut off", file(string(whole[:5000])), new(*DamagedError), "is damaged"},
		{"schema overwritten", file(string(whole[:100]) + strings.Repeat("\xff", 1000) + string(whole[1100:])), new(*DamagedError), "is damaged"},
	} {
		for name, open := range map[string]func(string) (*DB, error){
			"Open": func(p string) (*DB, error) { return Open(p, Options{}) }, "OpenReadOnly": OpenReadOnly,
		} {
			before, _ := os.ReadFile(tt.path)
			db, err := open(tt.path)
			if err == nil {
				db.Close()
				t.Errorf("%s of a file that is %s succeeded", name, tt.name)
				continue
			}
			if !errors.As(err, tt.kind) || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("%s of a file that is %s = %v (%T), want %T with %q", name, tt.name, err, err, tt.kind, tt.words)
			}
			if after, _ := os.ReadFile(tt.path); string(after) != string(before) {
				t.Errorf("%s changed a file that is %s", name, tt.name)
			}
		}
	}
}

func TestOpenNowhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := OpenReadOnly(filepath.Join(dir, "none.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenReadOnly of no file = %v, want fs.ErrNotExist", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "none.db")); err == nil {
		t.Error("OpenReadOnly made a file")
	}
	if _, err := Open(filepath.Join(dir, "no", "such", "dir.db"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open in no directory = %v, want fs.ErrNotExist", err)
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("Open of a directory = %v", err)
	}
	if _, err := OpenReadOnly(database(t)); err == nil {
		t.Error("OpenReadOnly of an empty file succeeded")
	}
}

// TestDamagedLater damages pages of a recording behind SQLite's back: queries say so.
func TestDamagedLater(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "recording.db")
	db := openAt(t, path)
	var l load
	write(t, db, startRun(t, db, "shop"), l.batch(20_000)...)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 40 * 4096; at < len(content); at += 4096 {
		copy(content[at:], strings.Repeat("\xa5", 100))
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	broken, err := Open(path, Options{})
	if err == nil {
		defer broken.Close()
		_, err = broken.Events(context.Background(), record.EventFilter{Limit: -1})
	}
	var damaged *DamagedError
	if !errors.As(err, &damaged) || damaged.Path != path {
		t.Fatalf("Events of a damaged file = %v, want a *DamagedError", err)
	}
	broken.Close()
	aside, err := SetAside(path, time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC))
	if err != nil || aside != path+".damaged-20260102T150405Z" {
		t.Fatalf("SetAside = %q, %v", aside, err)
	}
	startRun(t, openAt(t, path), "shop") // a new one begins in its place
}

// TestMigrate brings a file through two versions and keeps a copy of the older one.
func TestMigrate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "recording.db")
	ctx := context.Background()
	migrate := func(names ...string) error {
		if err := createPrivate(path); err != nil {
			t.Fatal(err)
		}
		w, err := newWriter(ctx, dsn(path, Options{}.withDefaults(), "rw"))
		if err != nil {
			t.Fatal(err)
		}
		defer w.close()
		return migrations{fstest.MapFS{
			"1.sql": {Data: []byte(`CREATE TABLE a (x); INSERT INTO a VALUES (1)`)},
			"2.sql": {Data: []byte(`ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1`)},
			"3.sql": {Data: []byte(`CREATE TABLE b (z); SELECT nonsense`)},
		}, names}.migrate(ctx, w.conn, path)
	}
	answer := func(file, q string) (n int) {
		raw, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		if err := raw.QueryRow(q).Scan(&n); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		return n
	}
	if err := migrate("1.sql"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".schema-0"); err == nil {
		t.Error("a new file was backed up")
	}
	if err := migrate("1.sql", "2.sql"); err != nil {
		t.Fatal(err)
	}
	if y := answer(path, `SELECT y FROM a`); y != 2 {
		t.Errorf("y = %d after the second migration, want 2", y)
	}
	if n := answer(path+".schema-1", `SELECT count(*) FROM pragma_table_info('a')`); n != 1 {
		t.Errorf("the copy from before has %d columns, want 1", n)
	}
	err := migrate("1.sql", "2.sql", "3.sql")
	if err == nil || !strings.Contains(err.Error(), "3.sql: ") {
		t.Errorf("a wrong migration = %v, want its name", err)
	}
	if v := answer(path, `PRAGMA user_version`); v != 2 {
		t.Errorf("version after a wrong migration = %d, want 2", v)
	}
	if n := answer(path, `SELECT count(*) FROM sqlite_schema WHERE name = 'b'`); n != 0 {
		t.Error("a wrong migration left a table behind")
	}
}

// TestTwoOpen opens one new file many times at once; all of them write, and nothing gets lost.
func TestTwoOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "recording.db")
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			db, err := Open(path, Options{BusyTimeout: time.Minute})
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			for i := range 20 {
				id := uint64(n*20 + i + 1)
				err := db.Write(context.Background(), Batch{App: "shop", Events: []sandbox.Event{
					{Kind: sandbox.KindCreate, Socket: id, At: 5}, {Kind: sandbox.KindSend, Socket: id, At: 6, Bytes: 1}}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	db := openAt(t, path)
	if n := count1(t, db, `SELECT count(*) FROM events`); n != 160 {
		t.Errorf("%d events, want 160", n)
	}
	checkTotals(t, db)
}

// TestLocked writes while another process holds the file.
func TestLocked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "recording.db")
	db, err := Open(path, Options{BusyTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	other := openAt(t, path)
	ctx := context.Background()
	if _, err := other.w.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(ctx, everything(1)); !errors.Is(err, ErrLocked) {
		t.Errorf("Write into a locked file = %v, want ErrLocked", err)
	}
	if _, err := db.Events(ctx, record.EventFilter{}); err != nil {
		t.Errorf("Events of a file that is being written = %v, want nil", err)
	}
	if _, err := other.w.conn.ExecContext(ctx, "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(ctx, everything(1)); err != nil {
		t.Errorf("Write afterwards = %v, want nil", err)
	}
}

// TestReadOnly reads from a recording that is being written: each answer is one whole state.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	ro, err := OpenReadOnly(db.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	if err := ro.Write(context.Background(), everything(1)); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Write = %v, want ErrReadOnly", err)
	}
	const batches = 100
	written := make(chan error, 1)
	go func() {
		var err error
		for n := uint64(1); n <= batches && err == nil; n++ {
			err = db.Write(context.Background(), everything(n))
		}
		written <- err
	}()
	for n := int64(0); n < 4*batches; {
		next := count1(t, ro, `SELECT count(*) FROM events`)
		if next < n || next%4 != 0 {
			t.Fatalf("%d events after %d: not whole batches", next, n)
		}
		n = next
		if total := count1(t, ro, `SELECT (SELECT count(*) FROM events) - (SELECT coalesce(sum(events), 0) FROM totals)`); total != 0 {
			t.Fatalf("totals and events differ by %d", total)
		}
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
			written <- nil
		default:
		}
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
}

// TestImmutable reads a file whose companions cannot be made, as on a medium that cannot be written.
func TestImmutable(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	startRun(t, db, "shop")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(db.Path()+"-shm", 0o700); err != nil { // where SQLite wants to make a file
		t.Fatal(err)
	}
	ro, err := OpenReadOnly(db.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	if runs := must[[]record.Run](t)(ro.Runs(context.Background())); len(runs) != 1 {
		t.Errorf("runs = %v, want one", runs)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	for range 2 {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Write(context.Background(), everything(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("Write = %v, want ErrClosed", err)
	}
	if _, err := db.Runs(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("Runs = %v, want ErrClosed", err)
	}
	if _, err := os.Stat(db.Path() + "-wal"); err == nil {
		t.Error("Close left the write-ahead log behind")
	}
}
