package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// No index leads to a part of a text: an index of all its threes of letters would triple what a line costs to write and
// to keep, and not know parts of one or two. Nor does one lead to a method or a duration. So a search reads, a piece of the
// table at a time, and ends when its time is over. Pieces grow until one takes an eighth of that time: how long a row takes
// depends on its text, which may have 64 KiB.
const (
	firstPiece   = 64
	largestPiece = 32 << 10 // 10 to 15 ms with usual lines: a context that has ended is noticed after that
)

// SearchLogs returns the lines that f selects, as Logs does, and looks for no longer than within; 0: as long as it takes.
func (db *DB) SearchLogs(ctx context.Context, f record.LogFilter, within time.Duration) (record.Found[record.Log], error) {
	if f.Text == "" || f.RequestID != 0 { // an index or the order leads to them
		rows, err := db.Logs(ctx, f)
		return foundAll(rows, limit(f.Limit), func(l record.Log) (int64, int64) { return l.ID, l.At }), err
	}
	s := searcher[record.Log]{db: db, table: "logs", at: "at", ascending: f.Ascending, id: func(l record.Log) (int64, int64) { return l.ID, l.At }}
	s.low, s.high = f.After+1, before(f.Before)-1
	if f.Since != 0 {
		first, err := db.firstSince(ctx, f.Since)
		if err != nil {
			return record.Found[record.Log]{}, err
		}
		s.low = max(s.low, first)
	}
	s.ask = func(low, high int64, n int) ([]record.Log, error) {
		piece := f
		piece.After, piece.Before = low-1, high+1
		return db.logs(ctx, logWhere(piece), f.Ascending, n)
	}
	return s.search(ctx, limit(f.Limit), within)
}

// firstSince is the id of the first line from a time on, or 0 when so many are that reading on costs less than looking for it.
func (db *DB) firstSince(ctx context.Context, at int64) (int64, error) {
	const q = `SELECT CASE WHEN count(*) = ?1 THEN 0 ELSE coalesce(min(id), ?2) END FROM (SELECT id FROM logs INDEXED BY logs_at WHERE at >= ?3 LIMIT ?1)`
	return one(query(ctx, db, "logs", q, []any{largestPiece, before(0), at}, scanID))
}

// SearchRequests returns the requests that f selects, as Requests does, and looks for no longer than within; 0: as long as
// it takes.
func (db *DB) SearchRequests(ctx context.Context, f record.RequestFilter, within time.Duration) (record.Found[record.Request], error) {
	id := func(r record.Request) (int64, int64) { return r.ID, r.StartedAt }
	narrow := f
	narrow.App, narrow.RunID = "", 0
	reads := f.URL != "" || f.Method != "" || f.MinDuration != 0 // no index leads there
	if !reads || f.Rule != "" || len(requestIndex(narrow).terms) > 0 {
		rows, err := db.Requests(ctx, f)
		return foundAll(rows, limit(f.Limit), id), err
	}
	s := searcher[record.Request]{db: db, table: "requests", at: "started_at", ascending: f.Ascending, id: id}
	s.low, s.high = f.After+1, before(f.Before)-1
	s.ask = func(low, high int64, n int) ([]record.Request, error) {
		piece := f
		piece.After, piece.Before = low-1, high+1
		w := requestWhere(piece)
		return query(ctx, db, "requests", selectRequests+w.clause()+` ORDER BY q.id `+direction(f.Ascending)+` LIMIT ?`, append(w.args, n), scanRequest)
	}
	return s.search(ctx, limit(f.Limit), within)
}

// foundAll is the answer of a query that left nothing out but for its limit.
func foundAll[T any](rows []T, n int, id func(T) (id, at int64)) record.Found[T] {
	found := record.Found[T]{Rows: rows}
	if n > 0 && len(rows) == n {
		found.Rest, found.RestAt = id(rows[n-1])
	}
	return found
}

// searcher looks through the ids of a table from low to high.
type searcher[T any] struct {
	db        *DB
	table, at string // names in the schema
	ascending bool
	low, high int64
	id        func(T) (id, at int64)
	ask       func(low, high int64, n int) ([]T, error) // the rows that are wanted among these ids, at most n (below 0: all), nearest first
}

func (s *searcher[T]) search(ctx context.Context, n int, within time.Duration) (found record.Found[T], err error) {
	start, size := time.Now(), int64(firstPiece)
	for {
		low, high, left, err := s.piece(ctx, size)
		if err != nil || !left {
			return found, err
		}
		began := time.Now()
		rows, err := s.ask(low, high, n)
		if err != nil {
			return found, err
		}
		found.Rows = append(found.Rows, rows...)
		if len(rows) == n {
			found.Rest, found.RestAt = s.id(rows[n-1])
			return found, nil
		}
		if n > 0 {
			n -= len(rows)
		}
		s.pass(low, high)
		took := time.Since(began)
		switch {
		case within == 0 || took < within/8:
			size = min(size*2, largestPiece)
		case took > within/4:
			size = max(size/2, firstPiece)
		}
		if within > 0 && time.Since(start) >= within {
			return found, s.leave(ctx, &found, low, high)
		}
	}
}

// piece is the next piece, of so many ids; left is false when there are none. A gap between ids, where a run was removed, is
// no part of it.
func (s *searcher[T]) piece(ctx context.Context, size int64) (low, high int64, left bool, err error) {
	end, sort := "max", "<="
	if s.ascending {
		end, sort = "min", ">="
	}
	from := s.high
	if s.ascending {
		from = s.low
	}
	near, err := one(query(ctx, s.db, s.table, fmt.Sprintf("SELECT coalesce(%s(id), -1) FROM %s WHERE id %s ?", end, s.table, sort), []any{from}, scanID))
	if err != nil || near < s.low || near > s.high {
		return 0, 0, false, err
	}
	if s.ascending {
		return near, min(near+size-1, s.high), true, nil
	}
	return max(near-size+1, s.low), near, true, nil
}

// pass goes on behind a piece.
func (s *searcher[T]) pass(low, high int64) {
	if s.ascending {
		s.low = high + 1
	} else {
		s.high = low - 1
	}
}

// leave notes where a search goes on, where anything is left.
func (s *searcher[T]) leave(ctx context.Context, found *record.Found[T], low, high int64) error {
	end, last := "min", low
	if s.ascending {
		end, last = "max", high
	}
	for {
		near, _, left, err := s.piece(ctx, 1)
		if err != nil || !left {
			return err
		}
		// What was looked at may have been removed since. Then the next row tells the time, and that may be removed too.
		q := fmt.Sprintf("SELECT %s FROM %s WHERE id = coalesce((SELECT %s(id) FROM %s WHERE id BETWEEN ? AND ?), ?)", s.at, s.table, end, s.table)
		at, err := one(query(ctx, s.db, s.table, q, []any{low, high, near}, scanID))
		if errors.Is(err, record.ErrNotFound) {
			continue
		}
		found.Rest, found.RestAt = last, at
		return err
	}
}
