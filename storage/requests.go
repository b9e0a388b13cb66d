package storage

import (
	"context"
	"slices"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

const selectRequests = `SELECT q.id, coalesce(q.run_id, 0), q.app, q.started_at, coalesce(q.duration_ns, 0), coalesce(q.method, ''), coalesce(q.url, ''), coalesce(q.status, 0),
	q.bytes_in, q.bytes_out, coalesce(q.remote_addr, ''), coalesce(q.error, ''), coalesce(q.proto, '') FROM requests q`

func scanRequest(scan func(...any) error) (r record.Request, err error) {
	err = scan(&r.ID, &r.RunID, &r.App, &r.StartedAt, &r.DurationNS, &r.Method, &r.URL, &r.Status, &r.BytesIn, &r.BytesOut, &r.RemoteAddr, &r.Error, &r.Proto)
	return r, err
}

// newest is how many of the newest requests, or events, are looked at before an index is asked: what is frequent is found among
// them at once, and what is not is rare enough for the index.
const newest = 4000

// Requests returns the requests that f selects, newest first, or oldest first with Ascending. One that is still served has no duration and no status.
func (db *DB) Requests(ctx context.Context, f record.RequestFilter) ([]record.Request, error) {
	w, n := requestWhere(f), limit(f.Limit)
	found := requestIndex(f)
	ask := func(w where) ([]record.Request, error) {
		return query(ctx, db, "requests", selectRequests+w.clause()+` ORDER BY q.id `+direction(f.Ascending)+` LIMIT ?`, append(w.args, n), scanRequest)
	}
	if len(found.terms) == 0 {
		return ask(w)
	}
	if n > 0 && !f.Ascending {
		near := where{slices.Clone(w.terms), slices.Clone(w.args)}
		near.addIf(true, "q.id >= (SELECT coalesce(min(id), 0) FROM (SELECT id FROM requests WHERE id < ? ORDER BY id DESC LIMIT ?))", before(f.Before), db.newest)
		if all, err := ask(near); err != nil || len(all) == n {
			return all, err
		}
	}
	w.addIf(true, found.terms[0], found.args...)
	return ask(w)
}

// before is the id below which a filter's rows are.
func before(id int64) int64 {
	if id == 0 {
		return 1 << 62
	}
	return id
}

// requestWhere are all conditions of f, in words that no index is asked for.
func requestWhere(f record.RequestFilter) (w where) {
	w.addIf(f.App != "", "q.app = ?", f.App)
	w.addIf(f.Method != "", "q.method = ?", f.Method)
	w.addIf(f.URL != "", `q.url LIKE ? ESCAPE '\'`, contains(f.URL))
	low, high := statuses(f.Status)
	w.addIf(f.Status != 0, "+q.status BETWEEN ? AND ?", low, high)
	w.addIf(f.RunID != 0, "+q.run_id = ?", f.RunID)
	w.addIf(f.Since != 0, "q.started_at >= ?", f.Since)
	w.addIf(f.MinDuration != 0, "q.duration_ns >= ?", f.MinDuration)
	w.addIf(f.Rule != "", rulesRequests, f.Rule)
	if f.Host != "" {
		w.addIf(true, "EXISTS (SELECT 1 FROM request_sockets l JOIN sockets s ON s.id = l.socket_id WHERE l.request_id = q.id AND "+hostMatch+")",
			contains(f.Host), contains(f.Host))
	}
	w.addIf(f.After != 0, "q.id > ?", f.After)
	w.addIf(f.Before != 0, "q.id < ?", f.Before)
	return w
}

// rulesRequests are the requests with an event that a rule spoke about.
const rulesRequests = "q.id IN (SELECT e.request_id FROM events e INDEXED BY events_rule WHERE e.rule IS NOT NULL AND e.rule = ?)"

// statuses is what RequestFilter.Status stands for.
func statuses(s int) (low, high int) {
	if s >= 1 && s <= 5 {
		return s * 100, s*100 + 99
	}
	return s, s
}

// requestIndex is the condition, of those that an index answers, that the fewest requests meet. None: all are read in order.
func requestIndex(f record.RequestFilter) (w where) {
	low, high := statuses(f.Status)
	switch {
	case f.After != 0 || f.Rule != "":
	case f.Host != "":
		w.addIf(true, "q.id IN (SELECT l.request_id FROM sockets s INDEXED BY sockets_peer CROSS JOIN request_sockets l INDEXED BY request_sockets_socket ON l.socket_id = s.id WHERE "+hostMatch+")",
			contains(f.Host), contains(f.Host))
	case f.Status != 0 && low/100 != 2:
		w.addIf(true, "q.id IN (SELECT id FROM requests INDEXED BY requests_status WHERE status NOT BETWEEN 200 AND 299 AND status BETWEEN ? AND ?)", low, high)
	case f.RunID != 0:
		w.addIf(true, "q.id IN (SELECT id FROM requests INDEXED BY requests_run WHERE run_id = ?)", f.RunID)
	case f.App != "":
		w.addIf(true, `q.id IN (SELECT id FROM requests INDEXED BY requests_run WHERE run_id IN (SELECT id FROM runs WHERE app = ?)
			UNION ALL SELECT id FROM requests INDEXED BY requests_run WHERE run_id IS NULL)`, f.App)
	}
	return w
}

// Request returns one request, or record.ErrNotFound.
func (db *DB) Request(ctx context.Context, id int64) (record.Request, error) {
	return one(query(ctx, db, "request", selectRequests+` WHERE q.id = ?`, []any{id}, scanRequest))
}
