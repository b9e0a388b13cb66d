package storage

import (
	"context"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// RunCounts returns how many requests and sockets each run has, by its id; one with neither is not there.
func (db *DB) RunCounts(ctx context.Context) (map[int64]record.RunCounts, error) {
	type row struct{ run, requests, sockets int64 }
	q := `SELECT run_id, sum(r), sum(s) FROM (
		SELECT run_id, count(*) AS r, 0 AS s FROM requests WHERE run_id IS NOT NULL GROUP BY run_id UNION ALL
		SELECT run_id, 0, count(*) FROM sockets WHERE run_id IS NOT NULL GROUP BY run_id) GROUP BY run_id`
	rows, err := query(ctx, db, "run counts", q, nil, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.run, &r.requests, &r.sockets)
		return r, err
	})
	counts := make(map[int64]record.RunCounts, len(rows))
	for _, r := range rows {
		counts[r.run] = record.RunCounts{Requests: r.requests, Sockets: r.sockets}
	}
	return counts, err
}
