package otlp

import (
	"encoding/json"
	"strconv"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

type metricsMessage struct {
	Resources []resourceMetrics `json:"resourceMetrics"`
}

type resourceMetrics struct {
	Resource resource       `json:"resource"`
	Scopes   []scopeMetrics `json:"scopeMetrics"`
}

type scopeMetrics struct {
	Scope   scope    `json:"scope"`
	Metrics []metric `json:"metrics"`
}

// quotas is what is used of the quotas of one app.
type quotas struct{ used, limit gauge }

// metricsBody is the request with what is used of quotas, and how many points it has; nil without any. at tells of what
// time a row speaks, and whether it is to be sent.
func metricsBody(usage []record.QuotaUsage, at func(record.QuotaUsage) (int64, bool)) (body []byte, points int, err error) {
	of := map[string]*quotas{}
	var apps []string
	for _, u := range usage {
		t, ok := at(u)
		if !ok {
			continue
		}
		q := of[u.App]
		if q == nil {
			q = &quotas{}
			of[u.App], apps = q, append(apps, u.App)
		}
		points += q.add(u, t)
	}
	if points == 0 {
		return nil, 0, nil
	}
	var m metricsMessage
	for _, app := range apps {
		m.Resources = append(m.Resources, resourceMetrics{
			resourceOf(record.Run{App: app}), []scopeMetrics{{scope{scopeName}, of[app].metrics()}},
		})
	}
	body, err = json.Marshal(m)
	return body, points, err
}

// add adds the points of a row: an unlimited resource has no limit to tell.
func (q *quotas) add(u record.QuotaUsage, at int64) (points int) {
	var a attributes
	a.text("devserver.quota.resource", u.Resource)
	a.text("devserver.quota.window", u.Window)
	a.text("devserver.app", u.App)
	q.used.Points = append(q.used.Points, point{nanos(at), strconv.FormatInt(u.Used, 10), a})
	if u.Limit < 0 {
		return 1
	}
	q.limit.Points = append(q.limit.Points, point{nanos(at), strconv.FormatInt(u.Limit, 10), a})
	return 2
}

// metrics are the two gauges. Calls and bytes share them, so the unit is the resource's: 1.
func (q *quotas) metrics() []metric {
	all := []metric{{Name: "devserver.quota.used", Description: "Used of a quota in its window", Unit: "1", Gauge: q.used}}
	if len(q.limit.Points) > 0 {
		all = append(all, metric{Name: "devserver.quota.limit", Description: "Limit of a quota in its window", Unit: "1", Gauge: q.limit})
	}
	return all
}
