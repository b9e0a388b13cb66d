package devserver

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/web"
)

// explained are stand-ins of every kind.
var explained = []sandbox.Standin{
	{Host: "db.example.com", Port: 5432, Address: netip.MustParseAddr("93.184.216.34"), Local: "127.0.0.1:5432", Label: "127.0.0.1:5432"},
	{Host: "intern.example.com", Port: 5432, Address: netip.MustParseAddr("10.1.2.3"), Local: "127.0.0.1:5433", Label: "127.0.0.1:5433"},
	{Host: "whois.example.com", Port: 43, Local: "127.0.0.1:4343", Label: "builtin:whois"},
	{Host: "mail.example.com", Port: 25, Local: "127.0.0.1:2525", Label: "builtin:smtp"},
	{Host: "93.184.216.40", Port: 80, Local: "127.0.0.1:8081", Label: "127.0.0.1:8081"},
	{Local: "127.0.0.1:6379", Label: "127.0.0.1:6379"},
}

func testExplainer(t *testing.T, change func(*sandbox.Policy)) (explainer, *sandbox.Policy) {
	t.Helper()
	p, err := profile.Load("")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := p.Policy()
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(policy)
	}
	e, err := newExplainer(policy, explained)
	if err != nil {
		t.Fatal(err)
	}
	return e, policy
}

// TestExplainStandins: the console says what the app's run does, stand-ins included. What it says is held against the
// sandbox that a worker asks.
func TestExplainStandins(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		network, address, answers string
		verdict                   sandbox.Verdict
		rule                      sandbox.Rule
		standin, text             string // text is part of what is said
	}{
		{"tcp", "db.example.com:5432", "", sandbox.Allow, sandbox.RulePublic, "127.0.0.1:5432", "A stand-in serves it"},
		{"tcp", "DB.example.com.:5432", "", sandbox.Allow, sandbox.RulePublic, "127.0.0.1:5432", ""},
		{"tcp", "93.184.216.34:5432", "", sandbox.Allow, sandbox.RulePublic, "127.0.0.1:5432", ""},
		{"tcp", "db.example.com:80", "", sandbox.Allow, sandbox.RulePublic, "", "refused here and never leaves the machine"},
		{"tcp", "db.example.com:25", "", sandbox.Deny, sandbox.RulePort25, "", ""},
		{"tcp", "intern.example.com:5432", "", sandbox.Deny, sandbox.RulePrivate, "", "10.1.2.3"},
		{"tcp", "whois.example.com:43", "", sandbox.Allow, sandbox.RulePublic, "builtin:whois", "counts as a public address"},
		{"tcp", "whois.example.com:44", "", sandbox.Allow, sandbox.RulePublic, "", "refused here"},
		{"tcp", "mail.example.com:25", "", sandbox.Deny, sandbox.RulePort25, "", ""},
		{"tcp", "93.184.216.40:80", "", sandbox.Allow, sandbox.RulePublic, "127.0.0.1:8081", ""},
		{"tcp", "93.184.216.40:81", "", sandbox.Allow, sandbox.RulePublic, "", ""},
		{"tcp", "127.0.0.1:6379", "", sandbox.Report, sandbox.RuleLoopback, "127.0.0.1:6379", "may be reached here"},
		{"tcp", "[::ffff:127.0.0.1]:6379", "", sandbox.Report, sandbox.RuleLoopback, "127.0.0.1:6379", ""},
		{"tcp", "127.0.0.1:6380", "", sandbox.Deny, sandbox.RuleLoopback, "", ""},
		{"tcp", "example.org:80", "93.184.216.34", sandbox.Allow, sandbox.RulePublic, "", ""},
		{"unix", "db.example.com:5432", "", sandbox.Deny, sandbox.RuleNetwork, "", ""},
	} {
		e, policy := testExplainer(t, nil)
		var answers []netip.Addr
		if tt.answers != "" {
			answers = []netip.Addr{netip.MustParseAddr(tt.answers)}
		}
		x := e.Explain(tt.network, tt.address, answers)
		said := x.Reason + " " + x.Here
		if x.Verdict != tt.verdict || x.Rule != tt.rule || x.Standin != tt.standin || !strings.Contains(said, tt.text) {
			t.Errorf("%s %s: %+v, want %+v", tt.network, tt.address, x, tt)
		}
		if (x.Verdict == sandbox.Deny) != (x.Error != "") || x.Network != tt.network || x.Address != tt.address || x.Source == "" {
			t.Errorf("%s %s is not whole: %+v", tt.network, tt.address, x)
		}
		holdAgainstWorker(t, policy, x, tt.network, tt.address, answers)
	}
}

// holdAgainstWorker makes the call in the sandbox of a worker.
func holdAgainstWorker(t *testing.T, p *sandbox.Policy, x web.Explained, network, address string, answers []netip.Addr) {
	t.Helper()
	box, err := sandbox.New(sandbox.Config{Policy: p, Standins: explained})
	if err != nil {
		t.Fatal(err)
	}
	target, _ := box.Judge().Text(network, address)
	err = box.Text(network, address, sandbox.Origin{})
	route := sandbox.Route{}
	if err == nil && network != "unix" {
		addr := target.Addr
		if known, ok := box.StandinHost(target.Host); ok {
			addr = known[0]
		} else if len(answers) > 0 {
			addr = answers[0]
		}
		box.Resolved(target.Host, []netip.Addr{addr}, 0, 0, nil, sandbox.Origin{})
		_, route, err = box.Dial(network, target.Host, netip.AddrPort{}, netip.AddrPortFrom(addr, target.Port), sandbox.Origin{})
	}
	refused := strings.Contains(x.Here, "refused here")
	if (err != nil) != (x.Verdict == sandbox.Deny || refused) {
		t.Errorf("%s %s is explained as %s, and a worker says %v", network, address, x.Verdict, err)
	}
	if err == nil && route.Standin != (x.Standin != "") {
		t.Errorf("%s %s is explained as served by %q, and a worker goes to %+v", network, address, x.Standin, route)
	}
}

// TestExplainByOverrides: billing and modes are those of the run.
func TestExplainByOverrides(t *testing.T) {
	t.Parallel()
	free, _ := testExplainer(t, func(p *sandbox.Policy) { p.Billing = false })
	for _, address := range []string{"db.example.com:5432", "whois.example.com:43", "127.0.0.1:6379", "93.184.216.34:80"} {
		if x := free.Explain("tcp", address, nil); x.Verdict != sandbox.Deny || x.Rule != sandbox.RuleBilling || x.Standin != "" || x.Error == "" {
			t.Errorf("without billing %s: %+v", address, x)
		}
	}
	report, _ := testExplainer(t, func(p *sandbox.Policy) {
		p.Rules[sandbox.RulePort25] = sandbox.RuleSetting{Mode: sandbox.ModeReport, Source: "here"}
	})
	if x := report.Explain("tcp", "mail.example.com:25", nil); x.Verdict != sandbox.Report || x.Rule != sandbox.RulePort25 || x.Standin != "builtin:smtp" || x.Error != "" || x.Advice == "" {
		t.Errorf("reported only: %+v", x)
	}
}

// TestExplainAnything: whatever is asked, there is an answer with a rule.
func TestExplainAnything(t *testing.T) {
	t.Parallel()
	e, _ := testExplainer(t, nil)
	for _, network := range []string{"", "tcp", "udp6", "unix", "ip4:icmp", "\x00", strings.Repeat("n", 5000)} {
		for _, address := range []string{"", ":", ":80", "host", "[::1", "127.0.0.1", "localhost:6379", "1.2.3.4:99999", "\xff:1", "%:1", strings.Repeat("a", 5000) + ":1", "[fe80::1%eth0]:80", "db.example.com:0"} {
			for _, answers := range [][]netip.Addr{nil, {}, {{}}, {netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::1")}} {
				if x := e.Explain(network, address, answers); !x.Rule.Known() || x.Verdict == "" || x.Reason == "" {
					t.Errorf("Explain(%.20q, %.20q, %v) = %+v", network, address, answers, x)
				}
			}
		}
	}
}

func TestExplainFlags(t *testing.T) {
	t.Parallel()
	abs, err := filepath.Abs("mine.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		o    JudgeOptions
		want []string
	}{
		{JudgeOptions{}, nil},
		{JudgeOptions{Config: "/shop/devserver.yaml"}, []string{"--config", "/shop/devserver.yaml"}},
		{JudgeOptions{Profile: "appengine-php", NoBilling: true}, []string{"--profile", "appengine-php", "--no-billing"}},
		{JudgeOptions{Profile: "mine.yaml"}, []string{"--profile", abs}},
	} {
		if got := tt.o.absolute().Flags(); !slices.Equal(got, tt.want) {
			t.Errorf("%+v: flags %q, want %q", tt.o, got, tt.want)
		}
	}
}
