package sandbox_test

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	. "github.com/seed-d81df0db/devserver/sandbox"
)

// excepting is strict with exceptions of each form.
func excepting(more ...Exception) *Policy {
	p := strict()
	p.Exceptions = append(more, p.Exceptions...)
	return p
}

var exceptions = []Exception{
	{Host: "db.example.com", Ports: []uint16{5432}, Rules: []Rule{RulePrivate}, Source: "the database of the office"},
	{Host: "*.corp.example", Network: "tcp", Rules: []Rule{RulePrivate, RulePort25}},
	{Host: "seen.example", Rules: []Rule{RuleLoopback}, Mode: ModeReport},
	{Addr: netip.MustParseAddr("::ffff:10.9.9.9"), Rules: []Rule{RulePrivate}},
	{Prefix: netip.MustParsePrefix("10.7.0.0/16"), Ports: []uint16{21, 25, 80}, Rules: []Rule{RulePrivate, RulePort25}},
	{Prefix: netip.MustParsePrefix("10.7.0.0/16"), Ports: []uint16{21}, Rules: []Rule{RuleFTP}, Mode: ModeReport},
	{Ports: []uint16{9999}, Rules: []Rule{RuleLoopback, RuleUnspecified}},
	{Host: "www.google.com", Ports: []uint16{443}},
}

func TestExceptions(t *testing.T) {
	t.Parallel()
	j := compile(t, excepting(exceptions...))
	for _, tt := range []struct {
		network, address string
		answers          []netip.Addr
		want             Verdict
		rule             Rule
	}{
		{"tcp", "db.example.com:5432", addrs("10.1.2.3"), Allow, RuleWhitelist},
		{"tcp", "DB.Example.com.:5432", addrs("10.1.2.3"), Allow, RuleWhitelist},
		{"udp", "db.example.com:5432", addrs("::ffff:10.1.2.3"), Allow, RuleWhitelist},
		{"tcp", "db.example.com:5433", addrs("10.1.2.3"), Deny, RulePrivate},
		{"tcp", "db.example.com:5432", addrs("127.0.0.1"), Deny, RuleLoopback}, // another rule
		{"tcp", "db.example.com:5432", addrs("93.184.216.34"), Allow, RulePublic},
		{"tcp", "x.db.example.com:5432", addrs("10.1.2.3"), Deny, RulePrivate},
		{"tcp", "10.1.2.3:5432", nil, Deny, RulePrivate}, // no look-up led to it

		{"tcp", "a.corp.example:80", addrs("10.1.2.3"), Allow, RuleWhitelist},
		{"tcp", "a.b.corp.example:80", addrs("10.1.2.3"), Allow, RuleWhitelist},
		{"tcp", "corp.example:80", addrs("10.1.2.3"), Deny, RulePrivate},
		{"tcp", "evilcorp.example:80", addrs("10.1.2.3"), Deny, RulePrivate},
		{"udp", "a.corp.example:80", addrs("10.1.2.3"), Deny, RulePrivate},
		{"tcp", "mail.corp.example:25", addrs("10.1.2.3"), Allow, RuleWhitelist},
		{"tcp", "mail.corp.example:25", addrs("93.184.216.34"), Allow, RuleWhitelist},
		{"tcp", "mail.corp.example:25", addrs("127.0.0.1"), Deny, RuleLoopback},
		{"tcp", "mail.corp.example:25", nil, Deny, RuleUnresolved},
		{"tcp", "mail.corp.example:smtp", addrs("10.1.2.3"), Deny, RuleInvalid}, // an exception makes no port of a word
		{"tcp", "mail.corp.example:4294967321", addrs("10.1.2.3"), Deny, RuleInvalid},

		{"tcp", "seen.example:80", addrs("127.0.0.1"), Report, RuleLoopback},
		{"tcp", "seen.example:80", addrs("10.0.0.1"), Deny, RulePrivate},

		{"tcp", "10.9.9.9:1", nil, Allow, RuleWhitelist},
		{"tcp", "[::ffff:10.9.9.9]:1", nil, Allow, RuleWhitelist},
		{"tcp", "[64:ff9b::10.9.9.9]:1", nil, Deny, RulePrivate}, // not literally on the list
		{"tcp", "any.example:1", addrs("10.9.9.9"), Allow, RuleWhitelist},
		{"tcp", "10.7.255.255:80", nil, Allow, RuleWhitelist},
		{"tcp", "10.8.0.0:80", nil, Deny, RulePrivate},
		{"tcp", "10.7.0.1:81", nil, Deny, RulePrivate},
		{"tcp", "10.7.0.1:25", nil, Allow, RuleWhitelist},
		{"tcp", "any.example:25", addrs("10.7.0.1"), Allow, RuleWhitelist},
		{"tcp", "any.example:25", addrs("93.184.216.34"), Deny, RulePort25},
		{"tcp", "93.184.216.34:25", nil, Deny, RulePort25},
		{"tcp", "10.7.0.1:21", nil, Report, RuleFTP},

		{"tcp", "127.0.0.1:9999", nil, Allow, RuleWhitelist},
		{"tcp", "[::1]:9999", nil, Allow, RuleWhitelist},
		{"tcp", "[::1%lo]:9999", nil, Deny, RuleLoopback}, // with a zone no exception holds
		{"tcp", ":9999", nil, Allow, RuleWhitelist},
		{"tcp6", "[]:9999", nil, Allow, RuleWhitelist},
		{"tcp", ":9998", nil, Deny, RuleUnspecified},
		{"tcp", "10.0.0.1:9999", nil, Deny, RulePrivate},

		{"tcp", "www.google.com:443", addrs("142.250.72.14"), Allow, RuleWhitelist},
		{"tcp", "www.google.com:443", addrs("10.0.0.1"), Deny, RulePrivate},
	} {
		e := j.Explain(tt.network, tt.address, tt.answers)
		if e.Verdict != tt.want || e.Rule != tt.rule {
			t.Errorf("Explain(%s, %q, %v) = %s by %s, want %s by %s", tt.network, tt.address, tt.answers, e.Verdict, e.Rule, tt.want, tt.rule)
		}
	}
}

// TestFirstExceptionDecides sees that a list is read from its beginning, for each rule by itself.
func TestFirstExceptionDecides(t *testing.T) {
	t.Parallel()
	report := Exception{Host: "a.example", Rules: []Rule{RulePrivate}, Mode: ModeReport}
	lift := Exception{Host: "*.example", Rules: []Rule{RulePrivate, RulePort25}}
	for _, tt := range []struct {
		list    []Exception
		address string
		want    Verdict
		rule    Rule
	}{
		{[]Exception{report, lift}, "a.example:80", Report, RulePrivate},
		{[]Exception{lift, report}, "a.example:80", Allow, RuleWhitelist},
		{[]Exception{report, lift}, "a.example:25", Report, RulePrivate},
		{[]Exception{report, lift}, "b.example:25", Allow, RuleWhitelist},
	} {
		e := compile(t, excepting(tt.list...)).Explain("tcp", tt.address, addrs("10.0.0.1"))
		if e.Verdict != tt.want || e.Rule != tt.rule {
			t.Errorf("%s with %+v: %s by %s, want %s by %s", tt.address, tt.list, e.Verdict, e.Rule, tt.want, tt.rule)
		}
	}
}

// TestExceptionsAndModes sees what an exception does to a rule that does not deny.
func TestExceptionsAndModes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rule, exception Mode
		want            Verdict
		by              Rule
	}{
		{ModeEnforce, ModeOff, Allow, RuleWhitelist},
		{ModeEnforce, ModeReport, Report, RulePrivate},
		{ModeReport, ModeOff, Allow, RuleWhitelist},
		{ModeReport, ModeReport, Report, RulePrivate},
		{ModeOff, ModeOff, Allow, RuleWhitelist},
		{ModeOff, ModeReport, Allow, RulePublic}, // an exception is never stricter than the rule
	} {
		p := excepting(Exception{Ports: []uint16{80}, Rules: []Rule{RulePrivate}, Mode: tt.exception})
		p.Rules[RulePrivate] = RuleSetting{Mode: tt.rule}
		if e := compile(t, p).Explain("tcp", "10.0.0.1:80", nil); e.Verdict != tt.want || e.Rule != tt.by {
			t.Errorf("rule %s, exception %s: %s by %s, want %s by %s", tt.rule, tt.exception, e.Verdict, e.Rule, tt.want, tt.by)
		}
	}
}

func TestExceptionReasons(t *testing.T) {
	t.Parallel()
	j := compile(t, excepting(exceptions...))
	for _, tt := range []struct {
		address string
		answers []netip.Addr
		reason  string
		source  string
	}{
		{"db.example.com:5432", addrs("10.1.2.3"), "db.example.com:5432 is on the profile's list of exceptions to rule private.", "the database of the office"},
		{"mail.corp.example:25", addrs("10.1.2.3"), "mail.corp.example:25 is on the profile's list of exceptions to rule port25.", ""},
		{"10.7.0.1:80", nil, "10.7.0.1:80 is on the profile's list of exceptions to rule private.", ""},
		{"any.example:80", addrs("10.7.0.1"), "10.7.0.1:80 is on the profile's list of exceptions to rule private.", ""},
		{"127.0.0.1:9999", nil, "Port 9999 is on the profile's list of exceptions to rule loopback.", ""},
		{"seen.example:80", addrs("127.0.0.1"), `"seen.example" leads to 127.0.0.1, which is this machine itself; production blocks it. ` +
			"seen.example:80 is on the profile's list of exceptions to that rule: it is let through.", "the test"},
	} {
		if e := j.Explain("tcp", tt.address, tt.answers); e.Reason != tt.reason || e.Source != tt.source {
			t.Errorf("%s: %q from %q, want %q from %q", tt.address, e.Reason, e.Source, tt.reason, tt.source)
		}
	}
	if got := j.Reason(j.Addr("tcp", "DB.example.com", netip.MustParseAddrPort("10.1.2.3:5432"), true), "tcp", ""); got !=
		"10.1.2.3:5432, to which db.example.com was resolved, is on the profile's list of exceptions to rule private." {
		t.Errorf("of a dial by address: %q", got)
	}
}

// TestAlso holds which further rules are named.
func TestAlso(t *testing.T) {
	t.Parallel()
	p, plain, reported := excepting(exceptions...), strict(), strict()
	reported.Rules[RulePort25] = RuleSetting{Mode: ModeReport}
	free := strict()
	free.Billing = false
	for _, tt := range []struct {
		name             string
		policy           *Policy
		network, address string
		answers          []netip.Addr
		want             string
	}{
		{"nothing further", plain, "tcp", "10.0.0.1:80", nil, "private"},
		{"port and range", plain, "tcp", "10.0.0.1:25", nil, "port25 private"},
		{"a word for a port", plain, "tcp", "10.0.0.1:smtp", nil, "port25 invalid private"},
		{"a zone", plain, "tcp", "[fe80::1%e]:21", nil, "ftp linklocal invalid"},
		{"billing", free, "tcp", "8.8.8.8:25", nil, "billing port25 google"},
		{"billing and network", free, "unix", "/x", nil, "billing network"},
		{"IPv4 inside Google's IPv6", plain, "tcp", "[2001:4860::5efe:10.0.0.1]:80", nil, "embedded google"},
		{"the first answer decides", plain, "tcp", "a.example:80", addrs("10.0.0.1", "127.0.0.1"), "private"},
		{"a resolver that knows nothing", plain, "tcp", "a.example:21", addrs(), "ftp unresolved"},
		{"a resolver that was not asked", plain, "tcp", "a.example:21", nil, "ftp"},
		{"an earlier report", reported, "tcp", "10.0.0.1:25", nil, "private port25"},
		{"an earlier report without an answer", reported, "tcp", "a.example:25", addrs(), "unresolved port25"},
		{"a port that an exception may lift", p, "tcp", "a.example:21", addrs(), "unresolved"},
		{"allowed by an exception", p, "tcp", "10.7.0.1:25", nil, "whitelist"},
		{"the exception lifts one of two", p, "tcp", "mail.corp.example:25", addrs("127.0.0.1"), "loopback"},
		{"reported by an exception", p, "tcp", "seen.example:25", addrs("127.0.0.1"), "port25 loopback"},
	} {
		e := compile(t, tt.policy).Explain(tt.network, tt.address, tt.answers)
		got := string(e.Rule)
		for _, r := range e.Also {
			got += " " + string(r)
		}
		if got != tt.want {
			t.Errorf("%s: %s %s %v speaks %q, want %q", tt.name, tt.network, tt.address, tt.answers, got, tt.want)
		}
	}
}

// TestExplainedErrors holds what a program is told in both sets of texts.
func TestExplainedErrors(t *testing.T) {
	t.Parallel()
	classic := strict()
	classic.Errors = ErrorsClassic
	errno, old := compile(t, strict()), compile(t, classic)
	for _, tt := range []struct {
		address      string
		answers      []netip.Addr
		errno, words string
	}{
		{"10.0.0.1:80", nil, "permission denied", "API error 5 (remote_socket: PERMISSION_DENIED): Attempt to access a blocked recipient without permission."},
		{"a.example:80", addrs(), "no such host", `API error 2 (remote_socket: GAI_ERROR): system_error:-2 error_detail:"Name or service not known"`},
		{"1.1.1.1:80", nil, "", ""},
	} {
		if got := errno.Explain("tcp", tt.address, tt.answers).Error; got != tt.errno {
			t.Errorf("%s: %q, want %q", tt.address, got, tt.errno)
		}
		if got := old.Explain("tcp", tt.address, tt.answers).Error; got != tt.words {
			t.Errorf("%s, classic: %q, want %q", tt.address, got, tt.words)
		}
	}
}

func TestExceptionChecks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		x    Exception
		want string // "" when it is right
	}{
		{Exception{Host: "a", Ports: []uint16{1}}, ""},
		{Exception{Host: "*.a.example", Rules: []Rule{RulePrivate}}, ""},
		{Exception{Ports: []uint16{1}}, ""},
		{Exception{Ports: []uint16{1}, Rules: Exceptable, Mode: ModeReport, Network: "udp"}, ""},
		{Exception{Prefix: netip.MustParsePrefix("::/0"), Rules: []Rule{RulePrivate}, Mode: ModeOff}, ""},
		{Exception{}, "a host, an address or ports from 1 to 65535"},
		{Exception{Rules: []Rule{RulePrivate}}, "a host, an address or ports from 1 to 65535"},
		{Exception{Host: "a"}, "ports from 1 to 65535, or the rules that it lifts on every port"},
		{Exception{Host: "a", Ports: []uint16{1, 0}}, "ports from 1 to 65535"},
		{Exception{Host: "a", Addr: netip.MustParseAddr("1.1.1.1"), Ports: []uint16{1}}, "not both"},
		{Exception{Host: "a", Prefix: netip.MustParsePrefix("1.1.1.0/24"), Ports: []uint16{1}}, "not both"},
		{Exception{Host: "1.1.1.1", Ports: []uint16{1}}, `write "1.1.1.1" as its address`},
		{Exception{Host: "127.1", Ports: []uint16{1}}, `not "127.1": the host is a broken IPv4 address`},
		{Exception{Host: "*", Ports: []uint16{1}}, "a DNS name such as db.example.com or *.example.com"},
		{Exception{Host: "a.*.b", Ports: []uint16{1}}, "a DNS name such as"},
		{Exception{Host: "*.", Ports: []uint16{1}}, "a DNS name such as"},
		{Exception{Host: "a", Ports: []uint16{1}, Network: "sctp"}, "network is tcp, udp, or none for both, not \"sctp\""},
		{Exception{Host: "a", Ports: []uint16{1}, Mode: ModeEnforce}, `mode is off or report, not "enforce"`},
		{Exception{Host: "a", Rules: []Rule{RulePrivate, RuleListen}}, `rule "listen" cannot be; there are those to port25, ftp, unspecified`},
		{Exception{Addr: netip.MustParseAddr("fe80::1%e"), Ports: []uint16{1}}, "has no zone: fe80::1"},
		{Exception{Prefix: netip.MustParsePrefix("10.1.2.3/16"), Ports: []uint16{1}}, "write 10.1.0.0/16"},
		{Exception{Prefix: netip.MustParsePrefix("::ffff:10.0.0.0/104"), Ports: []uint16{1}}, "write it as one of IPv4"},
	} {
		switch err := tt.x.Check(); {
		case tt.want == "" && err != nil:
			t.Errorf("%+v: %v", tt.x, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%+v: %v, want %s", tt.x, err, tt.want)
		}
	}
}

// TestExceptionsJSON sees that a worker gets the exceptions that the supervisor made.
func TestExceptionsJSON(t *testing.T) {
	t.Parallel()
	p := excepting(exceptions...)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Policy
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(p.Exceptions, back.Exceptions) {
		t.Errorf("%v\n%+v\n%+v", err, p.Exceptions, back.Exceptions)
	}
}
