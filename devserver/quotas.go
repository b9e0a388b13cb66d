package devserver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/web"
)

// usageEvery is how often the use of quotas is written down.
const usageEvery = time.Second

// quotaBook writes down what all apps use of their quotas. The workers count in pages that they share with it; what it
// reads of them is what is used now.
type quotaBook struct {
	sup *supervisor

	mu   sync.Mutex                 // held while the recording is written, so that it never goes back
	last map[record.QuotaUsage]bool // what the recording holds; guarded by mu
}

func newQuotaBook(s *supervisor) *quotaBook { return &quotaBook{sup: s} }

// run writes until ctx ends and once more then.
func (b *quotaBook) run(ctx context.Context) {
	tick := time.NewTicker(usageEvery)
	defer tick.Stop()
	for {
		if err := b.write(context.Background()); err != nil {
			b.sup.notices.warnOnce("%v; the recording's quotas are out of date", err)
		}
		if ctx.Err() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// write writes down what has changed.
func (b *quotaBook) write(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.sup.fleet.clockNow()
	present := map[record.QuotaUsage]bool{}
	var changed []record.QuotaUsage
	for _, a := range b.sup.apps {
		a.countDay(now)
		for _, q := range a.quotas(now) {
			present[q.QuotaUsage] = true
			if !b.last[q.QuotaUsage] {
				changed = append(changed, q.QuotaUsage)
			}
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if err := b.sup.db.WriteUsage(ctx, changed); err != nil {
		return err
	}
	b.last = present
	return nil
}

// reset starts usage afresh and returns when that is in the recording.
func (b *quotaBook) reset(ctx context.Context, app string) (names []string, err error) {
	for _, a := range b.sup.apps {
		if app == "" || a.name == app {
			a.usage.Reset()
			names = append(names, a.name)
		}
	}
	if names == nil {
		return nil, fmt.Errorf("app %q: %w", app, record.ErrNotFound)
	}
	defer b.sup.touch()
	if err := b.write(ctx); err != nil {
		return nil, fmt.Errorf("usage is reset, but the recording does not say so yet: %w", err)
	}
	return names, nil
}

// quotas is what the app has used at now, by the sandbox's clock.
func (a *app) quotas(now int64) []web.Quota {
	windows := a.usage.Snapshot(now)
	a.mu.Lock()
	policy, sourceOf := a.policy, a.sourceOf
	a.mu.Unlock()
	mode := policy.Mode(sandbox.RuleQuota)
	rows := make([]web.Quota, 0, len(windows))
	for _, w := range windows {
		limit := policy.Limit(w.Resource)
		row := web.Quota{WindowEnd: w.End, Mode: mode, Source: sourceOf[w.Resource]}
		row.QuotaUsage = record.QuotaUsage{App: a.name, Resource: string(w.Resource), Window: w.Window, WindowStart: w.Start, Used: w.Used, Limit: limit.PerDay}
		if w.Window == "minute" {
			row.Limit = limit.PerMinute
		}
		rows = append(rows, row)
	}
	return rows
}

// limitSources tells where each limit comes from. A limit that is not production's own any more does not rest on
// production's documents, although the policy still names them.
func limitSources(p *sandbox.Policy) map[sandbox.Resource]string {
	of := map[sandbox.Resource]string{}
	documented := map[sandbox.Resource]sandbox.Limit{}
	if own, err := profile.Load(profile.Default); err == nil {
		if policy, err := own.Policy(); err == nil {
			documented = policy.Quotas
		}
	}
	for _, r := range sandbox.Resources {
		l := p.Limit(r)
		of[r] = l.Source
		d, ok := documented[r]
		if ok && l.Source == d.Source && l != d {
			of[r] = fmt.Sprintf("set by the profile or devserver.yaml; production has %d a minute and %d a day (%s)", d.PerMinute, d.PerDay, d.Source)
		}
	}
	return of
}
