package storage

import (
	"context"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// Denials returns denials counted by app, rule, call site and destination, the one denied last first. Since selects those
// with a denial at or after it, Before and After compare the newest denial's event; RunID counts within that run. For a
// SocketID or RequestID its own denials are counted. Kinds and Ascending have no meaning here.
func (db *DB) Denials(ctx context.Context, f record.EventFilter) ([]record.Denial, error) {
	if f.SocketID != 0 || f.RequestID != 0 {
		return db.countDenials(ctx, f)
	}
	var w, having where
	w.addIf(f.App != "", "d.app = ?", f.App)
	w.addIf(f.Rule != "", "d.rule = ?", f.Rule)
	w.addIf(f.RunID != 0, "d.run_id = ?", f.RunID)
	w.addIf(f.Host != "", `(d.destination LIKE ? ESCAPE '\' OR d.remote_addr LIKE ? ESCAPE '\')`, contains(f.Host), contains(f.Host))
	having.addIf(f.Since != 0, "max(d.last_at) >= ?", f.Since)
	having.addIf(f.Before != 0, "max(d.last_event) < ?", f.Before)
	having.addIf(f.After != 0, "max(d.last_event) > ?", f.After)
	q := `WITH picked AS (SELECT max(d.last_event) AS id, sum(d.count) AS count, min(d.first_at) AS first_at FROM denials d` + w.clause() +
		` GROUP BY d.app, d.rule, d.call_site, d.destination` + having.having() + ` ORDER BY id DESC LIMIT ?)
		SELECT d.last_event, d.run_id, d.app, coalesce(e.socket_id, 0), coalesce(e.request_id, 0), coalesce(e.at, d.last_at), 'deny', coalesce(e.bytes, 0), coalesce(e.duration_ns, 0),
		d.rule, coalesce(e.error, ''), coalesce(e.detail, ''), d.network, d.host, d.remote_addr, d.call_site,
		coalesce(q.method || ' ' || q.url, ''), coalesce(q.status, 0), p.count, p.first_at
		FROM picked p JOIN denials d ON d.last_event = p.id LEFT JOIN events e ON e.id = p.id LEFT JOIN requests q ON q.id = e.request_id ORDER BY p.id DESC`
	args := append(append(w.args, having.args...), limit(f.Limit))
	return query(ctx, db, "denials", q, args, func(scan func(...any) error) (d record.Denial, err error) {
		err = scan(append(eventFields(&d.Event), &d.Count, &d.FirstAt)...)
		return d, err
	})
}

// countDenials counts the denials of one socket or one request, which are few.
func (db *DB) countDenials(ctx context.Context, f record.EventFilter) ([]record.Denial, error) {
	n := limit(f.Limit)
	f.Kinds, f.Limit, f.Ascending = []string{"deny"}, -1, false
	events, err := db.Events(ctx, f)
	if err != nil {
		return nil, err
	}
	type key struct{ app, rule, callSite, destination string }
	at := map[key]int{}
	var all []record.Denial
	for _, e := range events {
		k := key{e.App, e.Rule, e.CallSite, destination(e.Host, e.RemoteAddr)}
		i, ok := at[k]
		if !ok {
			i = len(all)
			at[k] = i
			all = append(all, record.Denial{Event: e})
		}
		all[i].Count++
		all[i].FirstAt = e.At
	}
	if n >= 0 && len(all) > n {
		all = all[:n]
	}
	return all, nil
}
