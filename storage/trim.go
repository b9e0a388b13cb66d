package storage

import (
	"context"
	"encoding/json"
	"math"
	"time"
)

// Keep says how much of a recording is kept. Its zero value keeps everything.
type Keep struct {
	Bytes int64 // of the file's used pages; 0: any number
	Since int64 // what ended before it goes; 0: any age is kept
}

// Trimmed is what Trim has removed.
type Trimmed struct {
	Runs   int   // whole ones
	Events int64 // of these, and of runs that stay
}

// Trim removes the oldest runs until what is left is as k says. When it is still too much with the runs that go on and
// the newest one, their oldest events go, and with them the requests and sockets that ended by then; the sums of a socket
// that stays tell of its whole life, and denials of the whole run. It works in transactions of a few milliseconds and rests
// as long after each, so that Write goes on meanwhile. ctx ends it between two of them; what was
// removed by then is returned too.
//
// Freed pages are used for new rows; the file does not shrink, since moving its pages would cost every Write.
func (db *DB) Trim(ctx context.Context, k Keep) (Trimmed, error) {
	t := &trimmer{db: db, ctx: ctx, keep: k}
	if k.Since != 0 {
		if err := t.strays(k.Since - 1); err != nil {
			return t.done, err
		}
	}
	for {
		p, err := t.next()
		if err != nil || p == (piece{}) {
			return t.done, err
		}
		if err := t.remove(p); err != nil {
			return t.done, err
		}
	}
}

// Size returns how many bytes of the file are in use.
func (db *DB) Size(ctx context.Context) (int64, error) {
	const q = `SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`
	return one(query(ctx, db, "size", q, nil, scanID))
}

// trimmer is one Trim.
type trimmer struct {
	db   *DB
	ctx  context.Context
	keep Keep
	done Trimmed
}

// piece is what is removed next: a run, or what a run did in its oldest stretch.
type piece struct {
	run   int64 // 0: of no run
	app   string
	whole bool
	first int64 // the events,
	last  int64 // and what ended with them
	until int64 // the time up to which requests, log lines and payloads go
	end   int64 // when it was over
}

// next chooses the oldest of what must go; the zero piece: nothing must.
func (t *trimmer) next() (piece, error) {
	if err := t.ctx.Err(); err != nil {
		return piece{}, err
	}
	if k := t.keep.Since; k != 0 {
		if p, err := t.choose(endedRun+` AND ended_at < ?`+oldest, k); err != nil || p != (piece{}) {
			return p, err
		}
		if p, err := t.choose(oldStretch+` AND t.max_at < ?`+oldestStretch, k); err != nil || p != (piece{}) {
			return p, err
		}
	}
	if t.keep.Bytes == 0 {
		return piece{}, nil
	}
	size, err := t.db.Size(t.ctx)
	if err != nil || size <= t.keep.Bytes {
		return piece{}, err
	}
	if p, err := t.choose(endedRun + ` AND EXISTS (SELECT 1 FROM runs n WHERE n.id > r.id)` + oldest); err != nil || p != (piece{}) {
		return p, err
	}
	return t.choose(oldStretch + oldestStretch)
}

const (
	// A run whose journal is still to be read is not over.
	endedRun = `SELECT id, app, 1, 0, 0, ended_at FROM runs r WHERE ended_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM journals j WHERE j.run_id = r.id)`
	oldest   = ` ORDER BY id LIMIT 1`
	// The newest stretch of a run still grows.
	oldStretch = `SELECT t.run_id, coalesce(r.app, t.app, ''), 0, t.first_event, t.last_event, t.max_at FROM stretches t LEFT JOIN runs r ON r.id = t.run_id
		WHERE EXISTS (SELECT 1 FROM stretches n WHERE n.run_id = t.run_id AND n.first_event > t.first_event)
		AND NOT EXISTS (SELECT 1 FROM stretches n WHERE n.run_id = t.run_id AND n.first_event < t.first_event)`
	oldestStretch = ` ORDER BY t.first_event LIMIT 1`
)

func (t *trimmer) choose(q string, args ...any) (piece, error) {
	all, err := query(t.ctx, t.db, "oldest of the recording", q, args, func(scan func(...any) error) (p piece, err error) {
		err = scan(&p.run, &p.app, &p.whole, &p.first, &p.last, &p.end)
		p.until = p.end
		if p.whole {
			p.last, p.until = math.MaxInt64, math.MaxInt64
		}
		return p, err
	})
	if err != nil || len(all) == 0 {
		return piece{}, err
	}
	return all[0], nil
}

// remove removes a piece. When it is ended in the middle, the next Trim finds what is left of it: a run's row and a
// stretch's go last.
func (t *trimmer) remove(p piece) error {
	if err := t.events(p); err != nil {
		return err
	}
	for _, s := range []struct {
		find  string // ids by ?1, the run, and ?2, the time or event
		until int64
		each  func(w *writer, p piece, ids string) error
	}{
		{findPayloads, p.until, (*writer).dropPayloads},
		{findRequests, p.until, (*writer).dropRequests},
		{findSockets, p.last, (*writer).dropSockets},
		{findLogs, p.until, (*writer).dropLogs},
	} {
		if err := t.rows(p, s.find, s.until, s.each); err != nil {
			return err
		}
	}
	if err := t.small(func(w *writer) error { return w.dropPiece(p) }); err != nil {
		return err
	}
	if p.whole {
		t.done.Runs++
	}
	return t.strays(p.end)
}

// strays removes requests and log lines of no run that were over at a time: those that the proxy answered itself have
// no events that would lead to them.
func (t *trimmer) strays(until int64) error {
	if err := t.rows(piece{}, findRequests, until, (*writer).dropRequests); err != nil {
		return err
	}
	return t.rows(piece{}, findLogs, until, (*writer).dropLogs)
}

// What of a run is over at ?2, some of it at a time; ?3 says that all of it is. A reclaimed socket may still be
// used, which its row counts. Payloads are many bytes each, so there are fewer of them.
const (
	findPayloads = `SELECT p.id FROM sockets s CROSS JOIN payloads p ON p.socket_id = s.id WHERE s.run_id IS ?1 AND p.at <= ?2 LIMIT 32`
	findRequests = `SELECT id FROM requests WHERE run_id IS ?1 AND (?3 OR duration_ns IS NOT NULL AND started_at + duration_ns <= ?2) LIMIT 128`
	findSockets  = `SELECT id FROM sockets WHERE run_id IS ?1 AND coalesce(last_event, 0) <= ?2 AND (?3 OR state IN ('closed', 'failed', 'denied')) LIMIT 64`
	findLogs     = `SELECT id FROM logs WHERE run_id IS ?1 AND at <= ?2 LIMIT 256`
)

// rows removes rows that are found by a reader, so that no Write waits for the search.
func (t *trimmer) rows(p piece, find string, until int64, drop func(*writer, piece, string) error) error {
	for {
		args := []any{number(p.run), until, p.whole}
		if find == findPayloads || find == findLogs {
			args = args[:2]
		}
		ids, err := query(t.ctx, t.db, "trim", find, args, scanID)
		if err != nil || len(ids) == 0 {
			return err
		}
		text, err := json.Marshal(ids)
		if err != nil {
			return err
		}
		if err := t.small(func(w *writer) error { return drop(w, p, string(text)) }); err != nil {
			return err
		}
	}
}

// small runs f in a transaction and rests as long as that took.
func (t *trimmer) small(f func(*writer) error) error {
	if err := t.ctx.Err(); err != nil {
		return err
	}
	start := time.Now()
	if err := t.db.update("trim", f); err != nil {
		return err
	}
	rest := time.NewTimer(time.Since(start))
	defer rest.Stop()
	select {
	case <-rest.C:
		return nil
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
}
