package storage

import (
	"context"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

const selectRequests = `SELECT id, coalesce(run_id, 0), app, started_at, coalesce(duration_ns, 0), coalesce(method, ''), coalesce(url, ''), coalesce(status, 0),
	bytes_in, bytes_out, coalesce(remote_addr, ''), coalesce(error, '') FROM requests`

func scanRequest(scan func(...any) error) (r record.Request, err error) {
	err = scan(&r.ID, &r.RunID, &r.App, &r.StartedAt, &r.DurationNS, &r.Method, &r.URL, &r.Status, &r.BytesIn, &r.BytesOut, &r.RemoteAddr, &r.Error)
	return r, err
}

// Requests returns the requests that f selects, newest first. One that is still served has no duration and no status.
func (db *DB) Requests(ctx context.Context, f record.RequestFilter) ([]record.Request, error) {
	var w where
	w.addIf(f.App != "", "app = ?", f.App)
	w.addIf(f.Method != "", "method = ?", f.Method)
	w.addIf(f.URL != "", `url LIKE ? ESCAPE '\'`, contains(f.URL))
	if f.Status >= 1 && f.Status <= 5 {
		w.addIf(true, "status BETWEEN ? AND ?", f.Status*100, f.Status*100+99)
	} else {
		w.addIf(f.Status != 0, "status = ?", f.Status)
	}
	w.addIf(f.Host != "", "EXISTS (SELECT 1 FROM request_sockets l CROSS JOIN sockets s ON s.id = l.socket_id WHERE l.request_id = requests.id AND "+hostMatch+")",
		contains(f.Host), contains(f.Host))
	w.addIf(f.Rule != "", "id IN (SELECT request_id FROM events INDEXED BY events_rule WHERE rule IS NOT NULL AND rule = ?)", f.Rule)
	w.addIf(f.RunID != 0, "+run_id = ?", f.RunID)
	w.addIf(f.Since != 0, "started_at >= ?", f.Since)
	w.addIf(f.After != 0, "id > ?", f.After)
	w.addIf(f.Before != 0, "id < ?", f.Before)
	q := selectRequests + w.clause() + ` ORDER BY id DESC LIMIT ?`
	return query(ctx, db, "requests", q, append(w.args, limit(f.Limit)), scanRequest)
}

// Request returns one request, or record.ErrNotFound.
func (db *DB) Request(ctx context.Context, id int64) (record.Request, error) {
	return one(query(ctx, db, "request", selectRequests+` WHERE id = ?`, []any{id}, scanRequest))
}
