package storage

import "fmt"

// trimStep is how many ids of events are removed in one transaction.
const trimStep = 1024

// events removes the piece's events, some at a time; a run's are where its stretches say.
func (t *trimmer) events(p piece) error {
	ranges := []source{{low: p.first, high: p.last}}
	if p.whole {
		var err error
		ranges, err = query(t.ctx, t.db, "trim", `SELECT first_event, last_event FROM stretches WHERE run_id = ? ORDER BY first_event`, []any{p.run}, scanSource)
		if err != nil {
			return err
		}
	}
	for _, r := range ranges {
		for low := r.low; low <= r.high; low += trimStep {
			var n int64
			err := t.small(func(w *writer) (err error) {
				n, err = w.dropEvents(p, low, min(low+trimStep-1, r.high))
				return err
			})
			if err != nil {
				return err
			}
			t.done.Events += n
		}
	}
	return nil
}

// The events of a piece between two ids.
const piecesEvents = ` FROM events e NOT INDEXED WHERE e.id BETWEEN ?1 AND ?2 AND e.run_id IS ?3`

// dropEvents removes events and takes them out of the sums.
func (w *writer) dropEvents(p piece, low, high int64) (int64, error) {
	args := []any{low, high, number(p.run)}
	var t totals
	err := w.row(`SELECT count(*), coalesce(sum(e.kind = 'deny'), 0), coalesce(sum(iif(e.kind = 'send', e.bytes, 0)), 0),
		coalesce(sum(iif(e.kind = 'receive', e.bytes, 0)), 0)`+piecesEvents, args, &t.events, &t.denials, &t.sent, &t.received)
	if err != nil || t.events == 0 {
		return 0, err
	}
	for _, q := range []string{
		`INSERT INTO activity (socket_id, at, operations, bytes) SELECT e.socket_id, (e.at + e.duration_ns) / 1000000000 * 1000000000 AS second, count(*), sum(e.bytes)` +
			piecesEvents + ` AND e.socket_id IS NOT NULL AND e.kind IN ('create', 'bind', 'connect', 'listen', 'accept', 'send', 'receive', 'shutdown')
			GROUP BY e.socket_id, second
			ON CONFLICT (socket_id, at) DO UPDATE SET operations = operations - excluded.operations, bytes = bytes - excluded.bytes`,
		`DELETE FROM activity WHERE operations <= 0 AND socket_id IN (SELECT DISTINCT e.socket_id` + piecesEvents + `)
			AND at <= (SELECT max(e.at + e.duration_ns)` + piecesEvents + `)`,
		`DELETE FROM events WHERE id IN (SELECT e.id` + piecesEvents + `)`,
	} {
		if _, err := w.exec(q, args...); err != nil {
			return 0, fmt.Errorf("events: %w", err)
		}
	}
	n := t.events
	t.negate()
	return n, t.save(w, p.app)
}

// negate makes what was added what is taken away.
func (t *totals) negate() {
	for _, n := range []*int64{&t.sockets, &t.open, &t.closed, &t.reclaimed, &t.denied, &t.failed, &t.denials, &t.events, &t.sent, &t.received} {
		*n = -*n
	}
}

// dropAll deletes by a JSON list of ids.
func (w *writer) dropAll(ids string, deletes ...string) error {
	for _, q := range deletes {
		if _, err := w.exec(q+` IN (SELECT value FROM json_each(?))`, ids); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) dropPayloads(_ piece, ids string) error {
	return w.dropAll(ids, `DELETE FROM payloads WHERE id`)
}

func (w *writer) dropLogs(_ piece, ids string) error {
	return w.dropAll(ids, `DELETE FROM logs WHERE id`)
}

func (w *writer) dropRequests(_ piece, ids string) error {
	return w.dropAll(ids, `DELETE FROM request_sockets WHERE request_id`, `DELETE FROM requests WHERE id`)
}

// dropSockets removes sockets and all that is kept by socket.
func (w *writer) dropSockets(_ piece, ids string) error {
	_, err := w.exec(`UPDATE totals SET sockets = totals.sockets - s.n, open = totals.open - s.open, closed = totals.closed - s.closed,
		reclaimed = totals.reclaimed - s.reclaimed, denied = totals.denied - s.denied, failed = totals.failed - s.failed FROM (SELECT app, count(*) AS n, sum(state = 'open') AS open, sum(state = 'closed') AS closed,
		sum(state = 'reclaimed') AS reclaimed, sum(state = 'denied') AS denied, sum(state = 'failed') AS failed
		FROM sockets WHERE id IN (SELECT value FROM json_each(?)) GROUP BY app) s WHERE totals.app = s.app`, ids)
	if err != nil {
		return err
	}
	return w.dropAll(ids, `DELETE FROM request_sockets WHERE socket_id`, `DELETE FROM activity WHERE socket_id`, `DELETE FROM payloads WHERE socket_id`,
		`DELETE FROM sockets WHERE id`)
}

// dropPiece removes what names the piece, and what belongs to no run that is left.
func (w *writer) dropPiece(p piece) error {
	if !p.whole {
		_, err := w.exec(`DELETE FROM stretches WHERE first_event = ?`, p.first)
		return err
	}
	for _, q := range []string{`DELETE FROM stretches WHERE run_id = ?`, `DELETE FROM denials WHERE run_id = ?`, `DELETE FROM gaps WHERE run_id = ?`, `DELETE FROM runs WHERE id = ?`} {
		if _, err := w.exec(q, p.run); err != nil {
			return err
		}
	}
	_, err := w.exec(`DELETE FROM builds WHERE started_at < (SELECT min(started_at) FROM runs) AND id < (SELECT coalesce(min(build_id), ?) FROM runs)`, int64(1)<<62)
	return err
}
