package web

import (
	"fmt"
	"strconv"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// resourceTitles are the names of the resources for people.
var resourceTitles = map[sandbox.Resource]string{
	sandbox.ResourceBind: "Binds", sandbox.ResourceCreate: "Sockets created", sandbox.ResourceConnect: "Connects",
	sandbox.ResourceSend: "Sends", sandbox.ResourceReceive: "Receives",
	sandbox.ResourceBytesSent: "Bytes sent", sandbox.ResourceBytesReceived: "Bytes received",
}

// nearLimit is the part of a limit, in percent, from which on a meter warns.
const nearLimit = 80

// limited reports whether the quota has a limit that production asks for.
func (q Quota) limited() bool { return q.Limit >= 0 && q.Mode != sandbox.ModeOff }

// left is what may still be used; it means nothing without a limit.
func (q Quota) left() int64 { return max(q.Limit-q.Used, 0) }

// usedUp reports whether nothing is left of it.
func (q Quota) usedUp() bool { return q.limited() && q.left() == 0 }

// part is how much is used, in percent from 0 to 100.
func (q Quota) part() float64 {
	switch {
	case !q.limited():
		return 0
	case q.Limit == 0:
		return 100
	}
	return min(100*float64(q.Used)/float64(q.Limit), 100)
}

// amount writes a number of the quota's resource. Its limits are binary numbers (113 MB of the documents are MiB), so
// bytes are written in binary units.
func (q Quota) amount(n int64) string {
	if r := sandbox.Resource(q.Resource); r == sandbox.ResourceBytesSent || r == sandbox.ResourceBytesReceived {
		return binarySize(n)
	}
	return count(n)
}

// meter is a quota as a bar with its numbers.
type meter struct {
	Label string // for those who do not see the bar: Connects this minute
	Part  string // percent; "" when there is no limit, and no bar
	Width string // of the bar, percent: what is used at all is seen
	Class string // full, near or ""
	Text  string // 51,240 of 864,000
	Left  string // 812,760 left
	Up    bool   // nothing is left
}

func newMeter(q Quota) meter {
	m := meter{Label: resourceTitles[sandbox.Resource(q.Resource)] + " " + windowWords(q.Window), Up: q.usedUp()}
	if !q.limited() {
		m.Text = q.amount(q.Used) + ", no limit"
		if q.Limit >= 0 {
			m.Text = q.amount(q.Used) + ", only counted"
		}
		return m
	}
	m.Text = fmt.Sprintf("%s of %s", q.amount(q.Used), q.amount(q.Limit))
	m.Left = q.amount(q.left()) + " left"
	width := q.part()
	if q.Used > 0 {
		width = max(width, narrowest)
	}
	m.Part, m.Width = strconv.FormatFloat(q.part(), 'f', 2, 64), strconv.FormatFloat(width, 'f', 2, 64)
	switch {
	case m.Up:
		m.Class = "full"
	case q.part() >= nearLimit:
		m.Class = "near"
	}
	return m
}

func windowWords(window string) string {
	if window == "minute" {
		return "this minute"
	}
	return "today"
}

// meterGroup is the meters of one app as the overview shows them.
type meterGroup struct {
	App  string
	Rows []meterRow
}

type meterRow struct {
	ID, Title string
	Meter     meter
	Day       bool // of the day; else of the minute
}

// meterGroups are the quotas that are worth a look: those of the minute that are in use or used up, and those of the day
// that are nearly used up. An app without any is left out.
func meterGroups(s State) []meterGroup {
	var groups []meterGroup
	for _, app := range s.Apps {
		group := meterGroup{App: app.Name}
		for _, q := range app.Quotas {
			day := q.Window == "day"
			if day && q.part() < nearLimit || !day && q.Used == 0 && !q.usedUp() {
				continue
			}
			group.Rows = append(group.Rows, meterRow{
				ID: "meter-" + app.Name + "-" + q.Window + "-" + q.Resource, Title: resourceTitles[sandbox.Resource(q.Resource)], Meter: newMeter(q), Day: day,
			})
		}
		if len(group.Rows) > 0 {
			groups = append(groups, group)
		}
	}
	return groups
}

// quota returns the app's quota of a resource in a window.
func (a App) quota(r sandbox.Resource, window string) (Quota, bool) {
	for _, q := range a.Quotas {
		if q.Resource == string(r) && q.Window == window {
			return q, true
		}
	}
	return Quota{}, false
}

// quotaMode is the mode of the app's rule quota.
func (a App) quotaMode() sandbox.Mode {
	if len(a.Quotas) == 0 {
		return sandbox.ModeOff
	}
	return a.Quotas[0].Mode
}

// usedUp reports whether nothing is left of some quota of some app.
func (s State) usedUp() bool {
	for _, app := range s.Apps {
		for _, q := range app.Quotas {
			if q.usedUp() {
				return true
			}
		}
	}
	return false
}
