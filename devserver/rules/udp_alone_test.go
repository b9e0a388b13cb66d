//go:build linux

package rules

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// Where a datagram goes, and the rule that denies it; "" lets it through.
var destinations = []struct {
	addr string
	rule sandbox.Rule
}{
	{"93.184.216.34:7000", ""},
	{"8.8.8.8:53", ""}, // on the whitelist
	{"8.8.8.9:53", sandbox.RuleGoogle},
	{"8.8.8.8:7000", sandbox.RuleGoogle},
	{"10.0.0.1:7000", sandbox.RulePrivate},
	{"[::ffff:10.0.0.1]:7000", sandbox.RulePrivate},
	{"[64:ff9b::a00:1]:7000", sandbox.RulePrivate},
	{"[fd00::1]:7000", sandbox.RulePrivate},
	{"127.0.0.1:7000", sandbox.RuleLoopback},
	{"[::1]:7000", sandbox.RuleLoopback},
	{"169.254.169.254:7000", sandbox.RuleLinklocal},
	{"255.255.255.255:7000", sandbox.RuleBroadcast},
	{"224.0.0.251:7000", sandbox.RuleMulticast},
	{"239.255.255.250:7000", sandbox.RuleMulticast},
	{"[ff02::fb]:7000", sandbox.RuleMulticast},
	{"[ff0e::1]:7000", sandbox.RuleMulticast},
	{"0.0.0.0:7000", sandbox.RuleUnspecified},
	{"240.0.0.1:7000", sandbox.RuleReserved},
	{"[2002:a00:1::1]:7000", sandbox.RuleEmbedded},
	{"93.184.216.34:25", sandbox.RulePort25},
	{"93.184.216.34:0", sandbox.RuleInvalid},
}

// TestDatagramDestinations sends to each destination in each way, from one socket, in a network where all of them could be
// reached: each datagram is judged by itself, also between two to an allowed peer.
func TestDatagramDestinations(t *testing.T) {
	if !alone(t) {
		return
	}
	const peer = "93.184.216.34:7000"
	addrs := []netip.Addr{}
	for _, d := range destinations {
		a := netip.MustParseAddrPort(d.addr).Addr().Unmap()
		if !a.IsMulticast() && a.String() != "255.255.255.255" && a.String() != "240.0.0.1" && !slices.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	furnish(t, addrs)
	seen := &visitors{own: make(chan string)}
	seen.udp(t, ":7000")
	seen.udp(t, "8.8.8.8:53")
	probes := []string{"127.0.0.1:7000", "8.8.8.8:53"}

	// Without the rules what is denied below arrives.
	opened := start(t, "quota", run{Profile: "open", Args: []string{"udp udp", "send WriteTo 10.0.0.1:7000 5", "send WriteTo [fd00::1]:7000 5", "receive ReadFrom", "receive ReadFrom"}})
	if n := len(seen.since(t, "udp", probes...)); n != 2 || len(opened.of(sandbox.KindDeny)) > 0 {
		t.Fatalf("without the rules nothing arrives: %q", opened.Lines)
	}
	for _, way := range append([]string{"rawsend", "dial"}, sendWays...) {
		t.Run(way, func(t *testing.T) { sendToAll(t, way, peer, seen, probes) })
	}
}

var sendDenied = regexp.MustCompile(`\[(write|dial) udp .*: (sendto|sendmsg|connect): permission denied\] OpError\{(write|dial) udp .*EDQUOT false, EACCES true, timeout false$`)

func sendToAll(t *testing.T, way, peer string, seen *visitors, probes []string) {
	network, step := "udp", func(addr string) string { return "send " + way + " " + addr + " 5" }
	switch way {
	case "rawsend":
		network, step = "udp4", func(addr string) string { return "rawsend " + addr }
	case "dial":
		step = func(addr string) string { return "dial udp " + addr }
	}
	steps, rules := []string{"udp " + network}, []sandbox.Rule{""}
	for _, d := range destinations {
		if way == "rawsend" && !netip.MustParseAddrPort(d.addr).Addr().Is4() {
			continue
		}
		steps, rules = append(steps, step(d.addr), step(peer)), append(rules, d.rule, "")
	}
	got := newLedger(t).steps(t, run{}, steps...)
	if len(got.Lines) != len(steps) {
		t.Fatalf("printed %q", got.Lines)
	}
	var want []sandbox.Rule
	for i, line := range got.Lines {
		if ok := strings.HasPrefix(line, steps[i]+": ok"); ok != (rules[i] == "") {
			t.Errorf("printed %q, want denied by %q", line, rules[i])
		} else if !ok && way != "rawsend" && !sendDenied.MatchString(line) || !ok && !strings.Contains(line, "permission denied") {
			t.Errorf("printed %q, want a denial", line)
		}
		if rules[i] != "" {
			want = append(want, rules[i])
		}
	}
	var denied []sandbox.Rule
	for _, e := range got.of(sandbox.KindDeny) {
		denied = append(denied, e.Rule)
		if e.Info == nil || e.Info.Remote == "" || e.Detail == "" {
			t.Errorf("denial %+v says not of what", e)
		}
	}
	if !slices.Equal(denied, want) {
		t.Errorf("denials by\n\t%v\nwant\n\t%v", denied, want)
	}
	sends := 0
	for _, e := range got.of(sandbox.KindSend) {
		sends++
		if e.Error != "" || e.Bytes != 5 {
			t.Errorf("send %+v", e)
		}
	}
	if allowed := len(steps) - 1 - len(want); way != "dial" && sends != allowed {
		t.Errorf("%d sends, want %d", sends, allowed)
	}
	if reached := seen.since(t, "udp", probes...); len(reached) != sends {
		t.Errorf("%d datagrams arrived, want %d: %q", len(reached), sends, reached)
	}
}

// A group cannot be listened to: its socket would be bound to the group's address and port.
func TestMulticastListen(t *testing.T) {
	if !alone(t) {
		return
	}
	furnish(t, nil)
	const step = "multicast 224.0.0.251:5353"
	got := newLedger(t).steps(t, run{}, step)
	wantLines(t, got, step+": [listen udp4 224.0.0.251:5353: bind: permission denied] OpError{listen udp4 <nil> 224.0.0.251:5353}, EDQUOT false, EACCES true, timeout false")
	if e := got.of(sandbox.KindDeny); len(e) != 1 || e[0].Rule != sandbox.RuleBind {
		t.Errorf("denials %+v, want one by bind", e)
	}
}
