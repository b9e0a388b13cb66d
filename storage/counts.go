package storage

import (
	"context"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// Counts returns the numbers of the whole recording. Open sockets unused since idleSince are idle; 0: none is.
func (db *DB) Counts(ctx context.Context, idleSince int64) (record.Counts, error) {
	return db.AppCounts(ctx, "", idleSince)
}

// AppCounts returns the numbers of one app, of all for "".
func (db *DB) AppCounts(ctx context.Context, app string, idleSince int64) (record.Counts, error) {
	const q = `SELECT coalesce(sum(open), 0), (SELECT count(*) FROM sockets WHERE state = 'open' AND last_at < ?2 AND (?1 = '' OR app = ?1)),
		coalesce(sum(closed), 0), coalesce(sum(reclaimed), 0), coalesce(sum(denied), 0), coalesce(sum(failed), 0), coalesce(sum(denials), 0),
		coalesce(sum(bytes_sent), 0), coalesce(sum(bytes_received), 0), coalesce(sum(sockets), 0), coalesce(sum(events), 0)
		FROM totals WHERE ?1 = '' OR app = ?1`
	return one(query(ctx, db, "counts", q, []any{app, idleSince}, func(scan func(...any) error) (c record.Counts, err error) {
		err = scan(&c.Open, &c.Idle, &c.Closed, &c.Reclaimed, &c.Denied, &c.Failed, &c.Denials, &c.BytesSent, &c.BytesReceived, &c.Sockets, &c.Events)
		return c, err
	}))
}

// MaxIDs returns the highest ids of a socket and of a request, 0 when there is none: a counter of new ids starts above.
func (db *DB) MaxIDs(ctx context.Context) (socket, request int64, err error) {
	type ids struct{ socket, request int64 }
	const q = `SELECT coalesce((SELECT max(id) FROM sockets), 0), coalesce((SELECT max(id) FROM requests), 0)`
	m, err := one(query(ctx, db, "highest ids", q, nil, func(scan func(...any) error) (m ids, err error) {
		err = scan(&m.socket, &m.request)
		return m, err
	}))
	return m.socket, m.request, err
}
