package storage

import (
	"context"
	"database/sql"
	"errors"
)

// writerPragmas are for the one connection that writes. With a write-ahead log readers never wait; NORMAL keeps all
// committed batches when a process is killed, and a sound file when the machine is.
var writerPragmas = []string{
	"journal_mode(wal)",
	"synchronous(normal)",
	"cache_size(-32768)",           // KiB
	"wal_autocheckpoint(4096)",     // pages: fewer, larger copies into the file
	"journal_size_limit(67108864)", // bytes that the log keeps after a burst
}

// writer is the one connection that changes the recording, and its statements. DB.mu guards it.
type writer struct {
	pool  *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt

	feed     feed
	feedName string
}

func newWriter(ctx context.Context, name string) (*writer, error) {
	if errFeeds != nil {
		return nil, errFeeds
	}
	pool, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	conn, err := pool.Conn(ctx)
	if err != nil {
		pool.Close()
		return nil, err
	}
	w := &writer{pool: pool, conn: conn, stmts: map[string]*sql.Stmt{}}
	if err := w.createFeed(); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *writer) close() error {
	feeds.Delete(w.feedName)
	var errs []error
	for _, s := range w.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, w.conn.Close(), w.pool.Close())...)
}

// stmt returns the prepared statement of a query, which is prepared once.
func (w *writer) stmt(query string) (*sql.Stmt, error) {
	if s := w.stmts[query]; s != nil {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	w.stmts[query] = s
	return s, nil
}

// exec runs a statement. It takes no context: the driver would start a goroutine for each call to watch it.
func (w *writer) exec(query string, args ...any) (sql.Result, error) {
	s, err := w.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.Exec(args...)
}

// row runs a query for one row and scans it.
func (w *writer) row(query string, args []any, into ...any) error {
	s, err := w.stmt(query)
	if err != nil {
		return err
	}
	return s.QueryRow(args...).Scan(into...)
}

// update runs f in a transaction of the writer. step names it in errors.
func (db *DB) update(step string, f func(*writer) error) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	switch {
	case db.closed.Load():
		return db.explain(step, ErrClosed)
	case db.w == nil:
		return db.explain(step, ErrReadOnly)
	}
	w := db.w
	return db.explain(step, transact(context.Background(), w.conn, func() error { return f(w) }))
}

// text and number are how an absent value is stored: as NULL.

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func number(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}
