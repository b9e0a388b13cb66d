package devserver

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// A Quota is what an app has used of a resource in the minute or the day that holds the time of Quotas. Times are
// nanoseconds since 1970 by the sandbox's clock.
type Quota struct {
	App       string `json:"app"`
	Resource  string `json:"resource"`
	Window    string `json:"window"` // minute, day
	Start     int64  `json:"window_start"`
	End       int64  `json:"window_end"` // when it is refilled
	Used      int64  `json:"used"`
	Limit     int64  `json:"limit"`                // below 0: unlimited
	UsedUp    bool   `json:"used_up"`              // calls that need it are refused until End
	LastStart int64  `json:"last_start,omitempty"` // of the window that the recording tells of, when that is another one
	LastUsed  int64  `json:"last_used,omitempty"`  // in that window
}

// Quotas are what a recording tells of the use of quotas at a time.
type Quotas struct {
	At   time.Time // by the sandbox's clock
	Rows []Quota   // by app, then in the order of sandbox.Resources, the minute before the day
	Last time.Time // start of the newest minute that the recording has numbers of; zero: of none
}

// Quotas returns the use of quotas at the time now by the sandbox's clock, of an app or of all for "". A recording may
// be old: what was used in windows that are over is not shown as used. Apps whose day is over are left out, unless all
// are or it is the app that is asked for.
func (r *Recording) Quotas(ctx context.Context, app string, now time.Time) (Quotas, error) {
	usage, err := r.db.Usage(ctx, "")
	if err != nil {
		return Quotas{}, err
	}
	if err := knownApp(app, usage); err != nil {
		return Quotas{}, err
	}
	q := Quotas{At: now}
	today := map[string]bool{}
	for _, u := range usage {
		row, ok := quotaAt(u, now)
		if !ok || app != "" && u.App != app {
			continue
		}
		q.Rows = append(q.Rows, row)
		today[u.App] = today[u.App] || row.LastStart == 0
		if start := time.Unix(0, u.WindowStart); u.Window == minuteWindow && start.After(q.Last) {
			q.Last = start
		}
	}
	if slices.ContainsFunc(q.Rows, func(r Quota) bool { return today[r.App] }) {
		q.Rows = slices.DeleteFunc(q.Rows, func(r Quota) bool { return !today[r.App] })
	}
	slices.SortStableFunc(q.Rows, func(a, b Quota) int {
		return cmp.Or(strings.Compare(a.App, b.App), cmp.Compare(resourceOrder(a.Resource), resourceOrder(b.Resource)), strings.Compare(b.Window, a.Window))
	})
	return q, nil
}

// The words of quota_usage.window.
const (
	minuteWindow = "minute"
	dayWindow    = "day"
)

func resourceOrder(name string) int { return slices.Index(sandbox.Resources, sandbox.Resource(name)) }

// knownApp refuses an app that the recording does not know.
func knownApp(app string, usage []record.QuotaUsage) error {
	var names []string
	for _, u := range usage {
		names = append(names, u.App)
	}
	if app == "" || slices.Contains(names, app) {
		return nil
	}
	if len(names) == 0 {
		return fmt.Errorf("the recording has no quotas of %q yet; they are written once it runs", app)
	}
	slices.Sort(names)
	return fmt.Errorf("the recording has no quotas of an app %q; it has those of %s", app, strings.Join(slices.Compact(names), ", "))
}

// quotaAt is the row at now; ok is false for a window that this version does not know.
func quotaAt(u record.QuotaUsage, now time.Time) (q Quota, ok bool) {
	var start, end time.Time
	switch u.Window {
	case minuteWindow:
		start = now.Truncate(time.Minute) // since year 1, whose minutes are those of 1970
		end = start.Add(time.Minute)
	case dayWindow:
		start, end = quotaDay(now)
	default:
		return Quota{}, false
	}
	q = Quota{App: u.App, Resource: u.Resource, Window: u.Window, Start: start.UnixNano(), End: end.UnixNano(), Used: u.Used, Limit: u.Limit}
	if u.WindowStart < q.Start || u.WindowStart >= q.End {
		q.Used, q.LastStart, q.LastUsed = 0, u.WindowStart, u.Used
	}
	q.UsedUp = q.Limit >= 0 && q.Used >= q.Limit
	return q, true
}

// Borders returns when the minute and production's day that hold t end, at which their quotas are refilled.
func Borders(t time.Time) (minute, midnight time.Time) {
	_, midnight = quotaDay(t)
	return t.Truncate(time.Minute).Add(time.Minute), midnight
}

// InProduction is t as the clocks of production's quotas show it: Pacific time.
func InProduction(t time.Time) time.Time { return t.In(pacific) }

// OutgoingPrice is what production charges for sent bytes, in US dollars for a decimal GB: sockets' traffic is billed as
// outgoing bandwidth and nothing of it is free, received bytes are ("App Engine Pricing", April 2016; App Engine,
// "Overview of the Sockets API", 2016).
const OutgoingPrice = 0.12

// SentCost is what n sent bytes cost, in US dollars.
func SentCost(n int64) float64 { return float64(n) / 1e9 * OutgoingPrice }
