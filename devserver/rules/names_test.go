//go:build linux

package rules

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// A nameCase is a row of the tables of names.
type nameCase struct {
	input, network, verdict string
	rule                    sandbox.Rule
	lookups                 [][]netip.Addr
}

// nameCases reads both tables: those whose verdict must hold, and those whose verdict is a recommendation.
func nameCases(t *testing.T) (cases []nameCase) {
	t.Helper()
	for _, file := range []string{filepath.Join("..", "..", "cmd", "devserver", "testdata", "dns-cases.tsv"), filepath.Join("testdata", "dns-cases-ambiguous.tsv")} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
			f := strings.Split(line, "\t")
			c := nameCase{input: f[0], network: f[1], verdict: f[3], rule: sandbox.Rule(f[4])}
			for lookup := range strings.SplitSeq(f[2], ";") {
				var addrs []netip.Addr
				for a := range strings.SplitSeq(lookup, ",") {
					if a != "" {
						addrs = append(addrs, netip.MustParseAddr(a))
					}
				}
				c.lookups = append(c.lookups, addrs)
			}
			cases = append(cases, c)
		}
	}
	if len(cases) != 43+8 {
		t.Fatalf("%d cases, want %d", len(cases), 43+8)
	}
	return cases
}

// later says how the second dial of a name ends that leads elsewhere by then.
var later = map[string]sandbox.Rule{
	"rebind.example:80":  "", // allowed: it leads to a public address now
	"rebind.example:443": sandbox.RuleLoopback,
}

// A resolver is one of the two that Go may take by default.
type resolver struct {
	name string
	env  []string
	told string // what Go says of the choice
	onIt string // how its errors name the server
}

var resolvers = []resolver{
	{"go", []string{"GODEBUG=netdns=go+2"}, "forcing use of the Go resolver", " on 127.0.0.1:53"},
	{"cgo", []string{"GODEBUG=netdns=cgo+2"}, "forcing use of the cgo resolver", ""},
}

// TestNames dials each name of the tables in a network where every address that it leads to has a listener: what is
// reached is what was judged, and nothing else.
func TestNames(t *testing.T) {
	if !alone(t) {
		return
	}
	cases := nameCases(t)
	var addrs []netip.Addr
	ports := map[string]bool{}
	for _, c := range cases {
		_, port, _ := net.SplitHostPort(c.input)
		ports[port] = true
		for _, l := range c.lookups {
			for _, a := range l {
				if !slices.Contains(addrs, a.Unmap()) {
					addrs = append(addrs, a.Unmap())
				}
			}
		}
	}
	furnish(t, addrs)
	server := startNameServer(t)
	seen := &visitors{own: make(chan string)}
	for port := range ports {
		seen.tcp(t, port)
	}
	udp := map[string]bool{}
	for _, c := range cases {
		_, port, _ := net.SplitHostPort(c.input)
		for _, a := range c.lookups[0] {
			if addr := net.JoinHostPort(a.String(), port); c.network == "udp" && !udp[addr] {
				udp[addr] = true
				seen.udp(t, addr)
			}
		}
	}
	for _, r := range resolvers {
		t.Run(r.name, func(t *testing.T) {
			if r.name == "cgo" {
				needsC(t)
			}
			for _, c := range cases {
				t.Run(c.input+" "+c.network, func(t *testing.T) { c.check(t, r, server, seen) })
			}
		})
	}
}

// check dials the name as often as it has look-ups.
func (c nameCase) check(t *testing.T, r resolver, server *nameServer, seen *visitors) {
	host, port, _ := net.SplitHostPort(c.input)
	server.answer(host, c.lookups...)
	var steps []string
	for range c.lookups {
		steps = append(steps, "dial "+c.network+" "+c.input)
	}
	got := start(t, "names", run{Args: steps, Env: r.env})
	if c.rule != sandbox.RulePort25 && !strings.Contains(got.Stderr, r.told) {
		t.Errorf("this was not the resolver %s: %s", r.name, got.Stderr)
	}
	probes := []string{"127.0.0.1:" + port}
	if c.network == "udp" {
		probes = nil
		for _, a := range c.lookups[0] {
			probes = append(probes, net.JoinHostPort(a.String(), port))
		}
	}
	reached := seen.since(t, c.network, probes...)
	if len(got.Lines) != len(steps) {
		t.Fatalf("printed %q", got.Lines)
	}
	rule := c.rule
	if c.verdict == "allow" {
		rule = ""
	}
	if host == "--1.sslip.io" { // Go takes no name whose label begins with a hyphen to a resolver (RFC 1123, section 2.1)
		rule = sandbox.RuleUnresolved
	}
	var contacted []string
	for i, line := range got.Lines {
		if i > 0 {
			rule = later[c.input]
		}
		if rule != "" {
			c.denied(t, r, line, rule, got)
			continue
		}
		contacted = append(contacted, c.allowed(t, line, c.lookups[i], got))
	}
	slices.Sort(contacted)
	if slices.Sort(reached); !slices.Equal(reached, contacted) {
		t.Errorf("reached %q, want %q", reached, contacted)
	}
	c.lookedUp(t, got)
}

// allowed returns what a dial has reached that went through, as visitors have it.
func (c nameCase) allowed(t *testing.T, line string, answers []netip.Addr, got result) string {
	t.Helper()
	host, _, _ := net.SplitHostPort(c.input)
	addr, ok := strings.CutPrefix(line, "ok welcome from ")
	at, err := netip.ParseAddrPort(addr)
	if !ok || err != nil || !slices.Contains(answers, at.Addr()) {
		t.Errorf("printed %q, want one of %v", line, answers)
	}
	found := false
	for _, e := range got.Events {
		found = found || e.Info != nil && e.Info.Host == host && e.Info.Remote == addr
	}
	if connects := got.of(sandbox.KindConnect); !found || len(connects) == 0 || connects[0].Error != "" {
		t.Errorf("connects %+v, want one of %s to %s", connects, host, addr)
	}
	return c.network + " " + addr
}

func (c nameCase) denied(t *testing.T, r resolver, line string, rule sandbox.Rule, got result) {
	t.Helper()
	if rule == sandbox.RuleUnresolved {
		host, _, _ := net.SplitHostPort(c.input)
		on := r.onIt
		if host != "nosuch.example" {
			on = ""
		}
		if want := "[dial tcp: lookup " + host + on + ": no such host] OpError true, EACCES false, ECONNREFUSED false, not found true"; line != want {
			t.Errorf("printed\n\t%s\nwant\n\t%s", line, want)
		}
		if e := got.of(sandbox.KindResolve); len(e) != 1 || e[0].Rule != rule || e[0].Error == "" || len(got.of(sandbox.KindDeny)) > 0 {
			t.Errorf("look-ups %+v, want one by unresolved", e)
		}
		return
	}
	if !strings.HasPrefix(line, "[dial "+c.network+" ") || !strings.HasSuffix(line, ": connect: permission denied] OpError true, EACCES true, ECONNREFUSED false, not found false") {
		t.Errorf("printed %q, want a denial", line)
	}
	if !slices.ContainsFunc(got.of(sandbox.KindDeny), func(e sandbox.Event) bool { return e.Rule == rule && e.Info != nil && e.Info.CallSite != "" }) {
		t.Errorf("denials %+v, want one by %s", got.of(sandbox.KindDeny), rule)
	}
}

// lookedUp holds that each look-up is in the recording, with its answers and how long it took. A name that is denied by
// its port is not looked up.
func (c nameCase) lookedUp(t *testing.T, got result) {
	t.Helper()
	events := got.of(sandbox.KindResolve)
	if c.rule == sandbox.RulePort25 {
		if len(events) > 0 {
			t.Errorf("look-ups %+v, want none", events)
		}
		return
	}
	if len(events) != len(c.lookups) {
		t.Fatalf("look-ups %+v, want %d", events, len(c.lookups))
	}
	host, _, _ := net.SplitHostPort(c.input)
	for i, e := range events {
		if e.Duration <= 0 || !strings.HasPrefix(e.Detail, host+" ") {
			t.Errorf("look-up %+v of %s", e, host)
		}
		for _, a := range c.lookups[i] {
			if e.Rule != sandbox.RuleUnresolved && !strings.Contains(e.Detail, a.Unmap().String()) {
				t.Errorf("look-up says %q, want %s too", e.Detail, a)
			}
		}
	}
}

// TestNamesRemembered holds what a process knows of the names that it looked up, and of those that stand-ins serve.
func TestNamesRemembered(t *testing.T) {
	if !alone(t) {
		return
	}
	furnish(t, []netip.Addr{netip.MustParseAddr("142.250.101.108"), netip.MustParseAddr("93.184.216.34"), netip.MustParseAddr("8.8.8.8")})
	server := startNameServer(t)
	seen := &visitors{own: make(chan string)}
	for _, port := range []string{"465", "443", "53", "80"} {
		seen.tcp(t, port)
	}
	for _, r := range resolvers {
		t.Run(r.name, func(t *testing.T) {
			if r.name == "cgo" {
				needsC(t)
			}
			for _, tt := range rememberedCases {
				t.Run(tt.name, func(t *testing.T) {
					server.answer("")
					server.add("smtp.gmail.com", "142.250.101.108")
					server.add("www.example.com", "93.184.216.34")
					server.add("other.example.com", "93.184.216.34")
					got := start(t, "names", run{Args: tt.steps, Env: r.env, Standins: tt.standins})
					wantLines(t, got, tt.want...)
					tt.check(t, got, server.queries())
				})
			}
		})
	}
}

const (
	gmailDenied = "[dial tcp 142.250.101.108:465: connect: permission denied] OpError true, EACCES true, ECONNREFUSED false, not found false"
	gmail       = "ok welcome from 142.250.101.108:465"
	web         = "ok welcome from 93.184.216.34:443"
)

var rememberedCases = []struct {
	name     string
	standins []sandbox.Standin
	steps    []string
	want     []string
	check    func(t *testing.T, got result, queries []string)
}{
	{"whitelist by name", nil, []string{"dial tcp smtp.gmail.com:465"}, []string{gmail}, hostsDialled("smtp.gmail.com")},
	{"literal that nobody looked up", nil, []string{"dial tcp 142.250.101.108:465"}, []string{gmailDenied}, deniedBy(sandbox.RuleGoogle)},
	{"literal after a look-up", nil, []string{"host smtp.gmail.com", "dial tcp 142.250.101.108:465"}, []string{"ok 142.250.101.108", gmail}, hostsDialled("smtp.gmail.com")},
	{"literal before and after", nil, []string{"dial tcp 142.250.101.108:465", "ip smtp.gmail.com", "dial tcp 142.250.101.108:465"},
		[]string{gmailDenied, "ok [142.250.101.108]", gmail}, deniedBy(sandbox.RuleGoogle)},
	{"every way to look up", nil, []string{"netip www.example.com", "tcpaddr www.example.com:443", "udpaddr www.example.com:53", "prefer www.example.com", "dial tcp 93.184.216.34:443"},
		[]string{"ok [93.184.216.34]", "ok 93.184.216.34:443", "ok 93.184.216.34:53", "ok 93.184.216.34", web}, func(t *testing.T, got result, queries []string) {
			if n := len(got.of(sandbox.KindResolve)); n != 4 {
				t.Errorf("%d look-ups, want 4", n)
			}
			hostsDialled("www.example.com")(t, got, queries)
		}},
	{"http", nil, []string{"get http://www.example.com/"}, []string{"ok 204 No Content"}, hostsDialled("www.example.com")},
	{"newest of two names", nil, []string{"host www.example.com", "host other.example.com", "dial tcp 93.184.216.34:443", "dial tcp www.example.com:443"},
		[]string{"ok 93.184.216.34", "ok 93.184.216.34", web, web}, hostsDialled("other.example.com", "www.example.com")},
	{"literal without a name", nil, []string{"dial tcp 93.184.216.34:443"}, []string{web}, hostsDialled("")},
	{"stand-in", []sandbox.Standin{{Host: "db.example.com", Port: 5432, Local: "127.0.0.1:443"}}, []string{"host db.example.com", "dial tcp DB.Example.com:5432", "dial tcp db.example.com:5433"},
		[]string{"ok 240.0.0.1", "ok welcome from 240.0.0.1:5432", "[dial tcp 240.0.0.1:5433: connect: connection refused] OpError true, EACCES false, ECONNREFUSED true, not found false"},
		func(t *testing.T, got result, queries []string) {
			if len(queries) > 0 {
				t.Errorf("the name server was asked %q, want nothing", queries)
			}
			if n := len(got.of(sandbox.KindResolve)); n != 3 {
				t.Errorf("%d look-ups, want 3", n)
			}
		}},
	{"stand-in with its address", []sandbox.Standin{{Host: "db.example.com", Port: 5432, Local: "127.0.0.1:443", Address: netip.MustParseAddr("93.184.216.34")}},
		[]string{"dial tcp db.example.com:5432", "dial tcp 93.184.216.34:5432"}, []string{"ok welcome from 93.184.216.34:5432", "ok welcome from 93.184.216.34:5432"},
		func(t *testing.T, got result, queries []string) {
			if len(queries) > 0 {
				t.Errorf("the name server was asked %q, want nothing", queries)
			}
			hostsDialled("db.example.com", "db.example.com")(t, got, queries)
		}},
	// A resolver whose connections the program makes is user code: its name server is judged like any peer. Of what the
	// dial says, a DNSError keeps the text only.
	{"a name server of the program's own", []sandbox.Standin{{Host: "8.8.8.8", Port: 53, Local: "127.0.0.1:53"}}, []string{"own 127.0.0.1:53 www.example.com", "own 8.8.8.8:53 www.example.com"},
		[]string{"[lookup www.example.com on 127.0.0.1:53: dial udp 127.0.0.1:53: connect: permission denied] OpError false, EACCES false, ECONNREFUSED false, not found false", "ok 93.184.216.34"},
		deniedBy(sandbox.RuleLoopback)},
}

// deniedBy holds that each denial is by that rule, and that there is one.
func deniedBy(rule sandbox.Rule) func(*testing.T, result, []string) {
	return func(t *testing.T, got result, _ []string) {
		t.Helper()
		denied := got.of(sandbox.KindDeny)
		for _, e := range denied {
			if e.Rule != rule {
				t.Errorf("denied by %s, want %s", e.Rule, rule)
			}
		}
		if len(denied) == 0 {
			t.Error("nothing was denied")
		}
	}
}

// hostsDialled holds that the sockets that were connected bear these names.
func hostsDialled(want ...string) func(*testing.T, result, []string) {
	return func(t *testing.T, got result, _ []string) {
		t.Helper()
		var hosts []string
		for _, c := range got.of(sandbox.KindConnect) {
			host, err := hostOf(got, c.Socket)
			if err != nil {
				t.Error(err)
			}
			hosts = append(hosts, host)
		}
		if !slices.Equal(hosts, want) {
			t.Errorf("sockets of %q, want %q", hosts, want)
		}
	}
}

func hostOf(got result, socket uint64) (string, error) {
	for _, e := range got.Events {
		if e.Socket == socket && e.Info != nil && e.Info.Remote != "" {
			return e.Info.Host, nil
		}
	}
	return "", errors.New("a socket without an address")
}
