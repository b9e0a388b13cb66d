package web

import (
	"net/netip"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

const (
	testLimits = `App Engine, "Sockets API", limitations and restrictions`
	testQuotas = `App Engine, "Quotas", table Sockets (April 2016)`
)

// testPolicy has a rule in each mode, a quota that is used up, one that is set by hand and one without limit.
func testPolicy() *sandbox.Policy {
	p := &sandbox.Policy{
		Profile: "appengine", Billing: true, Reclaim: 2 * time.Minute, Deadline: time.Minute, Rules: map[sandbox.Rule]sandbox.RuleSetting{},
		Quotas: map[sandbox.Resource]sandbox.Limit{}, Google: []netip.Prefix{netip.MustParsePrefix("8.8.8.0/24"), netip.MustParsePrefix("142.250.0.0/15")},
		Exceptions: []sandbox.Exception{
			{Addr: netip.MustParseAddr("8.8.8.8"), Ports: []uint16{53}, Source: testLimits},
			{Host: "smtp.gmail.com", Network: "tcp", Ports: []uint16{465, 587}, Source: testLimits},
		},
	}
	for _, r := range sandbox.Rules {
		setting := sandbox.RuleSetting{Source: testLimits}
		if !r.Allows() {
			setting.Mode = sandbox.ModeEnforce
		}
		p.Rules[r] = setting
	}
	p.Rules[sandbox.RuleDeadline] = sandbox.RuleSetting{Mode: sandbox.ModeReport}
	p.Rules[sandbox.RuleFTP] = sandbox.RuleSetting{Mode: sandbox.ModeOff, Source: testLimits}
	for _, r := range []sandbox.Resource{sandbox.ResourceBind, sandbox.ResourceCreate, sandbox.ResourceConnect} {
		p.Quotas[r] = sandbox.Limit{PerMinute: 4800, PerDay: 864_000, Source: testQuotas}
	}
	for _, r := range []sandbox.Resource{sandbox.ResourceSend, sandbox.ResourceReceive} {
		p.Quotas[r] = sandbox.Limit{PerMinute: 3_686_400, PerDay: 663_552_000, Source: testQuotas}
	}
	p.Quotas[sandbox.ResourceBytesSent] = sandbox.Limit{PerMinute: 113 << 20, PerDay: 20 << 30, Source: testQuotas}
	p.Quotas[sandbox.ResourceBytesReceived] = sandbox.Limit{PerMinute: 113 << 20, PerDay: 20 << 30, Source: testQuotas}
	return p
}

// judging is an Explainer with one stand-in.
type judging struct{ *sandbox.Judge }

func (j judging) Explain(network, address string, answers []netip.Addr) Explained {
	x := Explained{Explanation: j.Judge.Explain(network, address, answers)}
	if address == "db.example.com:5432" {
		x.Standin, x.Here = "127.0.0.1:5432", "A stand-in serves it: 127.0.0.1:5432."
	}
	return x
}

// testDay is the day in Pacific time that holds now, in winter.
func testDay(now time.Time) Day {
	zone := time.FixedZone("PST", -8*3600)
	year, month, day := now.In(zone).Date()
	return Day{Start: time.Date(year, month, day, 0, 0, 0, 0, zone), End: time.Date(year, month, day+1, 0, 0, 0, 0, zone)}
}

// testUse is what a busy app has used, minute and day.
var testUse = map[sandbox.Resource][2]int64{
	sandbox.ResourceBind: {0, 310}, sandbox.ResourceCreate: {4800, 51_243}, sandbox.ResourceConnect: {4800, 864_000},
	sandbox.ResourceSend: {1204, 90_211}, sandbox.ResourceReceive: {2380, 160_034},
	sandbox.ResourceBytesSent: {32_700_000, 1_810_000_000}, sandbox.ResourceBytesReceived: {101 << 20, 4_022_000_000},
}

// counted are an app's quotas as the supervisor tells them; use holds what is used in the minute and the day.
func counted(app string, p *sandbox.Policy, now time.Time, use map[sandbox.Resource][2]int64) []Quota {
	var rows []Quota
	day := testDay(now)
	for i, window := range []string{"minute", "day"} {
		for _, r := range sandbox.Resources {
			limit := p.Limit(r)
			q := Quota{Mode: p.Mode(sandbox.RuleQuota), Source: limit.Source, WindowEnd: now.Truncate(time.Minute).Add(time.Minute).UnixNano()}
			q.QuotaUsage = record.QuotaUsage{App: app, Resource: string(r), Window: window, WindowStart: now.Truncate(time.Minute).UnixNano(), Used: use[r][i], Limit: limit.PerMinute}
			if window == "day" {
				q.Limit, q.WindowStart, q.WindowEnd = limit.PerDay, day.Start.UnixNano(), day.End.UnixNano()
			}
			rows = append(rows, q)
		}
	}
	return rows
}

// ruled gives an app the policy, and what it has used of its quotas.
func ruled(app App, p *sandbox.Policy, now time.Time, use map[sandbox.Resource][2]int64) App {
	judge, err := p.Compile()
	if err != nil {
		panic(err)
	}
	app.Policy, app.Explainer, app.Quotas = p, judging{judge}, counted(app.Name, p, now, use)
	return app
}

// timed says what the sandbox's clock shows at now.
func timed(s State, now time.Time) State {
	s.Time = now.Add(s.Offset)
	s.Day = testDay(s.Time)
	return s
}

// overQuota adds a dial that went over a quota, twice today and once before, and what a rule in mode report let through.
func overQuota(r *recording) {
	s := r.add(record.Socket{Network: "tcp", Host: "cache.example.com", RemoteAddr: "93.184.216.35:6379", OpenedAt: r.now.Add(-15 * time.Second).UnixNano(), ClosedAt: r.now.UnixNano(),
		State: "denied", CallSite: "cache.go:31", Rule: "quota", Request: "GET /orders/7", RequestID: 63})
	for _, ago := range []time.Duration{24 * time.Second, 15 * time.Second} {
		r.happen(s, record.Event{Kind: "deny", At: r.now.Add(-ago).UnixNano(), Rule: "quota", Status: 500,
			Error: "The API call remote_socket.Connect() required more quota than is available.", Detail: "A quota of the app is used up; production refuses the call until it is refilled."})
	}
	sent := r.add(record.Socket{Network: "tcp", Host: "api.example.org", RemoteAddr: "93.184.216.39:443", OpenedAt: r.now.Add(-14 * time.Second).UnixNano(), LastAt: r.now.UnixNano(), State: "open", CallSite: "rates.go:61"})
	for range 3 {
		r.happen(sent, record.Event{Kind: "send", At: r.now.Add(-9 * time.Second).UnixNano(), Rule: "quota", Bytes: 412})
	}
}

// with changes the policy of all apps.
func with(state func() State, change func(*sandbox.Policy), names ...string) func() State {
	return func() State {
		s := state()
		first := s.Apps[0]
		s.Apps = nil
		for _, name := range append([]string{first.Name}, names...) {
			p := testPolicy()
			change(p)
			app := first
			app.Name = name
			s.Apps = append(s.Apps, ruled(app, p, s.Time.Add(-s.Offset), testUse))
		}
		return s
	}
}
