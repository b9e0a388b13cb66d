package profile

import (
	"bufio"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

func policyOf(t *testing.T, name string) *sandbox.Policy {
	t.Helper()
	p, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := p.Policy()
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

func TestBuiltin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		ftp     sandbox.Mode
		reclaim time.Duration
	}{
		{"appengine", sandbox.ModeEnforce, 2 * time.Minute},
		{"appengine-php", sandbox.ModeOff, 2 * time.Minute},
		{"appengine-10m", sandbox.ModeEnforce, 10 * time.Minute},
		{"open", sandbox.ModeOff, 0},
	} {
		p := policyOf(t, tt.name)
		if p.Profile != tt.name || p.Mode(sandbox.RuleFTP) != tt.ftp || p.Reclaim != tt.reclaim || !p.Billing {
			t.Errorf("%s: name %q, ftp %s, reclaim %s, billing %t; want ftp %s, reclaim %s", tt.name, p.Profile, p.Mode(sandbox.RuleFTP), p.Reclaim, p.Billing, tt.ftp, tt.reclaim)
		}
		for _, r := range sandbox.Rules {
			if p.Rules[r].Source == "" {
				t.Errorf("%s: rule %s has no source", tt.name, r)
			}
			if r.Title() == "" || r.Advice() == "" {
				t.Errorf("rule %s has no title or advice", r)
			}
		}
		for _, r := range sandbox.Resources {
			if p.Quotas[r].Source == "" {
				t.Errorf("%s: quota %s has no source", tt.name, r)
			}
		}
	}
	if got := len(List()); got != len(names) {
		t.Errorf("List has %d profiles, want %d", got, len(names))
	}
}

// TestNumbers holds the quotas against the table that production published.
func TestNumbers(t *testing.T) {
	t.Parallel()
	p := policyOf(t, "")
	for r, want := range map[sandbox.Resource][2]int64{
		"bind": {4800, 864000}, "create": {4800, 864000}, "connect": {4800, 864000},
		"send": {3686400, 663552000}, "receive": {3686400, 663552000},
		"bytes_sent": {113 << 20, 20 << 30}, "bytes_received": {113 << 20, 20 << 30},
	} {
		if l := p.Limit(r); l.PerMinute != want[0] || l.PerDay != want[1] {
			t.Errorf("%s: %d a minute, %d a day, want %d and %d", r, l.PerMinute, l.PerDay, want[0], want[1])
		}
	}
	if p.Deadline != time.Minute || p.Mode(sandbox.RuleDeadline) != sandbox.ModeReport {
		t.Errorf("deadline %s %s, want 1m0s report", p.Deadline, p.Mode(sandbox.RuleDeadline))
	}
}

// TestGoogleRanges compares the difference with the list that was computed independently.
func TestGoogleRanges(t *testing.T) {
	t.Parallel()
	google, err := googleRanges()
	if err != nil {
		t.Fatal(err)
	}
	services, gce := google.services, google.gce
	for _, p := range services {
		if some := overlapping(p, gce); len(some) > 0 {
			t.Errorf("%s is Google's and Compute Engine's (%s)", p, some[0])
		}
	}
	f, err := os.Open(filepath.Join(sharedData(t), "google-services.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var want []netip.Prefix
	for in := bufio.NewScanner(f); in.Scan(); {
		if line := in.Text(); !strings.HasPrefix(line, "#") {
			want = append(want, netip.MustParsePrefix(line))
		}
	}
	if !reflect.DeepEqual(services, want) {
		t.Errorf("%d prefixes, want %d\n%v\n%v", len(services), len(want), services, want)
	}
}

func TestSubtract(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ from, cut, want string }{
		{"10.0.0.0/8", "", "10.0.0.0/8"},
		{"10.0.0.0/8", "10.0.0.0/8", ""},
		{"10.0.0.0/8", "0.0.0.0/0", ""},
		{"10.0.0.0/30", "10.0.0.1/32", "10.0.0.0/32 10.0.0.2/31"},
		{"10.0.0.0/31 10.0.0.2/31", "", "10.0.0.0/30"},
		{"10.0.0.0/31 10.0.0.0/32", "10.0.0.1/32", "10.0.0.0/32"},
		{"2001:db8::/126 10.0.0.0/32", "2001:db8::2/127", "10.0.0.0/32 2001:db8::/127"},
		{"0.0.0.0/0", "128.0.0.0/1", "0.0.0.0/1"},
	} {
		if got := subtract(prefixes(tt.from), prefixes(tt.cut)); !reflect.DeepEqual(got, prefixes(tt.want)) {
			t.Errorf("subtract(%s, %s) = %v, want %s", tt.from, tt.cut, got, tt.want)
		}
	}
}

func prefixes(text string) (all []netip.Prefix) {
	for p := range strings.FieldsSeq(text) {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

func TestOwnProfile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "base.yaml", `
extends: appengine-10m
billing: false
rules: {all: report, port25: enforce}
quotas:
  connect: {per_minute: 5, per_day: unlimited}
  bytes_sent: {per_minute: 1MiB, per_day: 2 GB}
`)
	write(t, dir, "mine.yaml", `
summary: ours
extends: base.yaml
rules:
  listen: {mode: off, source: our own wish}
  private: &e enforce
  loopback: *e
reclaim: {idle: 30s, source: measured}
deadline: never
exceptions:
  - {host: WWW.Google.com., ports: [443, 80]}
`)
	p := policyOf(t, filepath.Join(dir, "mine.yaml"))
	for rule, want := range map[sandbox.Rule]sandbox.Mode{
		"billing": "report", "port25": "enforce", "listen": "off", "private": "enforce", "loopback": "enforce", "ftp": "report",
	} {
		if got := p.Mode(rule); got != want {
			t.Errorf("%s is %s, want %s", rule, got, want)
		}
	}
	if p.Billing || p.Reclaim != 30*time.Second || p.Deadline != 0 || p.Rules["reclaimed"].Source != "measured" || p.Rules["listen"].Source != "our own wish" {
		t.Errorf("billing %t, reclaim %s (%s), deadline %s", p.Billing, p.Reclaim, p.Rules["reclaimed"].Source, p.Deadline)
	}
	if c, b := p.Limit("connect"), p.Limit("bytes_sent"); c.PerMinute != 5 || c.PerDay != sandbox.Unlimited || b.PerMinute != 1<<20 || b.PerDay != 2e9 {
		t.Errorf("connect %+v, bytes_sent %+v", c, b)
	}
	p.Billing = true
	j, err := p.Compile()
	if err != nil {
		t.Fatal(err)
	}
	if e := j.Explain("tcp", "www.google.com:443", []netip.Addr{netip.MustParseAddr("142.250.72.14")}); e.Rule != sandbox.RuleWhitelist {
		t.Errorf("www.google.com:443 is %s by %s, want whitelist", e.Verdict, e.Rule)
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, yaml, want string }{
		{"unknown key", "extend: open\n", `p.yaml:1:1: a profile has no key "extend"; it has name, summary, extends`},
		{"unknown rule", "rules: {listen: off, ports25: off}\n", `p.yaml:1:22: rules has no key "ports25"; it has all, billing, network`},
		{"mode", "rules: {listen: warn}\n", `p.yaml:1:17: rule listen: "warn" is no mode; accepted: enforce, report, off`},
		{"mode of an allowing rule", "rules: {gce: off}\n", "p.yaml:1:14: rule gce allows; it has no mode"},
		{"rule's key", "rules:\n  listen: {mod: off}\n", `p.yaml:2:12: rule listen has no key "mod"; it has mode, source`},
		{"resource", "quotas: {sends: {per_day: 1}}\n", `p.yaml:1:10: quotas has no key "sends"; it has bind, create`},
		{"amount", "quotas: {send: {per_day: 1MiB}}\n", `p.yaml:1:26: quota send: per_day: "1MiB" is not an amount; write a number such as 4800, or unlimited`},
		{"negative", "quotas: {bytes_sent: {per_day: -1}}\n", `"-1" is not an amount; write a number such as 1MiB, 20GB, or unlimited`},
		{"too much", "quotas: {bytes_sent: {per_day: 9999999TiB}}\n", `is not an amount`},
		{"idle", "reclaim: {idle: 120}\n", `p.yaml:1:17: reclaim: "120" is not a duration; write one such as 120s, 2m or 10m, or never`},
		{"billing", "billing: maybe\n", `p.yaml:1:10: billing: "maybe" is neither true nor false`},
		{"base", "extends: nothing\n", `p.yaml:1:10: extends: profile "nothing" does not exist; there are appengine, appengine-php, appengine-10m, open`},
		{"missing file", "extends: ./gone.yaml\n", "gone.yaml: no such file"},
		{"itself", "extends: p.yaml\n", "p.yaml:1:10: extends: p.yaml extends itself"},
		{"port", "exceptions: [{host: a, ports: [0]}]\n", `ports: "0" is not a port from 1 to 65535`},
		{"no ports", "exceptions: [{host: a}]\n", `p.yaml:1:14: an exception names ports from 1 to 65535, or the rules that it lifts on every port`},
		{"host and address", "exceptions: [{host: a, address: 1.1.1.1, ports: [1]}]\n", "a host or an address, and not both"},
		{"exception's network", "exceptions: [{host: a, network: tcp4, ports: [1]}]\n", `p.yaml:1:33: network: "tcp4" is not known; accepted: tcp, udp`},
		{"address", "exceptions: [{address: a, ports: [1]}]\n", `p.yaml:1:24: an exception: address "a" is no IP address; write one such as 10.1.2.3 or 10.1.0.0/16, a name as host`},
		{"prefix", "exceptions: [{address: 10.0.0.0/33, ports: [1]}]\n", `p.yaml:1:24: an exception: address "10.0.0.0/33" is no IP address`},
		{"bits behind a prefix", "exceptions:\n  - {address: 10.1.2.3/16, ports: [1]}\n", "p.yaml:2:5: an exception's prefix 10.1.2.3/16 has bits behind its length; write 10.1.0.0/16"},
		{"exception's rule", "exceptions:\n  - host: a\n    rules: [private, listen]\n", `p.yaml:3:22: rules: there is no exception to "listen"; accepted: port25, ftp, unspecified`},
		{"exception's mode", "exceptions: [{host: a, rules: [private], mode: enforce}]\n", `p.yaml:1:48: mode: "enforce" is not known; accepted: off, report`},
		{"exception to everything", "exceptions: [{rules: [private]}]\n", "p.yaml:1:14: an exception names a host, an address or ports from 1 to 65535; else it would be the rule's mode"},
		{"exception's host", "exceptions: [{host: 10.0.0.1, rules: [private]}]\n", `p.yaml:1:14: an exception's host is a name; write "10.0.0.1" as its address`},
		{"exception's key", "exceptions: [{port: 1}]\n", `p.yaml:1:15: an exception has no key "port"; it has host, address, network, ports, rules, mode, source`},
		{"exception without keys", "exceptions: [db.example.com]\n", `p.yaml:1:14: an exception wants keys with values (key: value), not "db.example.com"`},
		{"exceptions", "exceptions: {host: a}\n", "p.yaml:1:13: exceptions wants a list (lines that begin with -), not keys with values"},
		{"errors", "errors: python\n", `p.yaml:1:9: errors: "python" is not known; accepted: errno, classic`},
		{"list", "[1]\n", "a profile wants keys with values"},
		{"syntax", "rules: {\n", "p.yaml:1:8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(write(t, t.TempDir(), "p.yaml", tt.yaml))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Load of %q: %v\nwant %s", tt.yaml, err, tt.want)
			}
		})
	}
	for name, want := range map[string]string{
		"appengin":      `profile "appengin" does not exist; there are appengine`,
		"./nowhere.yml": "profile ./nowhere.yml: no such file",
	} {
		if _, err := Load(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%q): %v, want %s", name, err, want)
		}
	}
}

// TestMistakesTogether sees that a user learns of all mistakes at once.
func TestMistakesTogether(t *testing.T) {
	t.Parallel()
	_, err := Load(write(t, t.TempDir(), "p.yaml", "rules: {listen: a, bind: b}\nreclaim: c\n"))
	if err == nil || strings.Count(err.Error(), "p.yaml:") != 3 {
		t.Errorf("want three mistakes, got %v", err)
	}
}

// TestPolicyIsOwn sees that a caller's change stays its own.
func TestPolicyIsOwn(t *testing.T) {
	t.Parallel()
	p, err := Load("appengine")
	if err != nil {
		t.Fatal(err)
	}
	first, _ := p.Policy()
	first.Rules[sandbox.RuleListen] = sandbox.RuleSetting{}
	first.Google[0], first.Exceptions[0].Ports[0] = netip.Prefix{}, 1
	second, _ := p.Policy()
	if second.Mode(sandbox.RuleListen) != sandbox.ModeEnforce || !second.Google[0].IsValid() || second.Exceptions[0].Ports[0] != 53 {
		t.Error("a change of one policy reaches the next")
	}
	if !strings.Contains(p.Text(), "extends") && !strings.Contains(p.Text(), "rules:") {
		t.Errorf("Text is %q", p.Text())
	}
}
