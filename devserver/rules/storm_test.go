package rules

import (
	"strconv"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

func noQuotas(p *sandbox.Policy) { p.Quotas = nil }

// TestManyDenials finds each of many denials in the journal, with its line, and no descriptor left behind.
func TestManyDenials(t *testing.T) {
	t.Parallel()
	const n = 10_000
	got := start(t, "probe", run{Args: []string{"denied", echo(t), strconv.Itoa(n)}, Change: noQuotas})
	wantLines(t, got, "descriptors left 0")
	wantDenials(t, got, n, marked(t, "probe/storm.go", "denied"))
}

func TestManySockets(t *testing.T) {
	t.Parallel()
	const n = 2000
	addr := echo(t)
	got := start(t, "probe", run{Args: []string{"many", addr, strconv.Itoa(n)}, Change: noQuotas, Standins: []sandbox.Standin{{Local: addr}}})
	wantLines(t, got, "descriptors open "+strconv.Itoa(n), "descriptors left 0")
	for _, k := range []sandbox.Kind{sandbox.KindCreate, sandbox.KindConnect, sandbox.KindSend, sandbox.KindClose} {
		sockets := map[uint64]bool{}
		for _, e := range got.of(k) {
			sockets[e.Socket] = true
		}
		if len(sockets) != n || len(got.of(k)) != n {
			t.Errorf("%d %s events of %d sockets, want one of each of %d", len(got.of(k)), k, len(sockets), n)
		}
	}
}

// TestStorm starts goroutines from goroutines while the collector runs without pause and overwrites what it frees.
func TestStorm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, debug string
		rounds      int
		flags       []string
	}{
		{"plain", "clobberfree=1", 6, nil},
		{"checked", "gccheckmark=1,clobberfree=1", 1, nil},
		{"race", "clobberfree=1", 1, []string{"-race"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.flags != nil {
				needsC(t)
			}
			got := start(t, "probe", run{
				Args: []string{"storm", echo(t), strconv.Itoa(tt.rounds)}, Change: noQuotas, Flags: tt.flags,
				Env: []string{"GOGC=5", "GODEBUG=" + tt.debug},
			})
			wantLines(t, got, "over 1")
			wantDenials(t, got, tt.rounds*729, marked(t, "probe/storm.go", "leaf"))
		})
	}
}

// wantDenials fails unless there are n denials, each with that line.
func wantDenials(t *testing.T, r result, n int, site string) {
	t.Helper()
	denied := r.of(sandbox.KindDeny)
	if len(denied) != n {
		t.Errorf("%d denials in the journal, want %d", len(denied), n)
	}
	for _, e := range denied {
		if e.Rule != sandbox.RuleLoopback || e.Info.CallSite != site {
			t.Fatalf("denied by %s at %s, want loopback at %s", e.Rule, e.Info.CallSite, site)
		}
	}
}
