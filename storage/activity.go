package storage

import (
	"context"
	"encoding/json"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// Activity returns when the filter's sockets were used, by socket and time: one row for each socket and bucket with an
// operation in it. Steps of whole seconds are read from sums kept for each second; an operation counts where it ended.
// Smaller steps are read from the events themselves, so ask them of short times only.
func (db *DB) Activity(ctx context.Context, f record.ActivityFilter) ([]record.Activity, error) {
	if len(f.Sockets) == 0 {
		return nil, nil
	}
	ids, err := json.Marshal(f.Sockets)
	if err != nil {
		return nil, db.explain("activity", err)
	}
	step := f.Step
	if step <= 0 {
		step = bucket
	}
	q, since := activityBySecond, floor(f.Since, bucket)
	if step%bucket != 0 {
		q, since = activityByEvent, f.Since
	}
	return query(ctx, db, "activity", q, []any{string(ids), since, step}, func(scan func(...any) error) (a record.Activity, err error) {
		err = scan(&a.SocketID, &a.At, &a.Operations, &a.Bytes)
		return a, err
	})
}

const activityBySecond = `SELECT a.socket_id, a.at / ?3 * ?3 AS start, sum(a.operations), sum(a.bytes)
	FROM json_each(?1) j CROSS JOIN activity a ON a.socket_id = j.value AND a.at >= ?2 GROUP BY a.socket_id, start ORDER BY a.socket_id, start`

// The stretches bound the ids, so that a long-lived socket's older events are not read.
const activityByEvent = `SELECT e.socket_id, (e.at + e.duration_ns) / ?3 * ?3 AS start, count(*), sum(e.bytes)
	FROM json_each(?1) j CROSS JOIN events e ON e.socket_id = j.value AND e.id >= (SELECT coalesce(min(first_event), 0) FROM stretches WHERE max_at >= ?2)
	WHERE e.at + e.duration_ns >= ?2 AND e.kind IN ('create', 'bind', 'connect', 'listen', 'accept', 'send', 'receive', 'shutdown')
	GROUP BY e.socket_id, start ORDER BY e.socket_id, start`

// OpenOverTime returns how many sockets were open at since, since+step, and so on: n numbers. Denied calls never
// opened one; a connection that failed was open while it tried.
func (db *DB) OpenOverTime(ctx context.Context, since, step int64, n int) ([]int64, error) {
	if n <= 0 || step <= 0 {
		return nil, nil
	}
	type life struct{ opened, closed int64 }
	until := since + step*int64(n-1)
	const q = `SELECT opened_at, 0 FROM sockets WHERE state = 'open' AND opened_at <= ?2
		UNION ALL SELECT opened_at, closed_at FROM sockets INDEXED BY sockets_closed WHERE closed_at IS NOT NULL AND closed_at > ?1 AND opened_at <= ?2 AND closed_at > opened_at`
	lives, err := query(ctx, db, "open sockets", q, []any{since, until}, func(scan func(...any) error) (l life, err error) {
		err = scan(&l.opened, &l.closed)
		return l, err
	})
	if err != nil {
		return nil, err
	}
	change := make([]int64, n+1) // at each point, against the one before
	point := func(t int64) int64 { return min(max((t-since+step-1)/step, 0), int64(n)) }
	for _, l := range lives {
		change[point(l.opened)]++
		if l.closed != 0 {
			change[point(l.closed)]--
		}
	}
	open := change[:n]
	for i := 1; i < n; i++ {
		open[i] += open[i-1]
	}
	return open, nil
}
