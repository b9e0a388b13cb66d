package storage

import (
	"context"
	"database/sql"
	"strings"
)

// queryer is what reads: the pool, or the one connection of a snapshot.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// reader returns the connections that read. They need no lock: the pool is there from Open to Close.
func (db *DB) reader() (queryer, error) {
	if db.closed.Load() {
		return nil, ErrClosed
	}
	if db.snapshot != nil {
		return db.snapshot, nil
	}
	return db.read, nil
}

// query runs a query and makes a value of each row.
func query[T any](ctx context.Context, db *DB, step, q string, args []any, row func(scan func(...any) error) (T, error)) ([]T, error) {
	pool, err := db.reader()
	if err != nil {
		return nil, db.explain(step, err)
	}
	stmt, err := db.statements.get(ctx, pool, q)
	if err != nil {
		return nil, db.explain(step, err)
	}
	if stmt == nil {
		return each(db, step, row)(pool.QueryContext(ctx, q, args...))
	}
	return each(db, step, row)(stmt.QueryContext(ctx, args...))
}

// each makes a value of each row of what was asked.
func each[T any](db *DB, step string, row func(scan func(...any) error) (T, error)) func(*sql.Rows, error) ([]T, error) {
	return func(rows *sql.Rows, err error) ([]T, error) {
		if err != nil {
			return nil, db.explain(step, err)
		}
		defer rows.Close()
		var all []T
		for rows.Next() {
			v, err := row(rows.Scan)
			if err != nil {
				return nil, db.explain(step, err)
			}
			all = append(all, v)
		}
		return all, db.explain(step, rows.Err())
	}
}

// where gathers the conditions of a query.
type where struct {
	terms []string
	args  []any
}

func (w *where) addIf(ask bool, term string, args ...any) {
	if ask {
		w.terms = append(w.terms, term)
		w.args = append(w.args, args...)
	}
}

// clause returns the WHERE clause, "" without conditions.
func (w *where) clause() string { return w.after(" WHERE ") }

// having returns the conditions as a HAVING clause, "" without any.
func (w *where) having() string { return w.after(" HAVING ") }

func (w *where) after(word string) string {
	if len(w.terms) == 0 {
		return ""
	}
	return word + strings.Join(w.terms, " AND ")
}

// limit is the LIMIT of a filter: 0 asks for 200 rows, below 0 for all of them.
func limit(n int) int {
	if n == 0 {
		return 200
	}
	return n
}

// direction is the order of rows by their id.
func direction(ascending bool) string {
	if ascending {
		return "ASC"
	}
	return "DESC"
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// contains returns the LIKE pattern for texts with part in them, to be used with ESCAPE '\'.
func contains(part string) string { return "%" + likeEscaper.Replace(part) + "%" }
