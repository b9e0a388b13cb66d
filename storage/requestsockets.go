package storage

import (
	"context"
	"encoding/json"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// RequestSockets returns the sockets that the requests used, of each request at most so many: those that it used first,
// in that order. Denied calls are among them.
func (db *DB) RequestSockets(ctx context.Context, requests []int64, most int) ([]record.RequestSocket, error) {
	ids, err := json.Marshal(requests)
	if err != nil || len(requests) == 0 {
		return nil, db.explain("sockets of requests", err)
	}
	const q = `SELECT l.request_id, coalesce(a.at, s.opened_at), coalesce(b.at, s.opened_at), s.* FROM json_each(?1) j
		CROSS JOIN request_sockets l ON l.request_id = j.value AND l.socket_id IN
			(SELECT k.socket_id FROM request_sockets k WHERE k.request_id = j.value AND k.socket_id <> 0 ORDER BY k.first_event LIMIT ?2)
		CROSS JOIN (` + selectSockets + `) s ON s.id = l.socket_id
		LEFT JOIN events a ON a.id = l.first_event LEFT JOIN events b ON b.id = l.last_event ORDER BY l.request_id, l.first_event`
	return query(ctx, db, "sockets of requests", q, []any{string(ids), most}, func(scan func(...any) error) (r record.RequestSocket, err error) {
		r.Socket, err = scanSocket(func(fields ...any) error {
			return scan(append([]any{&r.UsedBy, &r.UsedFrom, &r.UsedUntil}, fields...)...)
		})
		return r, err
	})
}

// RequestUses tells how many sockets each of the requests used, counting no further than most. A request that used none
// has no row.
func (db *DB) RequestUses(ctx context.Context, requests []int64, most int) ([]record.RequestUse, error) {
	ids, err := json.Marshal(requests)
	if err != nil || len(requests) == 0 {
		return nil, db.explain("sockets of requests", err)
	}
	const q = `SELECT j.value, count(*), coalesce(sum(s.state = 'denied'), 0) FROM json_each(?1) j
		CROSS JOIN request_sockets l ON l.request_id = j.value AND l.socket_id IN
			(SELECT k.socket_id FROM request_sockets k WHERE k.request_id = j.value AND k.socket_id <> 0 LIMIT ?2)
		LEFT JOIN sockets s ON s.id = l.socket_id GROUP BY j.value`
	return query(ctx, db, "sockets of requests", q, []any{string(ids), most}, func(scan func(...any) error) (u record.RequestUse, err error) {
		err = scan(&u.RequestID, &u.Sockets, &u.Denied)
		return u, err
	})
}

// CountRequestEvents counts the events of a request that come after one of them, no further than most.
func (db *DB) CountRequestEvents(ctx context.Context, request, after int64, most int) (n int64, err error) {
	const q = `SELECT count(*) FROM (SELECT 1 FROM request_sockets l CROSS JOIN events e ON e.socket_id IS nullif(l.socket_id, 0)
		WHERE l.request_id = ?1 AND e.request_id = ?1 AND e.id BETWEEN max(l.first_event, ?2 + 1) AND l.last_event LIMIT ?3)`
	return one(query(ctx, db, "events of a request", q, []any{request, after, most}, scanID))
}
