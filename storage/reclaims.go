package storage

import (
	"context"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// Reclaims returns the reclaims that f selects, in its order, and what the program did with each socket afterwards. Kinds
// has no meaning here.
func (db *DB) Reclaims(ctx context.Context, f record.EventFilter) ([]record.Reclaim, error) {
	f.Kinds = []string{"reclaim"}
	events, err := db.Events(ctx, f)
	if err != nil {
		return nil, err
	}
	all := make([]record.Reclaim, len(events))
	for i, e := range events {
		if all[i], err = db.reclaim(ctx, e); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// reclaim adds to the event what the socket's row has gathered since.
func (db *DB) reclaim(ctx context.Context, e record.Event) (record.Reclaim, error) {
	const q = `SELECT s.uses, coalesce(u.at, 0), coalesce(u.kind, ''), coalesce(u.error, ''),
		coalesce(q.method || ' ' || q.url, ''), coalesce(q.status, 0)
		FROM sockets s LEFT JOIN events u ON u.id = s.used_event LEFT JOIN requests q ON q.id = u.request_id WHERE s.id = ?`
	rows, err := query(ctx, db, "reclaims", q, []any{e.SocketID}, func(scan func(...any) error) (r record.Reclaim, err error) {
		err = scan(&r.Uses, &r.UsedAt, &r.UsedKind, &r.UsedError, &r.UsedRequest, &r.UsedStatus)
		return r, err
	})
	if err != nil || len(rows) == 0 {
		return record.Reclaim{Event: e, IdleNS: e.DurationNS}, err
	}
	r := rows[0]
	r.Event = e
	// Only the sandbox knows it: its clock may have been moved, while the events' times are the machine's.
	r.IdleNS = e.DurationNS
	return r, nil
}
