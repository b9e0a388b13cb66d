package sandbox_test

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	. "github.com/seed-d81df0db/devserver/sandbox"
)

// TestExceptionsOfABox walks the way of a dial, from its text over the look-up to the address.
func TestExceptionsOfABox(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		network, text, host, remote string
		looked                      string // host was looked up to it, "" to nothing
		before, dial                bool   // whether the text and the dial go through
		rule                        Rule   // of the denial, or of the event
	}{
		{"tcp", "mail.corp.example:25", "mail.corp.example", "10.0.0.5:25", "10.0.0.5", true, true, ""},
		{"tcp", "mail.corp.example:25", "mail.corp.example", "10.0.0.5:25", "", true, false, RulePort25}, // nobody looked it up
		{"tcp", "mail.corp.example:25", "mail.corp.example", "10.0.0.6:25", "10.0.0.5", true, false, RulePort25},
		{"tcp", "10.0.0.5:25", "", "10.0.0.5:25", "10.0.0.5", true, true, ""}, // a literal that a listed name led to
		{"tcp", "10.0.0.5:25", "", "10.0.0.5:25", "", true, false, RulePort25},
		{"tcp", "mail.other.example:21", "", "", "", true, false, ""}, // an address on the list could follow
		{"udp", "mail.other.example:25", "mail.other.example", "93.184.216.34:25", "93.184.216.34", true, false, RulePort25},
		{"tcp", "seen.example:80", "seen.example", "127.0.0.1:80", "127.0.0.1", true, true, RuleLoopback},
		{"tcp", ":9999", "", "0.0.0.0:9999", "", true, true, ""},
		{"tcp", ":9998", "", "", "", false, false, RuleUnspecified},
	} {
		f := newBox(t, func(c *Config) { c.Policy = excepting(exceptions...) })
		if err := f.Text(tt.network, tt.text, Origin{}); (err == nil) != tt.before {
			t.Errorf("Text(%s, %s) = %v, want it let through: %t", tt.network, tt.text, err, tt.before)
		}
		if tt.remote == "" {
			continue
		}
		if tt.looked != "" {
			name, _, _ := strings.Cut(tt.text, ":")
			if tt.host == "" {
				name = "mail.corp.example"
			}
			f.Resolved(name, addrs(tt.looked), 0, 0, nil, Origin{})
		}
		s, _, err := f.Dial(tt.network, tt.host, ap(""), ap(tt.remote), Origin{})
		if (err == nil) != tt.dial {
			t.Errorf("Dial(%s, %q, %s) after a look-up to %q: %v, want it let through: %t", tt.network, tt.host, tt.remote, tt.looked, err, tt.dial)
			continue
		}
		if err == nil {
			s.Connected(Op{}, ap(""), nil)
		}
		events := f.rec.Events(KindDeny, KindConnect)
		if last := events[len(events)-1]; last.Rule != tt.rule {
			t.Errorf("Dial(%s, %q, %s): event %s by %q, want %q", tt.network, tt.host, tt.remote, last.Kind, last.Rule, tt.rule)
		}
	}
}

// TestExceptionsOfPackets sees that each destination of an unconnected socket is judged with its exceptions.
func TestExceptionsOfPackets(t *testing.T) {
	t.Parallel()
	f := newBox(t, func(c *Config) {
		c.Policy = excepting(Exception{Host: "dns.corp.example", Network: "udp", Ports: []uint16{53}, Rules: []Rule{RulePrivate}})
	})
	s, err := f.ListenPacket("udp", ap(""), Origin{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SendTo(ap("10.0.0.53:53")); !errors.Is(err, syscall.EACCES) {
		t.Errorf("before any look-up: %v", err)
	}
	f.Resolved("dns.corp.example", addrs("10.0.0.53"), 0, 0, nil, Origin{})
	if _, err := s.SendTo(ap("10.0.0.53:53")); err != nil {
		t.Errorf("after the look-up: %v", err)
	}
	if _, err := s.SendTo(ap("10.0.0.53:54")); !errors.Is(err, syscall.EACCES) {
		t.Errorf("another port: %v", err)
	}
}

// TestExceptionOfAStandin lets an app send mail to a stand-in on a port that production blocks.
func TestExceptionOfAStandin(t *testing.T) {
	t.Parallel()
	list := []Exception{
		{Host: "mail.example.com", Ports: []uint16{25}, Rules: []Rule{RulePort25}},
		{Prefix: netip.MustParsePrefix("240.0.0.0/4"), Ports: []uint16{21}, Rules: []Rule{RuleFTP}}, // no lent address is meant
	}
	f := newBox(t, func(c *Config) { c.Policy, c.Standins = excepting(list...), []Standin{mail} })
	ips, _ := f.StandinHost("mail.example.com")
	remote := netip.AddrPortFrom(ips[0], 25)
	if err := second(f.Dial("tcp", "mail.example.com", ap(""), remote, Origin{})); !errors.Is(err, syscall.EACCES) {
		t.Errorf("before the look-up: %v", err)
	}
	f.Resolved("mail.example.com", ips, 0, 0, nil, Origin{})
	if _, route, err := f.Dial("tcp", "mail.example.com", ap(""), remote, Origin{}); err != nil || route.Addr != ap("127.0.0.1:10025") {
		t.Errorf("Dial = %+v, %v, want the stand-in", route, err)
	}
	if err := second(f.Dial("tcp", "mail.example.com", ap(""), netip.AddrPortFrom(ips[0], 21), Origin{})); !errors.Is(err, syscall.EACCES) {
		t.Errorf("port 21 of a lent address: %v", err)
	}
}

// TestTheBestOfSeveralNames sees that of all names that led to an address the one counts for which most is let through.
func TestTheBestOfSeveralNames(t *testing.T) {
	t.Parallel()
	f := newBox(t, func(c *Config) {
		c.Policy = excepting(
			Exception{Host: "report.example", Rules: []Rule{RulePrivate}, Mode: ModeReport},
			Exception{Host: "lift.example", Ports: []uint16{80}, Rules: []Rule{RulePrivate}})
	})
	for _, host := range []string{"lift.example", "report.example", "newest.example"} {
		f.Resolved(host, addrs("10.0.0.1"), 0, 0, nil, Origin{})
	}
	for _, tt := range []struct {
		remote, host string
		rule         Rule
	}{
		{"10.0.0.1:80", "lift.example", ""},
		{"10.0.0.1:81", "report.example", RulePrivate},
	} {
		f.rec.Reset()
		s, _, err := f.Dial("tcp", "", ap(""), ap(tt.remote), Origin{})
		if err != nil {
			t.Errorf("%s: %v", tt.remote, err)
			continue
		}
		s.Connected(Op{}, ap(""), nil)
		if e := f.rec.Events(); e[0].Info.Host != tt.host || e[1].Rule != tt.rule {
			t.Errorf("%s: host %q, rule %q, want %q and %q", tt.remote, e[0].Info.Host, e[1].Rule, tt.host, tt.rule)
		}
	}
}
