package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// quotasData is all that templates/quotas.html may name.
type quotasData struct {
	frame
	Minute refill
	Day    refill
	Apps   []quotaApp
}

// refill is when a window ends.
type refill struct {
	In   time.Duration
	Here string // 08:00, or 5 March, 08:00 when that is not today: on this machine
}

// Clock is the countdown, and InMS what live.js counts down from.
func (r refill) Clock() string { return minutes(r.In) }
func (r refill) InMS() int64   { return r.In.Milliseconds() }

// quotaApp is one app's table.
type quotaApp struct {
	App
	Rows     []quotaLine
	Limits   []limitSource
	Sent     int64 // bytes, today
	Cost     string
	Refused  []failure // calls of today that went over a limit
	More     string    // address of all of them
	Reported bool      // they were let through
}

// Enforced, Reports and Counts tell what happens at a limit.
func (a quotaApp) Enforced() bool { return a.quotaMode() == sandbox.ModeEnforce }
func (a quotaApp) Reports() bool  { return a.quotaMode() == sandbox.ModeReport }
func (a quotaApp) Counts() bool   { return !a.Enforced() && !a.Reports() }

// Free tells that the app has no billing: its calls fail before a quota is asked.
func (a quotaApp) Free() bool {
	return a.Policy != nil && !a.Policy.Billing && a.Policy.Mode(sandbox.RuleBilling) == sandbox.ModeEnforce
}

// quotaLine is one resource.
type quotaLine struct {
	Resource, Title string
	Minute, Day     meter
}

// limitSource is where the limits of some resources come from.
type limitSource struct {
	Resources string // "" for all of them
	Source    string
}

// refusedRows is how many places that went over a limit stand on the page.
const refusedRows = 5

func (c *console) quotasPage(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, err := c.frame(ctx, r, "Quotas")
	if err != nil {
		return err
	}
	data := quotasData{frame: f, Minute: f.State.minuteRefill(), Day: f.State.dayRefill()}
	for _, app := range f.State.Apps {
		a, err := c.quotaApp(ctx, app, f)
		if err != nil {
			return err
		}
		data.Apps = append(data.Apps, a)
	}
	return c.render(w, http.StatusOK, "quotas", data)
}

func (c *console) quotaApp(ctx context.Context, app App, f frame) (quotaApp, error) {
	a := quotaApp{App: app, Rows: quotaLines(app), Limits: limitSources(app), Sent: app.sentToday()}
	a.Cost, a.Reported = cost(a.Sent), a.Reports()
	// Events carry real time: today began when so much of it had passed by the sandbox's clock.
	since := f.State.backBy(f.State.Time.Sub(f.State.Day.Start), f.Now)
	filter := record.EventFilter{App: app.Name, Rule: string(sandbox.RuleQuota), Since: since.UnixNano(), Limit: refusedRows + 1}
	var rows []record.Denial
	var err error
	if a.Reported {
		rows, err = c.reported(ctx, filter)
	} else {
		rows, err = c.Source.Denials(ctx, filter)
		a.More = denialsToday(app, f, since)
	}
	for _, d := range rows[:min(len(rows), refusedRows)] {
		if d.FirstAt < filter.Since {
			d.Count = 1 // the others are of another day
		}
		a.Refused = append(a.Refused, denialFailure(d, f.State))
	}
	return a, err
}

// denialsToday is the address of the page with today's denials by quota.
func denialsToday(app App, f frame, since time.Time) string {
	what := filter{Rule: string(sandbox.RuleQuota), Since: f.Now.Sub(since).Truncate(time.Minute) + time.Minute}
	if f.Several() {
		what.App = app.Name
	}
	return pageAddress("/denials", what.String(), 0)
}

// reported counts the newest calls that went over a limit and were let through, by place.
func (c *console) reported(ctx context.Context, f record.EventFilter) ([]record.Denial, error) {
	f.Limit = defaultLimit
	events, err := c.Source.Events(ctx, f)
	var rows []record.Denial
	for _, e := range events {
		if e.Kind == "deny" { // from when the rule was not in mode report
			continue
		}
		i := slices.IndexFunc(rows, func(d record.Denial) bool {
			return d.Kind == e.Kind && d.CallSite == e.CallSite && d.Host == e.Host && d.RemoteAddr == e.RemoteAddr
		})
		if i < 0 {
			i = len(rows)
			rows = append(rows, record.Denial{Event: e})
		}
		rows[i].Count++
		rows[i].FirstAt = e.At
	}
	return rows, err
}

func quotaLines(app App) []quotaLine {
	var lines []quotaLine
	for _, r := range sandbox.Resources {
		perMinute, ok := app.quota(r, "minute")
		perDay, known := app.quota(r, "day")
		if ok && known {
			lines = append(lines, quotaLine{Resource: string(r), Title: resourceTitles[r], Minute: newMeter(perMinute), Day: newMeter(perDay)})
		}
	}
	return lines
}

// limitSources groups the resources by where their limits come from. One source for all needs no names.
func limitSources(app App) []limitSource {
	var all []limitSource
	for _, r := range sandbox.Resources {
		q, ok := app.quota(r, "day")
		if !ok || q.Source == "" {
			continue
		}
		i := slices.IndexFunc(all, func(l limitSource) bool { return l.Source == q.Source })
		if i < 0 {
			all = append(all, limitSource{Resources: string(r), Source: q.Source})
			continue
		}
		all[i].Resources += ", " + string(r)
	}
	if len(all) == 1 && strings.Count(all[0].Resources, ",") == len(sandbox.Resources)-1 {
		all[0].Resources = ""
	}
	return all
}

// minuteRefill is the end of the present minute by the sandbox's clock.
func (s State) minuteRefill() refill {
	return s.refillAt(s.Time.Truncate(time.Minute).Add(time.Minute))
}

// dayRefill is the end of production's present day.
func (s State) dayRefill() refill { return s.refillAt(s.Day.End) }

func (s State) refillAt(end time.Time) refill {
	return refill{In: end.Sub(s.Time), Here: hereAt(end, s.Time)}
}

// hereAt writes a time as this machine's clocks show it, with the date when it is not today's.
func hereAt(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return t.Format("2 January, 15:04")
}

// quotaRow is a row of /api/v1/quotas: those of the recording's table quota_usage as they are now, and more. Times are
// nanoseconds since 1970 by the sandbox's clock; a limit below 0 is none.
type quotaRow struct {
	Quota
	Left    *int64  `json:"left,omitempty"`     // missing when there is no limit
	Limited bool    `json:"limited"`            // nothing is left
	CostUSD float64 `json:"cost_usd,omitempty"` // of the bytes sent today
}

// apiQuotas answers with what all running apps have used, or one of them (?app=).
func (c *console) apiQuotas(w http.ResponseWriter, r *http.Request) error {
	apps, err := c.askedApps(newParams(r.URL.Query()))
	if err != nil {
		return err
	}
	var rows []quotaRow
	for _, app := range apps {
		for _, q := range app.Quotas {
			rows = append(rows, newQuotaRow(q))
		}
	}
	writeRows(w, r, rows, "", 0)
	return nil
}

func newQuotaRow(q Quota) quotaRow {
	row := quotaRow{Quota: q, Limited: q.usedUp()}
	if q.limited() {
		left := q.left()
		row.Left = &left
	}
	if q.Resource == string(sandbox.ResourceBytesSent) && q.Window == "day" {
		row.CostUSD = costUSD(q.Used)
	}
	return row
}

// askedApps are the running apps, or the one that ?app= names.
func (c *console) askedApps(p *params) ([]App, error) {
	name := p.text("app")
	if err := p.err(); err != nil {
		return nil, err
	}
	apps := c.State().Apps
	if name == "" {
		return apps, nil
	}
	i := slices.IndexFunc(apps, func(a App) bool { return a.Name == name })
	if i < 0 {
		return nil, noSuchApp(name, apps)
	}
	return apps[i : i+1], nil
}

func noSuchApp(name string, apps []App) *problem {
	var names []string
	for _, app := range apps {
		names = append(names, app.Name)
	}
	return problemf(http.StatusNotFound, "No such app", "No app %q runs here; there is %s.", name, strings.Join(names, ", "))
}

// resetQuotas starts usage afresh: {"app": "guestbook"}, or that of all apps.
func (c *console) resetQuotas(w http.ResponseWriter, r *http.Request) error {
	if c.Controls == nil {
		return errNoControls
	}
	fields, err := bodyFields(r, "app")
	if err != nil {
		return err
	}
	names, err := c.Controls.ResetQuotas(r.Context(), fields["app"])
	if errors.Is(err, record.ErrNotFound) {
		return noSuchApp(fields["app"], c.State().Apps)
	}
	if err != nil {
		return notDone(err)
	}
	return done(w, r, fields, map[string][]string{"reset": names})
}
