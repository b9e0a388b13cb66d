package storage

import (
	"database/sql"
	"errors"
)

// A stretch grows with the batches of its run until it covers so many event ids, or until so many of other runs lie
// between two batches.
const (
	stretchWidth = 8192
	stretchGap   = 256
)

// saveStretch notes where the batch's events are, so that a query for a time or a run reads only there.
func (in *ingest) saveStretch() error {
	first, last := in.first, in.next-1
	if last < first {
		return nil
	}
	var start, end int64
	err := in.w.row(`SELECT first_event, last_event FROM stretches WHERE run_id = ? AND (app IS NULL OR app = ?) ORDER BY first_event DESC LIMIT 1`,
		[]any{in.batch.RunID, in.batch.App}, &start, &end)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	gap := int64(stretchGap)
	if in.batch.RunID == 0 { // what lies between would be another app's, by nothing told apart
		gap = 1
	}
	if err == nil && last-start < stretchWidth && first-end <= gap {
		_, err := in.w.exec(`UPDATE stretches SET last_event = ?, min_at = min(min_at, ?), max_at = max(max_at, ?) WHERE first_event = ?`,
			last, in.minAt, in.maxAt, start)
		return err
	}
	var app any // the run's
	if in.batch.RunID == 0 {
		app = in.batch.App
	}
	_, err = in.w.exec(`INSERT INTO stretches (first_event, last_event, run_id, min_at, max_at, app) VALUES (?, ?, ?, ?, ?, ?)`,
		first, last, in.batch.RunID, in.minAt, in.maxAt, app)
	return err
}
