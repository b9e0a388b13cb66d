package sandbox_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	. "github.com/seed-d81df0db/devserver/sandbox"
)

// hosts returns texts that all mean a, to one reader or another, as they stand before the port.
func hosts(a netip.Addr) []string {
	if a.Is4() {
		return append(hosts4(a), hosts6(netip.AddrFrom16(a.As16()))...)
	}
	return hosts6(a)
}

func hosts4(a netip.Addr) []string {
	b := a.As4()
	n := uint64(binary.BigEndian.Uint32(b[:]))
	dotted := func(format string) string {
		return fmt.Sprintf(strings.Repeat("."+format, 4)[1:], b[0], b[1], b[2], b[3])
	}
	wide := strings.Map(func(r rune) rune {
		if r == '.' {
			return '。'
		}
		return r - '0' + '０'
	}, a.String())
	compatible := fmt.Sprintf("[::%s]", a)
	if n < 2 {
		compatible = a.String() // :: and ::1 are addresses of their own
	}
	return []string{
		a.String(), "[" + a.String() + "]", a.String() + ".", " " + a.String(), a.String() + " ", a.String() + "\x00", "\t" + a.String(),
		a.String() + "%lo", "[" + a.String() + "%lo]", "user@" + a.String(), "//" + a.String(), wide, strings.ReplaceAll(a.String(), ".", "%2e"),
		dotted("0%o"), dotted("0x%x"), dotted("0X%X"), dotted("%03d"), "0" + a.String(),
		fmt.Sprint(n), fmt.Sprintf("0x%x", n), fmt.Sprintf("0%o", n), fmt.Sprint(n + 1<<32), fmt.Sprintf("0x%x", n+1<<32),
		fmt.Sprintf("%d.%d", b[0], n&0xffffff), fmt.Sprintf("%d.%d.%d", b[0], b[1], n&0xffff), fmt.Sprintf("%d.0x%x", b[0], n&0xffffff),
		fmt.Sprintf("[64:ff9b::%s]", a), fmt.Sprintf("[64:ff9b::%x:%x]", n>>16, n&0xffff), // through a translator
		compatible, fmt.Sprintf("[::ffff:0:%s]", a), fmt.Sprintf("[2002:%x:%x::]", n>>16, n&0xffff), fmt.Sprintf("[2606:4700::5efe:%s]", a),
	}
}

func hosts6(a netip.Addr) []string {
	b := a.As16()
	var groups, padded []string
	for i := 0; i < 16; i += 2 {
		g := uint16(b[i])<<8 | uint16(b[i+1])
		groups, padded = append(groups, fmt.Sprintf("%x", g)), append(padded, fmt.Sprintf("%04X", g))
	}
	tail := netip.AddrFrom4([4]byte(b[12:])).String()
	all := []string{
		a.String(), a.StringExpanded(), strings.ToUpper(a.String()), strings.Join(groups, ":"), strings.Join(padded, ":"),
		strings.Join(groups[:6], ":") + ":" + tail, strings.Join(padded[:6], ":") + ":" + tail,
		a.WithZone("lo").String(), a.WithZone("1").String(), a.WithZone("25lo").String(), a.String() + "%", a.String() + "/128",
		"0" + a.String(), "v6." + a.String(),
	}
	for i := range 7 { // :: in the place of each pair of zeros
		if groups[i] == "0" && groups[i+1] == "0" {
			all = append(all, strings.Join(groups[:i], ":")+"::"+strings.Join(groups[i+2:], ":"))
		}
	}
	for i, text := range all {
		all[i] = "[" + text + "]"
	}
	return append(all, a.String(), "[["+a.String()+"]]", "["+a.String(), a.String()+"]")
}

// ports returns texts that mean p to one reader or another.
func ports(p uint16) []string {
	n := strconv.Itoa(int(p))
	all := []string{n, "0" + n, "00000" + n, "+" + n, " " + n, n + " ", n + "\x00", "-" + n, strconv.Itoa(1<<32 + int(p)), strconv.Itoa(1<<16 + int(p)), fmt.Sprintf("0x%x", p), n + "."}
	switch p {
	case 25:
		all = append(all, "smtp", "SMTP", "mail")
	case 21:
		all = append(all, "ftp", "Ftp")
	case 53:
		all = append(all, "domain")
	}
	return all
}

// A spelled holds all spellings of one endpoint against a judge.
type spelled struct {
	j       *Judge
	network string
	a       netip.Addr // IPv4, or IPv6 that is no mapped one
	port    uint16
}

// check returns what is wrong with a spelling: allowed where the plain one is not, or read otherwise than package net
// reads it.
func (s spelled) check(text string) error {
	plain := s.j.Explain(s.network[:3], netip.AddrPortFrom(s.a, s.port).String(), nil)
	got := s.j.Explain(s.network, text, nil)
	read, err := netip.ParseAddrPort(text)
	same := err == nil && read.Addr().Unmap() == s.a
	if got.Verdict != Deny && (plain.Verdict == Deny || same && (got.Verdict != plain.Verdict || got.Rule != plain.Rule)) {
		return fmt.Errorf("Explain(%s, %q) = %s by %s, but %s is %s by %s", s.network, text, got.Verdict, got.Rule, s.a, plain.Verdict, plain.Rule)
	}
	target, d := s.j.Text(s.network, text)
	if d.Denied() {
		if got.Verdict != Deny {
			return fmt.Errorf("Text(%s, %q) denies by %s, Explain = %s by %s", s.network, text, d.Rule, got.Verdict, got.Rule)
		}
		return nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("Text(%s, %q) lets through what net cannot split: %w", s.network, text, err)
	}
	addr, err := netip.ParseAddr(host)
	number, err2 := net.LookupPort("tcp", port)
	if err != nil || err2 != nil || addr != target.Addr || number != int(target.Port) {
		return fmt.Errorf("Text(%s, %q) reads %s and %d, net %s and %d (%v, %v)", s.network, text, target.Addr, target.Port, addr, number, err, err2)
	}
	if e := s.j.Addr(s.network, "", netip.AddrPortFrom(addr, target.Port), false); e.Verdict != got.Verdict || e.Rule != got.Rule {
		return fmt.Errorf("Addr(%s, %s) = %s by %s, but Explain(%q) = %s by %s", s.network, addr, e.Verdict, e.Rule, text, got.Verdict, got.Rule)
	}
	return nil
}

// checkAddr holds what the hooks give Addr, an address without a text, to the same.
func (s spelled) checkAddr() error {
	plain := s.j.Addr(s.network, "", netip.AddrPortFrom(s.a, s.port), false)
	mapped := s.j.Addr(s.network, "", netip.AddrPortFrom(netip.AddrFrom16(s.a.As16()), s.port), false)
	if mapped != plain {
		return fmt.Errorf("Addr(%s) = %+v, mapped %+v", s.a, plain, mapped)
	}
	zoned := s.j.Addr(s.network, "", netip.AddrPortFrom(netip.AddrFrom16(s.a.As16()).WithZone("lo"), s.port), false)
	if zoned.Verdict == Allow && plain.Verdict != Allow {
		return fmt.Errorf("Addr(%s) = %+v, with a zone %+v", s.a, plain, zoned)
	}
	if !plain.Rule.Known() {
		return fmt.Errorf("Addr(%s) by %q", s.a, plain.Rule)
	}
	return nil
}

func (s spelled) checkAll() error {
	if err := s.checkAddr(); err != nil {
		return err
	}
	for _, host := range hosts(s.a) {
		if err := s.check(host + ":" + strconv.Itoa(int(s.port))); err != nil {
			return err
		}
	}
	for _, port := range ports(s.port) {
		if err := s.check(strings.TrimSuffix(netip.AddrPortFrom(s.a, 1).String(), "1") + port); err != nil {
			return err
		}
	}
	return nil
}

// judges are policies under which no spelling may get through where another is denied: strict, with exceptions, and
// with rules that only report or are off.
func judges(t testing.TB) []*Judge {
	t.Helper()
	loose := excepting(exceptions...)
	for i, r := range Rules {
		if r != RuleInvalid && r != RuleUnresolved && r != RuleEmbedded && !r.Allows() {
			loose.Rules[r] = RuleSetting{Mode: []Mode{ModeReport, ModeEnforce, ModeOff}[i%3]}
		}
	}
	return []*Judge{compile(t, strict()), compile(t, excepting(exceptions...)), compile(t, loose)}
}

var networks = []string{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6"}

// edges are addresses around which spellings have gone wrong elsewhere.
var edges = []string{
	"127.0.0.1", "8.8.8.8", "10.0.0.1", "10.7.0.1", "10.9.9.9", "34.80.1.2", "0.0.0.0", "255.255.255.255", "169.254.169.254", "100.64.0.1",
	"224.0.0.1", "93.184.216.34", "0.0.0.1", "192.0.2.1", "::1", "::", "fd00::1", "fe80::1", "ff02::1", "2001:4860:4860::8888", "2606:4700::1111",
	"2001:4860::5efe:10.0.0.1", "2002:a00:1::1", "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1", "2001::1", "::ffff:0:a00:1", "2001:3::1",
}

// TestSpellings holds that all spellings of one endpoint get the verdict of the plain one, or a denial.
func TestSpellings(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	all := judges(t)
	for i := range 3000 {
		var b [16]byte
		binary.BigEndian.PutUint64(b[:], r.Uint64())
		binary.BigEndian.PutUint64(b[8:], r.Uint64())
		a := netip.AddrFrom16(b)
		switch i % 3 {
		case 0:
			a = netip.MustParseAddr(edges[r.IntN(len(edges))])
		case 1:
			a = netip.AddrFrom4([4]byte(b[:4]))
		}
		port := []uint16{443, 53, 25, 21, 80, 9999, 1, 65535, uint16(r.UintN(1 << 16))}[r.IntN(9)]
		for _, j := range all {
			if err := (spelled{j, networks[r.IntN(len(networks))], a.Unmap(), port}).checkAll(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// FuzzSpellings looks for an endpoint of which one spelling gets through where another does not.
func FuzzSpellings(f *testing.F) {
	for i, text := range edges {
		b := netip.MustParseAddr(text).As16()
		f.Add(b[:], uint16(25), uint8(i))
		f.Add(b[:], uint16(443), uint8(i))
	}
	all := judges(f)
	f.Fuzz(func(t *testing.T, addr []byte, port uint16, n uint8) {
		var b [16]byte
		copy(b[:], addr)
		if err := (spelled{all[int(n)%len(all)], networks[int(n/3)%len(networks)], netip.AddrFrom16(b).Unmap(), port}).checkAll(); err != nil {
			t.Fatal(err)
		}
	})
}
