package storage

import (
	"context"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// DenialRows returns the rows of the table denials that f selects, in the order of their ids. Where a program wanted to go
// stands nowhere else, once a socket was denied more than one destination.
func (db *DB) DenialRows(ctx context.Context, f record.DenialFilter) ([]record.DenialRow, error) {
	var w where
	w.addIf(f.App != "", "app = ?", f.App)
	w.addIf(f.RunID != 0, "run_id = ?", f.RunID)
	w.addIf(f.After != 0, "id > ?", f.After)
	q := `SELECT id, run_id, app, rule, call_site, destination, network, host, remote_addr, count, first_at, last_at, last_event FROM denials` +
		w.clause() + ` ORDER BY id LIMIT ?`
	return query(ctx, db, "denials", q, append(w.args, limit(f.Limit)), func(scan func(...any) error) (d record.DenialRow, err error) {
		err = scan(&d.ID, &d.RunID, &d.App, &d.Rule, &d.CallSite, &d.Destination, &d.Network, &d.Host, &d.RemoteAddr,
			&d.Count, &d.FirstAt, &d.LastAt, &d.LastEvent)
		return d, err
	})
}
