package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Options says how a recording is opened. Its zero value is what devserver uses.
type Options struct {
	BusyTimeout time.Duration // how long to wait for another process that writes; 0: five seconds
	Readers     int           // connections that read at the same time; 0: four
}

func (o Options) withDefaults() Options {
	if o.BusyTimeout <= 0 {
		o.BusyTimeout = 5 * time.Second
	}
	if o.Readers <= 0 {
		o.Readers = 4
	}
	return o
}

// A DB is an open recording. All its methods may be called by many goroutines at once: what writes takes turns,
// what reads has connections of its own and does not wait for it.
type DB struct {
	path   string
	read   *sql.DB
	closed atomic.Bool

	statements statements // of those that read
	newest     int        // the constant; a test with few rows looks at fewer

	snapshot *sql.Conn // in a transaction that reads, see Snapshot; nil: each query sees the newest rows

	mu sync.Mutex
	w  *writer // guarded by mu; nil when open for reading only
}

// Open opens the recording at path and makes it when there is none, private to the user (0600), in the newest
// schema. An older file is migrated after a backup beside it. A newer one is refused with a *VersionError, a damaged one
// with a *DamagedError, another program's database with a *ForeignError; none of these is changed.
func Open(path string, o Options) (*DB, error) {
	o = o.withDefaults()
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	db := &DB{path: path, newest: newest}
	if err := db.open(o); err != nil {
		db.Close()
		return nil, db.explain("open recording", err)
	}
	return db, nil
}

func (db *DB) open(o Options) error {
	if err := createPrivate(db.path); err != nil {
		return err
	}
	ctx := context.Background()
	if err := examine(ctx, db.path, o); err != nil {
		return err
	}
	w, err := newWriter(ctx, dsn(db.path, o, "rw"))
	if err != nil {
		return err
	}
	db.w = w
	m, err := schema()
	if err != nil {
		return err
	}
	if err := m.migrate(ctx, w.conn, db.path); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return db.openReaders(ctx, dsn(db.path, o, "ro"), o.Readers)
}

// examine looks at an existing file before a connection with WAL may change its header.
func examine(ctx context.Context, path string, o Options) error {
	m, err := schema()
	if err != nil {
		return err
	}
	pool, err := sql.Open("sqlite", dsn(path, o, "ro"))
	if err != nil {
		return err
	}
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	h, err := readHeading(ctx, conn)
	if err != nil {
		return err
	}
	return h.check(path, len(m.names))
}

// OpenReadOnly opens an existing recording without changing it, while another process may be writing to it or not.
// A file on a medium that cannot be written is fine too, as long as nothing is left in its write-ahead log.
func OpenReadOnly(path string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	o := Options{}.withDefaults()
	db := &DB{path: path, newest: newest}
	err = db.openReadOnly(o, "ro")
	if c := code(err); (c == codeCantOpen || c == codeReadOnly) && !logLeft(path) {
		err = db.openReadOnly(o, "ro&immutable=1")
	}
	if err != nil {
		return nil, db.explain("open recording", err)
	}
	return db, nil
}

func (db *DB) openReadOnly(o Options, mode string) error {
	if _, err := os.Stat(db.path); err != nil {
		return err
	}
	ctx := context.Background()
	if err := db.openReaders(ctx, dsn(db.path, o, mode), o.Readers); err != nil {
		return err
	}
	err := db.checkVersion(ctx)
	if err != nil {
		db.read.Close()
		db.read = nil
	}
	return err
}

// checkVersion refuses all but a recording in the schema that the queries are written for.
func (db *DB) checkVersion(ctx context.Context) error {
	m, err := schema()
	if err != nil {
		return err
	}
	conn, err := db.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	h, err := readHeading(ctx, conn)
	if err != nil {
		return err
	}
	if err := h.check(db.path, len(m.names)); err != nil {
		return err
	}
	if h.version < len(m.names) {
		return &VersionError{Path: db.path, Found: h.version, Known: len(m.names)}
	}
	return nil
}

func (db *DB) openReaders(ctx context.Context, name string, n int) error {
	pool, err := sql.Open("sqlite", name)
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	if err := pool.PingContext(ctx); err != nil {
		pool.Close()
		return err
	}
	db.read = pool
	return nil
}

// Path returns the absolute path of the file.
func (db *DB) Path() string { return db.path }

// Close waits for a write that is under way and for reads, writes back the write-ahead log, and closes the file. A
// second Close does nothing.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed.Swap(true) {
		return nil
	}
	var errs []error
	if db.snapshot != nil {
		return db.explain("end snapshot", db.endSnapshot())
	}
	if db.read != nil {
		errs = append(errs, db.statements.close(), db.read.Close())
	}
	if db.w != nil { // last: SQLite writes the log back when the last connection closes
		errs = append(errs, db.w.close())
	}
	return db.explain("close recording", errors.Join(errs...))
}

// dsn names the file to the driver, with the PRAGMAs that every connection of a pool must have. mode is SQLite's
// own URI parameter, perhaps with others behind it.
func dsn(path string, o Options, mode string) string {
	pragmas := []string{
		"busy_timeout(" + strconv.FormatInt(o.BusyTimeout.Milliseconds(), 10) + ")",
		"temp_store(memory)",
		"trusted_schema(0)", // a recording handed over by somebody else is data, not code
	}
	if mode == "rw" {
		pragmas = append(pragmas, writerPragmas...)
	} else {
		pragmas = append(pragmas, "query_only(1)", "cache_size(-8192)")
	}
	q := url.Values{"_pragma": pragmas}
	u := url.URL{Scheme: "file", Path: path, RawQuery: "mode=" + mode + "&" + q.Encode()}
	return u.String()
}

// createPrivate makes an empty file that only the user may read, or takes these rights from everybody else. SQLite
// gives its -wal and -shm files the rights of the file. The file is not opened when it exists: closing it would
// drop the locks that another connection of this process has on it.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return os.Chmod(path, info.Mode().Perm()&0o700)
}

// logLeft reports whether the write-ahead log of path holds anything.
func logLeft(path string) bool {
	info, err := os.Stat(path + "-wal")
	return err == nil && info.Size() > 0
}

// SetAside renames a recording that cannot be used, and its companions, so that a new one can be begun in its place. It
// returns the new name: recording.db.damaged-20260102T150405Z.
func SetAside(path string, now time.Time) (string, error) {
	to := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	for n := 2; exists(to); n++ {
		to = fmt.Sprintf("%s.damaged-%s-%d", path, now.UTC().Format("20060102T150405Z"), n)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		err := os.Rename(path+suffix, to+suffix)
		if err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			return "", fmt.Errorf("set damaged recording aside: %w", err)
		}
	}
	return to, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
