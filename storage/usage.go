package storage

import (
	"context"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// WriteUsage stores what is used of quotas, one row for each app, resource and window; a newer window takes the row
// of the older.
func (db *DB) WriteUsage(ctx context.Context, usage []record.QuotaUsage) error {
	return db.update("write quota usage", func(w *writer) error {
		for _, u := range usage {
			_, err := w.exec(`INSERT INTO quota_usage (app, resource, "window", window_start, used, "limit") VALUES (?, ?, ?, ?, ?, ?)
				ON CONFLICT (app, resource, "window") DO UPDATE SET window_start = excluded.window_start, used = excluded.used, "limit" = excluded."limit"`,
				u.App, u.Resource, u.Window, u.WindowStart, u.Used, u.Limit)
			if err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// Usage returns the stored use of quotas of an app, of all apps for "".
func (db *DB) Usage(ctx context.Context, app string) ([]record.QuotaUsage, error) {
	const q = `SELECT app, resource, "window", window_start, used, "limit" FROM quota_usage WHERE ?1 = '' OR app = ?1 ORDER BY app, resource, "window"`
	return query(ctx, db, "quota usage", q, []any{app}, func(scan func(...any) error) (u record.QuotaUsage, err error) {
		err = scan(&u.App, &u.Resource, &u.Window, &u.WindowStart, &u.Used, &u.Limit)
		return u, err
	})
}
