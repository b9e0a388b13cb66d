//go:build linux && (amd64 || arm64)

package rules

import (
	"net/netip"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// TestBatch sends datagrams many at a time through golang.org/x/net: the messages before a denied one go out, nothing
// of it and after it does, and each byte that went is recorded.
func TestBatch(t *testing.T) {
	t.Parallel()
	allowed, denied := echoUDP(t), listenUDP(t)
	const prod = "93.184.216.34:53"
	s := standin("dns.example.com:53", allowed)
	s[0].Address = netip.MustParseAddr("93.184.216.34")
	build(t, "sockets")
	usage := newLedger(t)
	got := start(t, "sockets", run{Args: []string{"batch", "dns.example.com:53", denied.LocalAddr().String()}, Standins: s, Config: usage.config(t)})
	const hello = `got "hello" from ` + prod
	wantLines(t, got, "all 3 <nil>", hello, hello, hello, "third denied 2 <nil>", hello, hello,
		"first denied -1 OpError true, EACCES true")
	wantBytes(t, got, 25, 25)
	if used := usage.used(t, "minute"); used[sandbox.ResourceSend] != 5 || used[sandbox.ResourceReceive] != 5 {
		t.Errorf("used %v, want five sends and five receives: each datagram of a batch is a call", used)
	}
	wantNothing(t, denied)
	for _, e := range got.of(sandbox.KindDeny) {
		if e.Rule != sandbox.RuleLoopback || e.Info.Remote != denied.LocalAddr().String() {
			t.Errorf("denial %+v, want one of %s by loopback", e, denied.LocalAddr())
		}
	}
}

// TestUnixStream is built without optimisation too, as delve does: what stands between golang.org/x/sys and the runtime
// has little stack, and frames are larger then.
func TestUnixStream(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"plain": nil, "unoptimised": {"-gcflags=all=-N -l"}, "race": {"-race"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "race" {
				needsC(t)
			}
			unixStream(t, flags)
		})
	}
}

func unixStream(t *testing.T, flags []string) {
	addr := echo(t)
	denied := start(t, "sockets", run{Args: []string{"stream", addr}, Flags: flags})
	wantLines(t, denied, "connect permission denied", "close <nil>")
	allowed := start(t, "sockets", run{Args: []string{"stream", addr}, Flags: flags, Standins: []sandbox.Standin{{Local: addr}}})
	wantLines(t, allowed, "connect ok", "write 5 <nil>", "read 5 <nil>", "writev 5 <nil>", "readv 5 <nil>", "shutdown <nil>", "end 0 <nil>", "close <nil>")
	wantBytes(t, allowed, 10, 10)
	closed := allowed.of(sandbox.KindClose)
	if len(closed) != 1 || closed[0].Reason != sandbox.ReasonPeer {
		t.Errorf("closes %+v, want one after the peer's end", closed)
	}
}

func TestUnixDatagram(t *testing.T) {
	t.Parallel()
	allowed, denied := echoUDP(t), listenUDP(t)
	got := start(t, "sockets", run{
		Args:     []string{"datagram", "93.184.216.34:53", denied.LocalAddr().String()},
		Standins: []sandbox.Standin{{Host: "93.184.216.34", Port: 53, Local: allowed}},
	})
	const no = " permission denied"
	wantLines(t, got, "bind"+no, "bind any ok", "sendto ok", "sendmsg ok", "sendmsg buffers 3 ok",
		"sendto"+no, "sendmsg"+no, "sendmsg buffers 0"+no,
		"recvfrom 1 93.184.216.34:53 <nil>", "recvmsg 2 93.184.216.34:53 <nil>", "recvmsg 3 93.184.216.34:53 <nil>", "close <nil>")
	wantBytes(t, got, 6, 6)
	wantNothing(t, denied)
	if n := len(got.of(sandbox.KindDeny)); n != 4 {
		t.Errorf("%d denials, want 4", n)
	}
}

// TestMovingStack hands memory of stacks that move to system calls.
func TestMovingStack(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"plain": nil, "race": {"-race"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "race" {
				needsC(t)
			}
			s := []sandbox.Standin{{Host: "93.184.216.34", Port: 53, Local: echoUDP(t)}}
			got := start(t, "probe", run{Args: []string{"stack", "93.184.216.34:53"}, Standins: s, Flags: flags, Change: noQuotas})
			wantLines(t, got, "wrong 0")
			wantBytes(t, got, 300*300, 300*300)
		})
	}
}
