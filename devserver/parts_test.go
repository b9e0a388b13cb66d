package devserver

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// TestObserver: what is told of events, once for each rule and call site.
func TestObserver(t *testing.T) {
	t.Parallel()
	var told []Denied
	var reclaimed atomic.Int64
	o := newObserver("shop", newNotifier(func(n Notice) { told = append(told, n.(Denied)) }), &reclaimed)
	var listens []string
	o.listens = func(addr string) { listens = append(listens, addr) }
	info := func(host, remote, site string) *sandbox.Info {
		return &sandbox.Info{Network: "tcp", Host: host, Remote: remote, CallSite: site}
	}
	o.see([]sandbox.Event{
		{Kind: sandbox.KindRequestBegin, Request: 1, Req: &sandbox.RequestInfo{Method: "GET", URL: "/a"}},
		{Kind: sandbox.KindDeny, Socket: 1, Request: 1, Rule: "port25", Detail: "why", Info: info("mail.example.com", "mail.example.com:25", "a.go:1")},
		{Kind: sandbox.KindDeny, Socket: 2, Request: 1, Rule: "port25", Info: info("other.example.com", "other.example.com:25", "a.go:1")},
		{Kind: sandbox.KindRequestEnd, Request: 1, Req: &sandbox.RequestInfo{Status: 200}},
		{Kind: sandbox.KindDeny, Socket: 3, Request: 1, Rule: "port25", Info: info("", "192.0.2.1:25", "b.go:2")},
		{Kind: sandbox.KindCreate, Socket: 4, Info: info("db.example.com", "10.0.0.1:5432", "c.go:3")},
		{Kind: sandbox.KindConnect, Socket: 4, Rule: "private"},
		{Kind: sandbox.KindConnect, Socket: 5, Rule: "public", Info: info("", "93.184.216.34:80", "d.go:4")},
		{Kind: sandbox.KindReclaim, Socket: 5, Rule: "reclaimed"},
		{Kind: sandbox.KindSend, Socket: 5, Rule: "reclaimed", Error: "write: broken pipe"},
		{Kind: sandbox.KindDeny, Socket: 6, Rule: "listen", Info: &sandbox.Info{Network: "tcp", Local: "0.0.0.0:9090"}},
		{Kind: sandbox.KindResolve, Rule: "unresolved", Error: "no such host", Detail: "a.example has no address"},
		{Kind: sandbox.KindResolve, Rule: "unresolved", Error: "no such host", Detail: "b.example has no address"},
		{Kind: sandbox.KindResolve, Rule: "unresolved", Error: "no such host", Detail: "a.example has no address"},
		{Kind: sandbox.KindSend, Socket: 4, Rule: "reclaimed"}, // the rule only reports: it was sent
		{Kind: sandbox.KindReceive, Socket: 4, Rule: "deadline", Detail: "too long"},
	})
	want := []Denied{
		{App: "shop", Rule: "port25", Network: "tcp", Destination: "mail.example.com:25", CallSite: "a.go:1", Reason: "why", Request: "GET /a"},
		{App: "shop", Rule: "port25", Network: "tcp", Destination: "192.0.2.1:25", Addr: "192.0.2.1", CallSite: "b.go:2"},
		{App: "shop", Rule: "private", Network: "tcp", Destination: "db.example.com:5432", Addr: "10.0.0.1", CallSite: "c.go:3", Report: true},
		{App: "shop", Rule: "listen", Network: "tcp", Destination: "0.0.0.0:9090"},
		{App: "shop", Rule: "unresolved", Reason: "a.example has no address"},
		{App: "shop", Rule: "unresolved", Reason: "b.example has no address"},
		{App: "shop", Rule: "reclaimed", Network: "tcp", Destination: "db.example.com:5432", Addr: "10.0.0.1", CallSite: "c.go:3", Report: true},
		{App: "shop", Rule: "deadline", Network: "tcp", Destination: "db.example.com:5432", Addr: "10.0.0.1", CallSite: "c.go:3", Reason: "too long", Report: true},
	}
	for i := range want {
		want[i].Advice = sandbox.Rule(want[i].Rule).Advice()
	}
	if !slices.Equal(told, want) {
		t.Errorf("told\n%+v\nwant\n%+v", told, want)
	}
	if reclaimed.Load() != 1 || !slices.Equal(listens, []string{"0.0.0.0:9090"}) {
		t.Errorf("%d reclaimed, listens on %q", reclaimed.Load(), listens)
	}
	if len(o.requests) != 0 || len(o.sockets) != 1 {
		t.Errorf("%d requests and %d sockets are remembered, want the open socket", len(o.requests), len(o.sockets))
	}
}

// TestEnforcedDeadline: the operation that was cut off has an event of its own kind, and was not let through.
func TestEnforcedDeadline(t *testing.T) {
	t.Parallel()
	for _, cutsOff := range []bool{false, true} {
		var told []Denied
		n := newNotifier(func(n Notice) { told = append(told, n.(Denied)) })
		n.of["shop"] = judged{cutsOff: cutsOff}
		o := newObserver("shop", n, new(atomic.Int64))
		o.see([]sandbox.Event{{Kind: sandbox.KindReceive, Socket: 4, Rule: "deadline", Error: "cancelled", Info: &sandbox.Info{CallSite: "c.go:3"}}})
		if len(told) != 1 || told[0].Report == cutsOff {
			t.Errorf("enforced %v: told %+v", cutsOff, told)
		}
	}
}

func TestQuotaDay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		at, start string
		hours     float64
	}{
		{"2026-01-15T07:59:59Z", "2026-01-14T08:00:00Z", 24},
		{"2026-01-15T08:00:00Z", "2026-01-15T08:00:00Z", 24},
		{"2026-07-01T06:59:59Z", "2026-06-30T07:00:00Z", 24},
		{"2026-03-08T12:00:00Z", "2026-03-08T08:00:00Z", 23}, // summer time begins
		{"2026-11-01T12:00:00Z", "2026-11-01T07:00:00Z", 25}, // and ends
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		start, end := quotaDay(at)
		if got := start.UTC().Format(time.RFC3339); got != tt.start || end.Sub(start).Hours() != tt.hours {
			t.Errorf("quotaDay(%s) begins at %s and has %v hours, want %s and %v", tt.at, got, end.Sub(start).Hours(), tt.start, tt.hours)
		}
	}
}

// TestPages: counters outlive their holders, and a damaged file is begun anew.
func TestPages(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ids")
	open := func() *ids {
		t.Helper()
		i, err := openIDs(path)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	i := open()
	i.SetFloor(41, 7)
	other := open()
	if socket, request := other.NextSocket(), i.NextRequest(); socket != 42 || request != 8 {
		t.Errorf("the next ids are %d and %d, want 42 and 8", socket, request)
	}
	i.Close()
	other.Close()
	if info, err := os.Stat(path); err != nil || info.Size() != sandbox.PageSize || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	for _, text := range []string{"", "short", "another program's file, which begins with what no page begins with"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		i := open()
		if got := i.NextSocket(); got != 1 {
			t.Errorf("after %q the first id is %d", text, got)
		}
		i.Close()
	}
	if _, err := openIDs(filepath.Join(path, "x")); err == nil {
		t.Error("a page below a file is opened")
	}
}

// TestCacheBelowFile is not parallel: it changes the environment.
func TestCacheBelowFile(t *testing.T) {
	s := newSite(t, map[string]string{"main.go": source})
	t.Setenv("DEVSERVER_CACHE", filepath.Join(s.dir, "main.go", "cache"))
	err := Run(t.Context(), s.opts)
	if err == nil || !strings.Contains(err.Error(), "DEVSERVER_CACHE") {
		t.Errorf("Run = %v, want the way out", err)
	}
}
