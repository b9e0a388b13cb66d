//go:build linux && (amd64 || arm64)

package rules

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// However a program spells a destination for the kernel, it is judged, and a stand-in serves it.
func TestSpelledForTheKernel(t *testing.T) {
	t.Parallel()
	packets := echoUDP(t)
	const bind = "bind" + no
	denied := start(t, "probe", run{Args: []string{"spelled", packets}})
	wantLines(t, denied, "sendto"+no, "sendmsg"+no, "sendmsg with room"+no, "sendto"+no, "sendmsg"+no, "sendmsg with room"+no, "disconnect: ok", bind)
	const prod = "127.0.0.9:4711"
	in := sandbox.Standin{Host: "127.0.0.9", Port: 4711, Local: packets}
	served := start(t, "probe", run{
		Args: []string{"spelled", prod, "", "", "", "", "", ""}, Standins: []sandbox.Standin{in},
		Change: func(p *sandbox.Policy) { p.Rules[sandbox.RuleLoopback] = sandbox.RuleSetting{} },
	})
	want := []string{"sendto: ok", "sendmsg: ok", "sendmsg with room: ok", "sendto: ok", "sendmsg: ok", "sendmsg with room: ok"}
	for range 6 {
		want = append(want, "recvfrom 1: ok", "from "+prod)
	}
	wantLines(t, served, append(want, "disconnect: ok", bind)...)
}

// The kernel takes an IPv6 address without its scope, as RFC 2133 had it.
func TestShortInet6(t *testing.T) {
	t.Parallel()
	got := start(t, "probe", run{Args: []string{"spelled6", echoUDP(t)}})
	wantLines(t, got, "sendto"+no, "sendmsg"+no, "connect"+no)
}

// An address with a zone is another one than that without, in a datagram as in a dial.
func TestZonedDestination(t *testing.T) {
	t.Parallel()
	p, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		hooktest.Missing(t, "this machine has no IPv6: "+err.Error())
	}
	defer p.Close()
	addr := p.LocalAddr().String()
	port := netip.MustParseAddrPort(addr).Port()
	got := start(t, "probe", run{Args: []string{"zoned", addr}, Change: func(p *sandbox.Policy) {
		p.Exceptions = []sandbox.Exception{{Addr: netip.IPv6Loopback(), Ports: []uint16{port}, Rules: []sandbox.Rule{sandbox.RuleLoopback}}}
	}})
	wantLines(t, got, fmt.Sprintf("dial: dial udp [::1%%lo]:%d", port)+": connect: permission denied [errno 13, OpError true]", "writeto : ok",
		"writeto lo: sendto"+no, "sendto 0: ok", "sendto 1"+no)
}

// A socket is what its protocol says: one that sends datagrams may speak ICMP.
func TestProtocols(t *testing.T) {
	t.Parallel()
	if !alone(t) {
		return
	}
	const groups = "/proc/sys/net/ipv4/ping_group_range"
	if err := os.WriteFile(groups, []byte("0 0"), 0); err != nil {
		hooktest.Missing(t, "sockets of ICMP are not for everybody here: "+err.Error())
	}
	got := start(t, "probe", run{Args: []string{"protocols"}})
	wantLines(t, got, "udp: ok", "tcp: ok", "icmp"+no)
	if deny := got.of(sandbox.KindDeny); len(deny) != 1 || deny[0].Rule != sandbox.RuleNetwork || deny[0].Info.Network != "ip4:1" {
		t.Errorf("denials %+v, want one of ip4:1 by network", deny)
	}
}

func TestRightsBehindMuch(t *testing.T) {
	t.Parallel()
	got := start(t, "probe", run{Args: []string{"bigcontrol"}, Change: noNetworkRule})
	wantLines(t, got, "rights"+no)
}

// A stand-in of the other family cannot be reached from a descriptor that exists already.
func TestStandinOfOtherFamilyByCalls(t *testing.T) {
	t.Parallel()
	in := sandbox.Standin{Host: "93.184.216.34", Port: 80, Local: "[::1]:80"}
	got := start(t, "probe", run{Args: []string{"connect", "93.184.216.34:80"}, Standins: []sandbox.Standin{in}})
	wantLines(t, got, "socket: ok", "connect: address family not supported by protocol [errno 97, OpError false]", "close: ok")
}
