package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

func TestMeters(t *testing.T) {
	t.Parallel()
	const e, r, off = sandbox.ModeEnforce, sandbox.ModeReport, sandbox.ModeOff
	for _, tt := range []struct {
		resource         string
		mode             sandbox.Mode
		used, limit      int64
		text, left, part string
		class            string
		up               bool
	}{
		{"connect", e, 0, 4800, "0 of 4,800", "4,800 left", "0.00", "", false},
		{"connect", e, 3840, 4800, "3,840 of 4,800", "960 left", "80.00", "near", false},
		{"connect", e, 4799, 4800, "4,799 of 4,800", "1 left", "99.98", "near", false},
		{"connect", e, 4800, 4800, "4,800 of 4,800", "0 left", "100.00", "full", true},
		{"connect", r, 5000, 4800, "5,000 of 4,800", "0 left", "100.00", "full", true}, // let through
		{"connect", off, 5000, 4800, "5,000, only counted", "", "", "", false},
		{"connect", e, 5000, sandbox.Unlimited, "5,000, no limit", "", "", "", false},
		{"connect", e, 0, 0, "0 of 0", "0 left", "100.00", "full", true}, // nothing is allowed
		{"bytes_sent", e, 1 << 20, 113 << 20, "1 MiB of 113 MiB", "112 MiB left", "0.88", "", false},
		{"bytes_received", e, 0, 20 << 30, "0 B of 20 GiB", "20 GiB left", "0.00", "", false},
	} {
		q := Quota{QuotaUsage: record.QuotaUsage{Resource: tt.resource, Window: "minute", Used: tt.used, Limit: tt.limit}, Mode: tt.mode}
		m := newMeter(q)
		if m.Text != tt.text || m.Left != tt.left || m.Part != tt.part || m.Class != tt.class || m.Up != tt.up {
			t.Errorf("%s %s %d of %d: %+v, want %+v", tt.resource, tt.mode, tt.used, tt.limit, m, tt)
		}
		if tt.used > 0 && m.Part != "" && m.Width == "0.00" {
			t.Errorf("%s %d of %d is used, and its bar is not seen", tt.resource, tt.used, tt.limit)
		}
	}
}

// TestCost: 0.12 US$ for each GB of 10^9 bytes, nothing free (facts, section 3).
func TestCost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		bytes int64
		want  string
	}{
		{0, "nothing"},
		{1, "less than US$ 0.01"},
		{41_000_000, "less than US$ 0.01"},
		{1_000_000_000, "about US$ 0.12"},
		{1 << 30, "about US$ 0.13"},  // 0.1288
		{20 << 30, "about US$ 2.58"}, // a day's quota
		{1_000_000_000_000, "about US$ 120.00"},
	} {
		if got := cost(tt.bytes); got != tt.want {
			t.Errorf("cost(%d) = %s, want %s", tt.bytes, got, tt.want)
		}
	}
}

func TestBinarySize(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1 MiB", 113 << 20: "113 MiB", 20 << 30: "20 GiB", 1<<63 - 1: "8 EiB",
	} {
		if got := binarySize(n); got != want {
			t.Errorf("binarySize(%d) = %s, want %s", n, got, want)
		}
	}
}

// TestMeterGroups: the overview shows what is in use this minute and what is nearly used up today; zero is quiet.
func TestMeterGroups(t *testing.T) {
	t.Parallel()
	app := ruled(App{Name: "guestbook"}, testPolicy(), noon, map[sandbox.Resource][2]int64{
		sandbox.ResourceSend: {1, 1}, sandbox.ResourceConnect: {0, 700_000}, sandbox.ResourceBind: {0, 600_000},
	})
	groups := meterGroups(State{Apps: []App{{Name: "quiet"}, app}})
	var got []string
	for _, g := range groups {
		for _, row := range g.Rows {
			got = append(got, row.ID)
		}
	}
	if want := "meter-guestbook-minute-send meter-guestbook-day-connect"; strings.Join(got, " ") != want {
		t.Errorf("meters %v, want %s", got, want)
	}
}

// TestQuotaModes: what happens at a limit is said.
func TestQuotaModes(t *testing.T) {
	t.Parallel()
	data := lively(noon)
	overQuota(data)
	mode := func(m sandbox.Mode) func(*sandbox.Policy) {
		return func(p *sandbox.Policy) { p.Rules[sandbox.RuleQuota] = sandbox.RuleSetting{Mode: m} }
	}
	for _, tt := range []struct {
		name   string
		change func(*sandbox.Policy)
		want   []string
		not    []string
	}{
		{"enforce", mode(sandbox.ModeEnforce), []string{"Limited", "Refused today", "2 times", "/denials?q=since%3A4h1m&#43;rule%3Aquota"}, []string{"only reports", "rates.go"}},
		{"report", mode(sandbox.ModeReport), []string{"Limited", "only reports here", "let through", "rates.go:61</b> sent to api.example.org:443", "3 times"}, []string{"Refused today", "cache.go"}},
		{"off", mode(sandbox.ModeOff), []string{"is off here", "4,800, only counted"}, []string{"Limited"}},
		{"no billing", func(p *sandbox.Policy) { p.Billing = false }, []string{"without billing"}, nil},
		{"by hand", func(p *sandbox.Policy) {
			p.Quotas[sandbox.ResourceSend] = sandbox.Limit{PerMinute: 5, PerDay: -1, Source: "set by hand"}
		}, []string{"1,204 of 5", "90,211, no limit", "Limits of", "set by hand"}, nil},
	} {
		body := get(newConsole(t, data, with(full, tt.change), nil), "/quotas").Body.String()
		for _, want := range tt.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the page lacks %q", tt.name, want)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(body, not) {
				t.Errorf("%s: the page says %q", tt.name, not)
			}
		}
	}
}

// TestQuotaDenialsOfToday: the day began at midnight Pacific by the sandbox's clock, whatever real time says.
func TestQuotaDenialsOfToday(t *testing.T) {
	t.Parallel()
	data := &recording{now: noon}
	overQuota(data)
	for _, tt := range []struct {
		name string
		move ClockMove
		want bool
	}{
		{"not moved", ClockMove{At: noon.Add(-time.Hour), By: time.Minute}, true},
		{"moved to a new day after it", ClockMove{At: noon.Add(-time.Second), By: 20 * time.Hour}, false},
		{"moved to a new day before it", ClockMove{At: noon.Add(-time.Minute), By: 21 * time.Hour}, true},
	} {
		state := func() State {
			s := with(full, func(*sandbox.Policy) {})()
			s.Offset, s.Moves = tt.move.By, []ClockMove{tt.move}
			return timed(s, noon)
		}
		body := get(newConsole(t, data, state, nil), "/quotas").Body.String()
		if got := strings.Contains(body, "Refused today"); got != tt.want {
			t.Errorf("%s: the denial is of today: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestQuotaRows(t *testing.T) {
	t.Parallel()
	handler := newConsole(t, lively(noon), with(full, func(p *sandbox.Policy) {
		p.Quotas[sandbox.ResourceSend] = sandbox.Limit{PerMinute: sandbox.Unlimited, PerDay: 10}
	}, "orders"), nil)
	var rows []map[string]any
	w := ask(handler, "GET", "/api/v1/quotas", "")
	if err := json.Unmarshal(w.Body.Bytes(), &rows); err != nil || w.Code != http.StatusOK || len(rows) != 2*2*7 {
		t.Fatalf("%d rows, %v: %s", len(rows), err, w.Body)
	}
	for _, row := range rows {
		left, limited := row["left"]
		switch {
		case row["resource"] == "send" && row["window"] == "minute":
			if limited || row["limit"] != -1.0 || row["limited"] != false {
				t.Errorf("without a limit: %v", row)
			}
		case row["resource"] == "connect":
			if left != 0.0 || row["limited"] != true || row["mode"] != "enforce" || row["source"] != testQuotas {
				t.Errorf("used up: %v", row)
			}
		}
		if (row["cost_usd"] != nil) != (row["resource"] == "bytes_sent" && row["window"] == "day") {
			t.Errorf("a cost is told of %v", row)
		}
		if start, end := row["window_start"].(float64), row["window_end"].(float64); end <= start {
			t.Errorf("the window is %v to %v", start, end)
		}
	}
	one := ask(handler, "GET", "/api/v1/quotas?app=orders", "")
	if strings.Contains(one.Body.String(), "guestbook") || !strings.Contains(one.Body.String(), "orders") {
		t.Errorf("?app=orders answers %s", one.Body)
	}
}
