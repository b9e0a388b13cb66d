package sandbox_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	. "github.com/seed-d81df0db/devserver/sandbox"
)

// texts are seeds for what programs write as an address.
var texts = []string{
	"1.1.1.1:443", "[::1]:25", "smtp.gmail.com:465", "mail.corp.example:25", "127.1:80", ":80", ":9999", "[]:1", "a:smtp", "[fe80::1%25e]:1",
	"1.1.1.1:4294967321", "\x00:1", "[[::1]]:80", "a.:1", "a..:1", "*.corp.example:25", "[::ffff:10.9.9.9]:21", strings.Repeat("a.", 200) + ":1", "",
}

// FuzzText holds that every text gets a verdict by a rule, and that an allowed one is a literal or a name and a port.
func FuzzText(f *testing.F) {
	for _, s := range texts {
		f.Add("tcp", s)
		f.Add("udp6", s)
	}
	f.Add("unix", "/x")
	all := judges(f)
	f.Fuzz(func(t *testing.T, network, address string) {
		for _, j := range all {
			target, d := j.Text(network, address)
			if !slices.Contains([]Verdict{Allow, Deny, Report}, d.Verdict) || !d.Rule.Known() || (d.Verdict == Allow) != d.Rule.Allows() {
				t.Fatalf("Text(%q, %q) = %+v", network, address, d)
			}
			if d.Verdict == Allow && target.Port == 0 && strings.HasPrefix(network, "tcp") {
				t.Fatalf("Text(%q, %q) allows %+v", network, address, target)
			}
			if d.Verdict == Allow && target.Addr.IsValid() && target.Host == "" {
				t.Fatalf("Text(%q, %q) reads %+v", network, address, target)
			}
			if why := j.Reason(d, network, address); !strings.HasSuffix(why, ".") {
				t.Fatalf("Text(%q, %q): reason %q", network, address, why)
			}
		}
	})
}

// FuzzExplain holds that every address gets a whole explanation, whatever a resolver says, and that it agrees with
// what the hooks ask.
func FuzzExplain(f *testing.F) {
	for i, s := range texts {
		f.Add("tcp", s, []byte{10, 0, 0, 1}, uint8(i))
		f.Add("udp", s, netip.MustParseAddr("64:ff9b::1").AsSlice(), uint8(i))
		f.Add("tcp4", s, []byte{}, uint8(i))
	}
	all := judges(f)
	f.Fuzz(func(t *testing.T, network, address string, resolved []byte, n uint8) {
		j := all[int(n)%len(all)]
		answers := answersFrom(resolved, n)
		e := j.Explain(network, address, answers)
		if !slices.Contains([]Verdict{Allow, Deny, Report}, e.Verdict) || !e.Rule.Known() || (e.Verdict == Allow) != e.Rule.Allows() ||
			e.Reason == "" || e.Title == "" || (e.Error != "") != (e.Verdict == Deny) || (e.Advice != "") != (e.Verdict != Allow) {
			t.Fatalf("Explain(%q, %q, %v) = %+v", network, address, answers, e)
		}
		for i, r := range e.Also {
			if r == e.Rule || r.Allows() || !r.Known() || slices.Contains(e.Also[:i], r) {
				t.Fatalf("Explain(%q, %q, %v): %s by %s, also %v", network, address, answers, e.Verdict, e.Rule, e.Also)
			}
		}
		if through := goesThrough(j, network, address, answers); transports(network) && through != (e.Verdict != Deny) {
			t.Fatalf("Explain(%q, %q, %v) = %s by %s, but the hooks let it through: %t", network, address, answers, e.Verdict, e.Rule, through)
		}
	})
}

// answersFrom makes a resolver's answers: none was asked, none, or addresses of four or sixteen bytes.
func answersFrom(b []byte, n uint8) []netip.Addr {
	if n >= 128 {
		return nil
	}
	answers := []netip.Addr{}
	for _, size := range []int{4, 16, 4} {
		if len(b) >= size {
			a, _ := netip.AddrFromSlice(b[:size])
			answers, b = append(answers, a), b[size:]
		}
	}
	return answers
}

func transports(network string) bool { return slices.Contains(networks, network) }

// goesThrough asks as the hooks do: the text, and each address that is tried until one is not denied. Where no
// resolver was asked, or no rule speaks about a name without an address, the text decides.
func goesThrough(j *Judge, network, address string, answers []netip.Addr) bool {
	target, d := j.Text(network, address)
	switch {
	case d.Denied():
		return false
	case target.Addr.IsValid():
		answers = []netip.Addr{target.Addr}
	case target.Host == "":
		return true
	}
	tried := false
	for _, a := range answers {
		if !a.Unmap().Is4() && strings.HasSuffix(network, "4") || a.Unmap().Is4() && strings.HasSuffix(network, "6") {
			continue
		}
		host := target.Host
		if target.Addr.IsValid() {
			host = ""
		}
		tried = true
		if !j.Addr(network, host, netip.AddrPortFrom(a, target.Port), host != "").Denied() {
			return true
		}
	}
	return !tried && j.Explain("tcp", "a.example:80", []netip.Addr{}).Verdict != Deny
}
