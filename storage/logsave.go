package storage

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// A program writes in pieces: fmt.Print without an end of line, a line longer than a journal's record. What has no end
// when a batch does waits in unfinished_lines, changed in the batch's transaction, until the rest comes or the run ends.

const insertLog = `INSERT INTO logs (run_id, app, at, stream, request_id, text) VALUES (?, ?, ?, ?, ?, ?)`

// unfinished is what the recording holds of a stream's last line.
type unfinished struct {
	Joiner
	held bool // there is a row
}

// written takes in what the program wrote. Its lines become rows in the order of the journal.
func (in *ingest) written(e *sandbox.Event) error {
	u := in.lines[e.Kind]
	if u == nil {
		var err error
		if u, err = in.unfinished(e.Kind); err != nil {
			return fmt.Errorf("unfinished line: %w", err)
		}
		if in.lines == nil {
			in.lines = map[sandbox.Kind]*unfinished{}
		}
		in.lines[e.Kind] = u
	}
	return u.Add(e.At, e.Request, e.Detail, func(l Line) error {
		return in.w.addLine(in.batch.RunID, in.batch.App, e.Kind.String(), l)
	})
}

// unfinished reads what earlier batches left of a stream.
func (in *ingest) unfinished(k sandbox.Kind) (*unfinished, error) {
	u := &unfinished{}
	var request sql.NullInt64
	err := in.w.row(`SELECT at, request_id, text FROM unfinished_lines WHERE run_id = ? AND stream = ?`, []any{in.batch.RunID, k.String()},
		&u.at, &request, &u.piece)
	if errors.Is(err, sql.ErrNoRows) {
		return u, nil
	}
	u.request, u.held = uint64(request.Int64), true
	return u, err
}

func (w *writer) addLine(run int64, app, stream string, l Line) error {
	_, err := w.exec(insertLog, number(run), app, l.At, stream, number(int64(l.Request)), l.shown())
	return err
}

// saveUnfinished keeps the pieces for the next batch.
func (in *ingest) saveUnfinished() error {
	for k, u := range in.lines {
		var err error
		switch {
		case len(u.piece) > 0:
			_, err = in.w.exec(`INSERT INTO unfinished_lines (run_id, stream, app, at, request_id, text) VALUES (?, ?, ?, ?, ?, ?)
				ON CONFLICT (run_id, stream) DO UPDATE SET at = excluded.at, request_id = excluded.request_id, text = excluded.text`,
				in.batch.RunID, k.String(), in.batch.App, u.at, number(int64(u.request)), u.piece)
		case u.held:
			_, err = in.w.exec(`DELETE FROM unfinished_lines WHERE run_id = ? AND stream = ?`, in.batch.RunID, k.String())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// endLines makes rows of what a run that has ended left without an end.
func (w *writer) endLines(run int64) error {
	for _, k := range []sandbox.Kind{sandbox.KindStdout, sandbox.KindStderr} {
		var (
			u       Joiner
			app     string
			request sql.NullInt64
		)
		err := w.row(`SELECT app, at, request_id, text FROM unfinished_lines WHERE run_id = ? AND stream = ?`, []any{run, k.String()},
			&app, &u.at, &request, &u.piece)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		u.request = uint64(request.Int64)
		if l, ok := u.End(); ok {
			if err := w.addLine(run, app, k.String(), l); err != nil {
				return err
			}
		}
		if _, err := w.exec(`DELETE FROM unfinished_lines WHERE run_id = ? AND stream = ?`, run, k.String()); err != nil {
			return err
		}
	}
	return nil
}

// AddLines adds lines that came by no journal, in one transaction. Their requests are not known.
func (db *DB) AddLines(run int64, app, stream string, lines []Line) error {
	return db.update("add log lines", func(w *writer) error {
		for _, l := range lines {
			if err := w.addLine(run, app, stream, l); err != nil {
				return err
			}
		}
		return nil
	})
}
