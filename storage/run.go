package storage

import (
	"context"
	"fmt"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// StartRun adds a row for a worker that is about to start and returns its id, which is never given out twice. r.ID is
// ignored; what is not known yet stays empty until FinishRun.
func (db *DB) StartRun(r record.Run) (id int64, err error) {
	err = db.update("start run", func(w *writer) error {
		res, err := w.exec(`INSERT INTO runs (app, started_at, ended_at, pid, go_version, revision, build_ms, profile, exit, build_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.App, r.StartedAt, number(r.EndedAt), number(int64(r.PID)), text(r.GoVersion), text(r.Revision), number(r.BuildMS), text(r.Profile), text(r.Exit), number(r.BuildID))
		if err != nil {
			return err
		}
		id, err = res.LastInsertId()
		return err
	})
	return id, err
}

// KeepRun adds run r.ID, of which App, StartedAt and PID are known: a journal may outlive the recording that its run was
// begun in. One that is there stays as it is.
func (db *DB) KeepRun(r record.Run) error {
	return db.update("keep run", func(w *writer) error {
		_, err := w.exec(`INSERT INTO runs (id, app, started_at, pid) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`, r.ID, r.App, r.StartedAt, number(int64(r.PID)))
		return err
	})
}

// StartRunsAbove keeps StartRun from giving out an id up to this one.
func (db *DB) StartRunsAbove(id int64) error {
	return db.update("ids of runs", func(w *writer) error {
		_, err := w.exec(`INSERT INTO sqlite_sequence (name, seq) SELECT 'runs', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'runs')`)
		if err == nil {
			_, err = w.exec(`UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'runs'`, id)
		}
		return err
	})
}

// FinishRun fills in what became known about run r.ID after its start: each of PID, GoVersion, Revision, BuildMS,
// Profile, BuildID, ReadyAt and LastWords that is not zero.
func (db *DB) FinishRun(r record.Run) error {
	return db.update("finish run", func(w *writer) error {
		res, err := w.exec(`UPDATE runs SET pid = coalesce(?, pid), go_version = coalesce(?, go_version), revision = coalesce(?, revision),
			build_ms = coalesce(?, build_ms), profile = coalesce(?, profile), build_id = coalesce(?, build_id), ready_at = coalesce(?, ready_at),
			last_words = coalesce(?, last_words) WHERE id = ?`,
			number(int64(r.PID)), text(r.GoVersion), text(r.Revision), number(r.BuildMS), text(r.Profile), number(r.BuildID), number(r.ReadyAt),
			text(r.LastWords), r.ID)
		if err != nil {
			return err
		}
		return oneRun(res, r.ID)
	})
}

// EndRun notes when and how a worker ended, and closes what it left open: its sockets with the reason worker-exit, its
// requests with an error, its last lines. Events of it that are written later still count, and tell better how a socket
// ended.
func (db *DB) EndRun(id, endedAt int64, exit string) error {
	return db.update("end run", func(w *writer) error {
		res, err := w.exec(`UPDATE runs SET ended_at = ?, exit = ? WHERE id = ?`, endedAt, text(exit), id)
		if err != nil {
			return err
		}
		if err := oneRun(res, id); err != nil {
			return err
		}
		return w.closeRun(id, endedAt)
	})
}

func oneRun(res interface{ RowsAffected() (int64, error) }, id int64) error {
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return fmt.Errorf("run %d: %w", id, record.ErrNotFound)
	}
	return err
}

// closeRun closes the sockets and requests that a run left open.
func (w *writer) closeRun(id, endedAt int64) error {
	var app string
	if err := w.row(`SELECT app FROM runs WHERE id = ?`, []any{id}, &app); err != nil {
		return err
	}
	// The unary plus keeps SQLite on the index of the state: open sockets are few.
	res, err := w.exec(`UPDATE sockets SET state = 'closed', close_reason = ?, closed_at = max(?, last_at) WHERE state = 'open' AND +run_id = ?`,
		sandbox.ReasonWorkerExit.String(), endedAt, id)
	if err != nil {
		return fmt.Errorf("sockets: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	_, err = w.exec(`UPDATE requests SET duration_ns = max(? - started_at, 0), error = 'the worker ended' WHERE run_id = ? AND duration_ns IS NULL`, endedAt, id)
	if err != nil {
		return fmt.Errorf("requests: %w", err)
	}
	if err := w.endLines(id); err != nil {
		return fmt.Errorf("unfinished lines: %w", err)
	}
	t := totals{open: -n, closed: n}
	return t.save(w, app)
}

// Runs returns all starts of workers, newest first.
func (db *DB) Runs(ctx context.Context) ([]record.Run, error) {
	return db.SelectRuns(ctx, record.RunFilter{Limit: -1})
}

// SelectRuns returns the runs that f selects, newest first.
func (db *DB) SelectRuns(ctx context.Context, f record.RunFilter) ([]record.Run, error) {
	var w where
	w.addIf(f.App != "", "app = ?", f.App)
	w.addIf(f.Unfinished, "ended_at IS NULL")
	w.addIf(f.Before != 0, "id < ?", f.Before)
	w.addIf(f.After != 0, "id > ?", f.After)
	q := `SELECT id, app, started_at, coalesce(ended_at, 0), coalesce(pid, 0), coalesce(go_version, ''), coalesce(revision, ''),
		coalesce(build_ms, 0), coalesce(profile, ''), coalesce(exit, ''), coalesce(build_id, 0), coalesce(ready_at, 0), coalesce(last_words, '') FROM runs` + w.clause() + ` ORDER BY id ` + direction(f.Ascending) + ` LIMIT ?`
	return query(ctx, db, "runs", q, append(w.args, limit(f.Limit)), func(scan func(...any) error) (r record.Run, err error) {
		err = scan(&r.ID, &r.App, &r.StartedAt, &r.EndedAt, &r.PID, &r.GoVersion, &r.Revision, &r.BuildMS, &r.Profile, &r.Exit,
			&r.BuildID, &r.ReadyAt, &r.LastWords)
		return r, err
	})
}
