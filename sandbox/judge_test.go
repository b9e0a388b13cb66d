package sandbox_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/seed-d81df0db/devserver/sandbox"
)

// strict is a policy that enforces every rule, with small address data.
func strict() *Policy {
	p := &Policy{
		Profile: "test", Billing: true, Rules: make(map[Rule]RuleSetting), Reclaim: 2 * time.Minute, Deadline: time.Minute,
		Google: prefixes("8.8.4.0/24", "8.8.8.0/24", "142.250.0.0/15", "2001:4860::/32", "2607:f8b0::/32"),
		GCE:    prefixes("34.80.0.0/15", "2600:1900::/28"),
		Exceptions: []Exception{
			{Addr: netip.MustParseAddr("8.8.8.8"), Ports: []uint16{53}},
			{Addr: netip.MustParseAddr("2001:4860:4860::8888"), Ports: []uint16{53}},
			{Host: "smtp.gmail.com", Network: "tcp", Ports: []uint16{465, 587}},
			{Host: "pop.gmail.com", Network: "tcp", Ports: []uint16{995}},
		},
	}
	for _, r := range Rules {
		if !r.Allows() {
			p.Rules[r] = RuleSetting{Mode: ModeEnforce, Source: "the test"}
		}
	}
	p.Rules[RuleDeadline] = RuleSetting{Mode: ModeReport}
	return p
}

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

func compile(t testing.TB, p *Policy) *Judge {
	t.Helper()
	j, err := p.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func addrs(texts ...string) []netip.Addr {
	all := []netip.Addr{}
	for _, t := range texts {
		all = append(all, netip.MustParseAddr(t))
	}
	return all
}

// TestExplain is a small table of hard cases; devserver/profile holds the large ones.
func TestExplain(t *testing.T) {
	t.Parallel()
	j := compile(t, strict())
	for _, tt := range []struct {
		network, address string
		answers          []netip.Addr
		want             Rule
	}{
		{"tcp", "93.184.216.34:443", nil, RulePublic},
		{"tcp", "10.1.2.3:443", nil, RulePrivate},
		{"tcp", "[::ffff:10.1.2.3]:443", nil, RulePrivate}, // the same host in other clothes
		{"tcp", "[64:ff9b::10.1.2.3]:443", nil, RulePrivate},
		{"tcp", "[64:ff9b::34.80.1.2]:443", nil, RuleGCE},
		{"tcp", "[64:ff9b::8.8.8.8]:53", nil, RuleGoogle}, // not literally on the list
		{"tcp", "[2002:a00:1::1]:443", nil, RuleEmbedded},
		{"tcp", "[2606:4700::5efe:10.0.0.1]:443", nil, RuleEmbedded},
		{"tcp", "[2606:4700::5efe:1.1.1.1]:443", nil, RulePublic},
		{"tcp", "[fe80::1%eth0]:443", nil, RuleLinklocal},
		{"tcp", "[2606:4700:4700::1111%eth0]:443", nil, RuleInvalid},
		{"udp", "[2001:4860:4860::8888%eth0]:53", nil, RuleGoogle},
		{"udp", "8.8.8.8:53", nil, RuleWhitelist},
		{"tcp", "8.8.8.8:54", nil, RuleGoogle},
		{"tcp", "8.8.8.8:25", nil, RulePort25},
		{"tcp", "1.1.1.1:21", nil, RuleFTP},
		{"tcp", "1.1.1.1:ftp", nil, RuleFTP},
		{"tcp", "1.1.1.1:SMTP", nil, RulePort25},
		{"tcp", "1.1.1.1: 25", nil, RulePort25},
		{"tcp", "1.1.1.1:+025", nil, RulePort25},
		{"tcp", "1.1.1.1:4294967321", nil, RulePort25}, // 2^32+25, as net.LookupPort reads it
		{"tcp", "1.1.1.1:4294967317", nil, RuleFTP},
		{"tcp", "1.1.1.1:4294967739", nil, RuleInvalid},
		{"tcp", "1.1.1.1:99999999999999999999", nil, RuleInvalid},
		{"tcp", "1.1.1.1:https", nil, RuleInvalid},
		{"tcp", "1.1.1.1:0", nil, RuleInvalid},
		{"tcp", "0x7f.1:80", nil, RuleInvalid},
		{"tcp", "example.com.0x10:80", nil, RuleInvalid},
		{"tcp", "127.0.0.1.:80", nil, RuleInvalid},
		{"tcp", "[www.example.com]:80", nil, RuleInvalid},
		{"tcp", "１27.0.0.1:80", nil, RuleInvalid},
		{"tcp", "[1.1.1.1]:443", nil, RulePublic},
		{"tcp6", "1.1.1.1:443", nil, RuleInvalid},
		{"tcp4", "[::ffff:1.1.1.1]:443", nil, RulePublic},
		{"tcp", ":80", nil, RuleUnspecified},
		{"tcp", "[]:80", nil, RuleUnspecified},
		{"unix", "/run/db.sock", nil, RuleNetwork},
		{"ip4:icmp", "1.1.1.1", nil, RuleNetwork},
		{"tcp", "smtp.gmail.com:465", nil, RuleUnresolved},
		{"tcp", "smtp.gmail.com:465", addrs("142.250.101.108"), RuleWhitelist},
		{"tcp", "SMTP.gmail.com.:465", addrs("142.250.101.108"), RuleWhitelist},
		{"tcp", "smtp.gmail.com:465", addrs("10.0.0.5"), RulePrivate},
		{"tcp", "smtp.gmail.com:465", addrs("93.184.216.34"), RulePublic},
		{"udp", "smtp.gmail.com:465", addrs("142.250.101.108"), RuleGoogle},
		{"tcp", "pop.gmail.com:465", addrs("142.250.101.108"), RuleGoogle},
		{"tcp", "142.250.101.108:465", nil, RuleGoogle},
		{"tcp", "nosuch.example:80", addrs(), RuleUnresolved},
		{"tcp4", "six.example:80", addrs("2606:4700::1"), RuleUnresolved},
		{"tcp", "mixed.example:80", addrs("10.0.0.1", "93.184.216.34"), RulePublic},
		{"tcp", "--1.sslip.io:80", addrs("::1"), RuleLoopback},
	} {
		e := j.Explain(tt.network, tt.address, tt.answers)
		if e.Rule != tt.want || (e.Verdict == Allow) != tt.want.Allows() {
			t.Errorf("Explain(%s, %q, %v) = %s by %s, want %s", tt.network, tt.address, tt.answers, e.Verdict, e.Rule, tt.want)
		}
	}
}

func TestExplanation(t *testing.T) {
	t.Parallel()
	j := compile(t, strict())
	for _, tt := range []struct {
		network, address string
		want             string
	}{
		{"tcp", "8.8.8.8:25", `{"network":"tcp","address":"8.8.8.8:25","verdict":"deny","rule":"port25","error":"permission denied",` +
			`"reason":"Production blocks port 25 (SMTP).","source":"the test","advice":"Send mail through port 587 with authentication.","also":["google"]}`},
		{"tcp", "1.1.1.1:80", `{"network":"tcp","address":"1.1.1.1:80","verdict":"allow","rule":"public","error":"",` +
			`"reason":"1.1.1.1 is a public address; nothing speaks against it.","source":""}`},
	} {
		got, err := json.Marshal(j.Explain(tt.network, tt.address, nil))
		if err != nil || string(got) != tt.want {
			t.Errorf("Explain(%s, %s) =\n%s\nwant\n%s (%v)", tt.network, tt.address, got, tt.want, err)
		}
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		modes   map[Rule]Mode
		billing bool
		address string
		want    Verdict
		rule    Rule
	}{
		{"billing speaks first", nil, false, "10.0.0.1:25", Deny, RuleBilling},
		{"billing off", map[Rule]Mode{RuleBilling: ModeOff}, false, "10.0.0.1:25", Deny, RulePort25},
		{"a report and a later denial", map[Rule]Mode{RulePort25: ModeReport}, true, "10.0.0.1:25", Deny, RulePrivate},
		{"two reports: the first", map[Rule]Mode{RulePort25: ModeReport, RulePrivate: ModeReport}, true, "10.0.0.1:25", Report, RulePort25},
		{"a report alone", map[Rule]Mode{RulePrivate: ModeReport}, true, "10.0.0.1:80", Report, RulePrivate},
		{"off", map[Rule]Mode{RulePrivate: ModeOff}, true, "10.0.0.1:80", Allow, RulePublic},
		{"a name of a port with port25 off", map[Rule]Mode{RulePort25: ModeOff}, true, "1.1.1.1:smtp", Deny, RuleInvalid},
		{"a flaw reported", map[Rule]Mode{RuleInvalid: ModeReport}, true, "127.1:80", Report, RuleInvalid},
		{"google off, still on the list", map[Rule]Mode{RuleGoogle: ModeOff}, true, "8.8.8.8:53", Allow, RuleWhitelist},
	} {
		p := strict()
		p.Billing = tt.billing
		for r, m := range tt.modes {
			p.Rules[r] = RuleSetting{Mode: m}
		}
		if e := compile(t, p).Explain("tcp", tt.address, nil); e.Verdict != tt.want || e.Rule != tt.rule {
			t.Errorf("%s: %s by %s, want %s by %s", tt.name, e.Verdict, e.Rule, tt.want, tt.rule)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Policy{
		`unknown rule "x"`:      {Rules: map[Rule]RuleSetting{"x": {Mode: ModeOff}}},
		`"warn" is not a mode`:  {Rules: map[Rule]RuleSetting{RuleBind: {Mode: "warn"}}},
		`unknown resource "y"`:  {Quotas: map[Resource]Limit{"y": {}}},
		"must not be negative":  {Reclaim: -1},
		"a host or an address":  {Exceptions: []Exception{{Ports: []uint16{1}}}},
		"ports from 1 to 65535": {Exceptions: []Exception{{Host: "a"}}},
		"network is tcp, udp":   {Exceptions: []Exception{{Host: "a", Ports: []uint16{1}, Network: "sctp"}}},
		"an invalid prefix":     {Google: []netip.Prefix{{}}},
		`"latin" is not`:        {Errors: "latin"},
		`"fake" is no way`:      {Options: "fake"},
	} {
		if _, err := p.Compile(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Compile: %v, want %s", err, want)
		}
	}
}

// TestPolicyJSON sees that a worker gets the policy that the supervisor made.
func TestPolicyJSON(t *testing.T) {
	t.Parallel()
	p := strict()
	p.Quotas = map[Resource]Limit{ResourceSend: {PerMinute: 3, PerDay: Unlimited}}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Policy
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(*p, back) {
		t.Errorf("%v\n%+v\n%+v", err, *p, back)
	}
}

// spellings returns texts that all mean a, to one reader or another.
func spellings(a netip.Addr, r *rand.Rand) []string {
	if !a.Is4() {
		return []string{"[" + a.String() + "]", "[" + a.StringExpanded() + "]", "[" + strings.ToUpper(a.String()) + "]", "[" + a.String() + "%lo]"}
	}
	b := a.As4()
	n := uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
	oct := func(i int) string { return "0" + strconv.FormatUint(uint64(b[i]), 8) }
	hex := func(i int) string { return "0x" + strconv.FormatUint(uint64(b[i]), 16) }
	mapped := netip.AddrFrom16(a.As16())
	all := []string{
		a.String(), "[" + a.String() + "]", "[" + mapped.String() + "]", "[" + mapped.StringExpanded() + "]",
		strconv.FormatUint(n, 10), "0x" + strconv.FormatUint(n, 16), "0" + strconv.FormatUint(n, 8), strconv.FormatUint(n+1<<32, 10),
		oct(0) + "." + oct(1) + "." + oct(2) + "." + oct(3), hex(0) + "." + hex(1) + "." + hex(2) + "." + hex(3),
		strconv.Itoa(int(b[0])) + "." + strconv.FormatUint(n&0xffffff, 10), a.String() + ".", " " + a.String(), a.String() + "\x00",
	}
	r.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	return all
}

// TestSpellings holds that all spellings of one address get the verdict of the plain one, or a denial.
func TestSpellings(t *testing.T) {
	t.Parallel()
	j := compile(t, strict())
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 4000 {
		var b [16]byte
		for k := range b {
			b[k] = byte(r.Uint32())
		}
		a := netip.AddrFrom4([4]byte(b[:4]))
		if i%4 == 0 {
			a = netip.AddrFrom16(b).Unmap()
		}
		if i%3 == 0 {
			a = addrs("127.0.0.1", "8.8.8.8", "10.0.0.1", "34.80.1.2", "::1", "fd00::1", "2001:4860:4860::8888")[r.IntN(7)]
		}
		port := []string{":443", ":53", ":25"}[r.IntN(3)]
		plain := j.Explain("tcp", strings.TrimSuffix(netip.AddrPortFrom(a, 1).String(), ":1")+port, nil)
		for _, s := range spellings(a, r) {
			if got := j.Explain("tcp", s+port, nil); got.Verdict != Deny && (got.Verdict != plain.Verdict || got.Rule != plain.Rule) {
				t.Fatalf("%q is %s by %s, but %s is %s by %s", s+port, got.Verdict, got.Rule, a, plain.Verdict, plain.Rule)
			}
		}
	}
}

// FuzzText holds that every text gets a verdict, and that an allowed one is a literal or a name and a port.
func FuzzText(f *testing.F) {
	for _, s := range []string{"1.1.1.1:443", "[::1]:25", "smtp.gmail.com:465", "127.1:80", ":80", "[]:1", "a:smtp", "[fe80::1%25e]:1", "1.1.1.1:4294967321", "\x00:1", "[[::1]]:80", strings.Repeat("a.", 200) + ":1"} {
		f.Add("tcp", s)
		f.Add("udp6", s)
	}
	f.Add("", "")
	f.Add("unix", "/x")
	j := compile(f, strict())
	f.Fuzz(func(t *testing.T, network, address string) {
		target, d := j.Text(network, address)
		if d.Verdict != Allow && d.Verdict != Deny || d.Rule == "" {
			t.Fatalf("Text(%q, %q) = %+v", network, address, d)
		}
		if d.Verdict == Allow && (target.Port == 0 || target.Host == "") {
			t.Fatalf("Text(%q, %q) allows %+v", network, address, target)
		}
		e := j.Explain(network, address, nil)
		if e.Reason == "" || e.Verdict == Allow && !target.Addr.IsValid() || d.Denied() && e.Verdict != Deny {
			t.Fatalf("Explain(%q, %q) = %+v", network, address, e)
		}
	})
}

func BenchmarkAddr(b *testing.B) {
	j := compile(b, strict())
	a := netip.MustParseAddrPort("93.184.216.34:443")
	b.ReportAllocs()
	for b.Loop() {
		if j.Addr("tcp", "", a, false).Denied() {
			b.Fatal("denied")
		}
	}
}
