package devserver

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
	"github.com/seed-d81df0db/devserver/web"
)

// controls is what the console may change.
type controls struct {
	*fleet
	db     *storage.DB
	quotas *quotaBook
}

var _ web.Controls = controls{}

// ResetQuotas starts the usage of an app afresh, of all apps for "", and returns when that is in the recording.
func (c controls) ResetQuotas(ctx context.Context, app string) ([]string, error) {
	return c.quotas.reset(ctx, app)
}

// CloseSocket closes an open socket by hand and returns when that is in the recording.
func (c controls) CloseSocket(ctx context.Context, id int64) error {
	s, err := c.db.Socket(ctx, id)
	if err != nil {
		return err
	}
	c.mu.Lock()
	i := slices.IndexFunc(c.workers, func(v *version) bool { return v.run == s.RunID })
	var holder []*version
	if i >= 0 {
		holder = []*version{c.workers[i]}
	}
	c.mu.Unlock()
	if s.State != "open" || holder == nil {
		return fmt.Errorf("socket %d is not open: %w", id, record.ErrNotFound)
	}
	return each(ctx, holder, func(ctx context.Context, v *version) error { return v.Worker.CloseSocket(ctx, uint64(id)) })
}
