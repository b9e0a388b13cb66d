package storage

import (
	"context"
	"slices"
	"strings"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// AddLog adds a line that came by no journal and returns its id. l.ID, l.Request and l.Status are ignored.
func (db *DB) AddLog(l record.Log) (id int64, err error) {
	err = db.update("add log line", func(w *writer) error {
		res, err := w.exec(insertLog,
			number(l.RunID), l.App, l.At, l.Stream, number(l.RequestID), l.Text)
		if err != nil {
			return err
		}
		id, err = res.LastInsertId()
		return err
	})
	return id, err
}

// Logs returns the lines that f selects, newest first, or oldest first with Ascending.
func (db *DB) Logs(ctx context.Context, f record.LogFilter) ([]record.Log, error) {
	w, n := logWhere(f), limit(f.Limit)
	if f.App != "" && f.After == 0 && f.RequestID == 0 && f.RunID == 0 {
		if rare, err := db.rareLogs(ctx, f.App, before(f.Before), n); err != nil {
			return nil, err
		} else if rare {
			w.addIf(true, `l.id IN (SELECT id FROM logs INDEXED BY logs_run WHERE run_id IN (SELECT id FROM runs WHERE app = ?)
				UNION ALL SELECT id FROM logs INDEXED BY logs_run WHERE run_id IS NULL)`, f.App)
		}
	}
	if f.Since == 0 || f.RequestID != 0 {
		return db.logs(ctx, w, f.Ascending, n)
	}
	if n > 0 && !f.Ascending { // what is recent is mostly among the newest
		near := where{slices.Clone(w.terms), slices.Clone(w.args)}
		near.addIf(true, "l.id >= (SELECT coalesce(min(id), 0) FROM (SELECT id FROM logs WHERE id < ? ORDER BY id DESC LIMIT ?))", before(f.Before), newest)
		if all, err := db.logs(ctx, near, f.Ascending, n); err != nil || len(all) == n {
			return all, err
		}
	}
	// Lines arrive nearly in the order of their times: those that are asked for begin where the first of them is.
	w.addIf(true, "l.id >= (SELECT coalesce(min(id), 0) FROM logs INDEXED BY logs_at WHERE at >= ?)", f.Since)
	return db.logs(ctx, w, f.Ascending, n)
}

// logWhere are the conditions of f.
func logWhere(f record.LogFilter) (w where) {
	w.addIf(f.App != "", "l.app = ?", f.App)
	w.addIf(f.Stream != "", "l.stream = ?", f.Stream)
	w.addIf(f.RequestID != 0, "l.request_id = ?", f.RequestID)
	w.addIf(f.RunID != 0, "l.run_id = ?", f.RunID)
	w.addIf(f.Since != 0, "+l.at >= ?", f.Since)
	w.addIf(f.After != 0, "l.id > ?", f.After)
	w.addIf(f.Before != 0, "l.id < ?", f.Before)
	// Last: it costs most. LIKE ends at a zero byte.
	w.addIf(f.Text != "", `(l.text LIKE ? ESCAPE '\' OR instr(l.text, char(0)) > 0 AND instr(lower(l.text), lower(?)) > 0)`, contains(f.Text), f.Text)
	return w
}

func (db *DB) logs(ctx context.Context, w where, ascending bool, n int) ([]record.Log, error) {
	q := `SELECT l.id, coalesce(l.run_id, 0), l.app, l.at, l.stream, coalesce(l.request_id, 0), l.text, coalesce(q.method || ' ' || q.url, ''), coalesce(q.status, 0)
		FROM logs l LEFT JOIN requests q ON q.id = l.request_id` + w.clause() + ` ORDER BY l.id ` + direction(ascending) + ` LIMIT ?`
	return query(ctx, db, "logs", q, append(w.args, n), func(scan func(...any) error) (l record.Log, err error) {
		err = scan(&l.ID, &l.RunID, &l.App, &l.At, &l.Stream, &l.RequestID, &l.Text, &l.Request, &l.Status)
		return l, err
	})
}

// rareLogs reports whether fewer than n of the newest lines are of the app, so that its runs lead there faster.
func (db *DB) rareLogs(ctx context.Context, app string, before int64, n int) (bool, error) {
	const q = `SELECT count(*) FROM (SELECT app FROM logs WHERE id < ? ORDER BY id DESC LIMIT ?) WHERE app = ?`
	found, err := one(query(ctx, db, "logs", q, []any{before, newest, app}, scanID))
	return n < 0 || found < int64(n), err
}

// AddBuild adds a build and returns its id. b.ID is ignored.
func (db *DB) AddBuild(b record.Build) (id int64, err error) {
	err = db.update("add build", func(w *writer) error {
		res, err := w.exec(`INSERT INTO builds (app, started_at, duration_ns, outcome, files, errors) VALUES (?, ?, ?, ?, ?, ?)`,
			b.App, b.StartedAt, b.DurationNS, b.Outcome, text(strings.Join(b.Files, "\n")), text(strings.Join(b.Errors, "\n")))
		if err != nil {
			return err
		}
		id, err = res.LastInsertId()
		return err
	})
	return id, err
}

// Builds returns the builds that f selects, newest first.
func (db *DB) Builds(ctx context.Context, f record.BuildFilter) ([]record.Build, error) {
	var w where
	w.addIf(f.App != "", "app = ?", f.App)
	w.addIf(f.After != 0, "id > ?", f.After)
	w.addIf(f.Before != 0, "id < ?", f.Before)
	q := `SELECT id, app, started_at, duration_ns, outcome, coalesce(files, ''), coalesce(errors, '') FROM builds` + w.clause() + ` ORDER BY id ` + direction(f.Ascending) + ` LIMIT ?`
	return query(ctx, db, "builds", q, append(w.args, limit(f.Limit)), func(scan func(...any) error) (b record.Build, err error) {
		var files, errors string
		err = scan(&b.ID, &b.App, &b.StartedAt, &b.DurationNS, &b.Outcome, &files, &errors)
		b.Files, b.Errors = lines(files), lines(errors)
		return b, err
	})
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// AddGap notes that events are missing. g.ID is ignored.
func (db *DB) AddGap(g record.Gap) error {
	return db.update("add gap", func(w *writer) error {
		_, err := w.exec(`INSERT INTO gaps (run_id, app, at, events, reason) VALUES (?, ?, ?, ?, ?)`, number(g.RunID), g.App, g.At, g.Events, g.Reason)
		return err
	})
}

// Gaps returns what could not be kept, newest first: of one run, or of all for 0.
func (db *DB) Gaps(ctx context.Context, run int64) ([]record.Gap, error) {
	var w where
	w.addIf(run != 0, "run_id = ?", run)
	q := `SELECT id, coalesce(run_id, 0), app, at, events, reason FROM gaps` + w.clause() + ` ORDER BY id DESC`
	return query(ctx, db, "gaps", q, w.args, func(scan func(...any) error) (g record.Gap, err error) {
		err = scan(&g.ID, &g.RunID, &g.App, &g.At, &g.Events, &g.Reason)
		return g, err
	})
}
