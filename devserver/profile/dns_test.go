package profile

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/sandboxtest"
)

// A program is a box that is asked as the hooks of package net ask it, with a resolver that says what it is told to.
type program struct {
	*sandbox.Box
	rec       *sandboxtest.Recorder
	contacted []netip.AddrPort // where a connect really went
}

func newProgram(t testing.TB, policy *sandbox.Policy) *program {
	t.Helper()
	p := &program{rec: new(sandboxtest.Recorder)}
	var err error
	if p.Box, err = sandbox.New(sandbox.Config{Policy: policy, Clock: sandboxtest.NewClock(), Recorder: p.rec}); err != nil {
		t.Fatal(err)
	}
	return p
}

// dial is net.Dial: the text is judged, the name resolved, and its addresses tried one after the other. It returns the
// rule that refuses first, "" when a connect went through.
func (p *program) dial(network, address string, answers []netip.Addr) sandbox.Rule {
	p.rec.Reset()
	if p.Text(network, address, sandbox.Origin{}) != nil {
		return p.refusal()
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "let through what net cannot split"
	}
	number, err := net.LookupPort(network, port) // of a number; what else there is, Text has refused
	if err != nil {
		return "let through what is no port"
	}
	if a, err := netip.ParseAddr(host); err == nil {
		host, answers = "", []netip.Addr{a}
	} else {
		p.Resolved(host, answers, 0, 0, nil, sandbox.Origin{})
	}
	for _, a := range answers {
		if a.Unmap().Is4() == strings.HasSuffix(network, "6") && strings.ContainsAny(network, "46") {
			continue // package net does not try it
		}
		s, route, err := p.Dial(network, host, netip.AddrPort{}, netip.AddrPortFrom(a, uint16(number)), sandbox.Origin{})
		if err == nil {
			s.Connected(sandbox.Op{}, netip.AddrPort{}, nil)
			p.contacted = append(p.contacted, route.Addr)
			return ""
		}
	}
	return p.refusal()
}

// refusal is the rule of the first denial, else that of the look-up.
func (p *program) refusal() sandbox.Rule {
	for _, e := range append(p.rec.Events(sandbox.KindDeny), p.rec.Events(sandbox.KindResolve)...) {
		if e.Rule != "" {
			return e.Rule
		}
	}
	return "none"
}

// send is a datagram of an unconnected socket to each address that a name led to. It returns how many were let through.
func (p *program) send(t *testing.T, network string, to []netip.AddrPort) (through int) {
	t.Helper()
	s, err := p.ListenPacket(network, netip.AddrPort{}, sandbox.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range to {
		if _, err := s.SendTo(a); err == nil {
			through++
		}
	}
	return through
}

// TestCasesThroughABox holds the tables against what the hooks do: what Explain says comes true, each address is
// judged by itself, and a later look-up is judged anew.
func TestCasesThroughABox(t *testing.T) {
	t.Parallel()
	policy := policyOf(t, "appengine")
	j := judge(t, "appengine")
	for _, name := range tables {
		for _, c := range readCases(t, name) {
			if !strings.HasPrefix(c.network, "tcp") && !strings.HasPrefix(c.network, "udp") {
				continue // no name and no address is looked at: TestCases and the box's own tests hold them
			}
			p := newProgram(t, policy)
			for i, answers := range append([][]netip.Addr{c.answers}, c.later...) {
				e := j.Explain(c.network, c.input, answers)
				want := e.Rule
				if e.Verdict == sandbox.Allow {
					want = ""
				}
				if i == 0 && string(e.Verdict) != c.verdict {
					t.Errorf("%s: %s %q is %s, want %s", c.line, c.network, c.input, e.Verdict, c.verdict)
				}
				before := len(p.contacted)
				if got := p.dial(c.network, c.input, answers); got != want {
					t.Errorf("%s: look-up %d: %s %q is refused by %q, want %q", c.line, i+1, c.network, c.input, got, want)
				}
				checkContacts(t, j, c, answers, p.contacted[before:])
			}
		}
	}
}

// checkContacts wants the address contacted to be one of the answers that is not denied.
func checkContacts(t *testing.T, j *sandbox.Judge, c addressCase, answers []netip.Addr, contacted []netip.AddrPort) {
	t.Helper()
	host, _, _ := strings.Cut(c.input, ":")
	for _, a := range contacted {
		if answers != nil && !slices.Contains(answers, a.Addr()) {
			t.Errorf("%s: %s was contacted, which is no answer of this look-up (%v)", c.line, a, answers)
		}
		if d := j.Addr(c.network, host, a, answers != nil); d.Verdict != sandbox.Allow {
			t.Errorf("%s: %s was contacted, %s by %s", c.line, a, d.Verdict, d.Rule)
		}
	}
}

// TestRebinding walks several look-ups of one process: each answer is judged for itself and for its name.
func TestRebinding(t *testing.T) {
	t.Parallel()
	type lookup struct {
		address string // dialled after the look-up
		answers []netip.Addr
		refused sandbox.Rule
	}
	addrs := func(texts ...string) (all []netip.Addr) {
		for _, text := range texts {
			all = append(all, netip.MustParseAddr(text))
		}
		return all
	}
	for _, tt := range []struct {
		name    string
		lookups []lookup
	}{
		{"public, then loopback", []lookup{
			{"rebind.example:443", addrs("93.184.216.34"), ""}, {"rebind.example:443", addrs("127.0.0.1"), "loopback"}, {"127.0.0.1:443", nil, "loopback"},
		}},
		{"a listed name, then somewhere else", []lookup{
			{"smtp.gmail.com:465", addrs("142.250.101.108"), ""}, {"smtp.gmail.com:465", addrs("10.0.0.5"), "private"},
			{"smtp.gmail.com:465", addrs("169.254.169.254"), "linklocal"}, {"smtp.gmail.com:465", addrs("142.250.101.108"), ""},
		}},
		{"a listed name does not open its address to others", []lookup{
			{"smtp.gmail.com:465", addrs("142.250.101.108"), ""}, {"evil.example:465", addrs("142.250.101.108"), "google"},
			{"142.250.101.108:465", nil, ""}, {"142.250.101.109:465", nil, "google"}, {"142.250.101.108:443", nil, "google"},
		}},
		{"a literal before its name", []lookup{{"142.250.101.108:465", nil, "google"}, {"smtp.gmail.com:465", addrs("142.250.101.108"), ""}, {"142.250.101.108:465", nil, ""}}},
		{"mapped and translated answers", []lookup{
			{"a.example:80", addrs("::ffff:10.0.0.1", "64:ff9b::a00:1"), "private"}, {"a.example:80", addrs("64:ff9b::7f00:1", "64:ff9b::5db8:d822"), ""},
		}},
		{"nothing, then private", []lookup{{"a.example:80", addrs(), "unresolved"}, {"a.example:80", addrs("192.168.0.1"), "private"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t, policyOf(t, "appengine"))
			for i, l := range tt.lookups {
				if got := p.dial("tcp", l.address, l.answers); got != l.refused {
					t.Errorf("step %d: %s at %v is refused by %q, want %q", i+1, l.address, l.answers, got, l.refused)
				}
			}
		})
	}
}

// TestAnswersOverUDP sees that an unconnected socket gets to no answer that a dial does not get to.
func TestAnswersOverUDP(t *testing.T) {
	t.Parallel()
	j := judge(t, "appengine")
	for _, name := range []string{"dns-cases.tsv", "dns-cases-ambiguous.tsv"} {
		for _, c := range readCases(t, name) {
			host, port, err := net.SplitHostPort(c.input)
			if err != nil {
				t.Fatal(err)
			}
			number, err := strconv.ParseUint(port, 10, 16)
			if err != nil {
				t.Fatal(err)
			}
			p := newProgram(t, policyOf(t, "appengine"))
			for _, answers := range append([][]netip.Addr{c.answers}, c.later...) {
				p.Resolved(host, answers, 0, 0, nil, sandbox.Origin{})
				want := 0
				var to []netip.AddrPort
				for _, a := range answers {
					to = append(to, netip.AddrPortFrom(a, uint16(number)))
					if !j.Addr("udp", host, to[len(to)-1], true).Denied() {
						want++
					}
				}
				if got := p.send(t, "udp", to); got != want {
					t.Errorf("%s: %d of %v take a datagram, want %d", c.line, got, to, want)
				}
			}
		}
	}
}
