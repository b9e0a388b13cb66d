package rules

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

var (
	sendWays    = []string{"WriteTo", "WriteToUDP", "WriteToUDPAddrPort", "WriteMsgUDP", "WriteMsgUDPAddrPort"}
	receiveWays = []string{"ReadFrom", "ReadFromUDP", "ReadFromUDPAddrPort", "ReadMsgUDP", "ReadMsgUDPAddrPort"}
)

// TestDatagramWays sends and receives in each way that package net has: each is counted and recorded once, and a
// stand-in's answer comes from production's address.
func TestDatagramWays(t *testing.T) {
	t.Parallel()
	local := echoUDP(t)
	for _, tt := range []struct {
		name, network string
		prod          netip.AddrPort
		from          string // as a socket of two families prints it
	}{
		{"of IPv4", "udp", netip.MustParseAddrPort("93.184.216.34:53"), "93.184.216.34:53"},
		{"of IPv4 only", "udp4", netip.MustParseAddrPort("93.184.216.34:53"), "93.184.216.34:53"},
		{"of IPv6", "udp", netip.MustParseAddrPort("[2606:2800:220:1::1]:53"), "[2606:2800:220:1::1]:53"},
	} {
		for i, send := range sendWays {
			receive := receiveWays[i]
			t.Run(tt.name+"/"+send, func(t *testing.T) {
				t.Parallel()
				l := newLedger(t)
				s := []sandbox.Standin{{Host: tt.prod.Addr().String(), Port: tt.prod.Port(), Local: local}}
				to := fmt.Sprintf("send %s %s 5", send, tt.prod)
				got := l.steps(t, run{Standins: s}, "udp "+tt.network, to, "receive "+receive, to, "receive "+receive)
				from := "receive " + receive + ": ok 5 from " + tt.from
				if strings.HasSuffix(receive, "AddrPort") && tt.network == "udp" && tt.prod.Addr().Is4() {
					from = "receive " + receive + ": ok 5 from [::ffff:93.184.216.34]:53" // as Go has it without the rules
				}
				wantLines(t, got, "udp "+tt.network+": ok", to+": ok 5", from, to+": ok 5", from)
				wantBytes(t, got, 10, 10)
				wantUsed(t, l, map[sandbox.Resource]int64{"create": 1, "bind": 1, "send": 2, "receive": 2, "bytes_sent": 10, "bytes_received": 10})
				if !slices.ContainsFunc(got.Events, func(e sandbox.Event) bool {
					return e.Info != nil && e.Info.Remote == tt.prod.String() && e.Info.Standin == local
				}) {
					t.Errorf("no event says that %s serves %s", local, tt.prod)
				}
			})
		}
	}
}

// TestConnectedHearsItsPeerOnly sends to the port of a connected socket from elsewhere: only what its peer says arrives,
// also where a stand-in is the peer. One that is not connected hears everybody, as in production.
func TestConnectedHearsItsPeerOnly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		prod  string // "" dials the peer as it is
		first []string
		want  string
	}{
		{"peer", "", []string{"connected"}, "receive Read: ok 4 from PEER"},
		{"stand-in", "93.184.216.34:53", []string{"connected"}, "receive Read: ok 4 from 93.184.216.34:53"},
		{"not connected", "", nil, "receive ReadFrom: ok 8 from OTHER"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			peer, other := listenUDP(t), listenUDP(t)
			addr := peer.LocalAddr().String()
			s := []sandbox.Standin{{Local: addr}}
			if tt.prod != "" {
				p := netip.MustParseAddrPort(tt.prod)
				s, addr = []sandbox.Standin{{Host: p.Addr().String(), Port: p.Port(), Local: addr}}, tt.prod
			}
			// The peer learns the socket's port by its first datagram.
			args := []string{"dial udp " + addr, "connected", "write 1", "wait", "receive Read"}
			if tt.first == nil {
				args = []string{"udp udp4", "send WriteTo " + addr + " 1", "wait", "receive ReadFrom"}
			}
			w := hire(t, "quota", run{Args: args, Standins: s})
			buf := make([]byte, 100)
			_, from, err := peer.ReadFromUDPAddrPort(buf)
			if err != nil {
				t.Fatal(err)
			}
			// Loopback delivers in order: the stranger's datagram is there, or dropped, when the peer's is.
			if _, err := other.WriteToUDPAddrPort([]byte("stranger"), from); err != nil {
				t.Fatal(err)
			}
			if _, err := peer.WriteToUDPAddrPort([]byte("peer"), from); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(w.stdin)
			got := w.rest()
			want := strings.NewReplacer("PEER", addr, "OTHER", other.LocalAddr().String()).Replace(tt.want)
			if last := got.Lines[len(got.Lines)-1]; last != want {
				t.Errorf("printed %q, want %q", last, want)
			}
		})
	}
}

// TestDatagramReclaim reclaims sockets that wait for a datagram, and such that nobody uses.
func TestDatagramReclaim(t *testing.T) {
	t.Parallel()
	addr := echoUDP(t)
	for _, receive := range append([]string{"Read"}, receiveWays...) {
		t.Run(receive, func(t *testing.T) {
			t.Parallel()
			args, send := []string{"udp udp4", "send WriteTo " + addr + " 5"}, "send WriteTo "+addr+" 1"
			if receive == "Read" {
				args, send = []string{"dial udp " + addr, "connected", "write 5"}, "write 1"
			}
			before := len(args) + 1
			args = append(args, "receive "+receive, "receive "+receive, "receive "+receive, send, "expired", "closepacket", "wait")
			w := hire(t, "quota", run{Args: args, Standins: []sandbox.Standin{{Local: addr}}})
			for range before { // then a receive waits
				w.line()
			}
			w.tell(wire.Message{Type: wire.Clock, Offset: 121 * time.Second})
			got := w.rest()
			lines := plainPorts(got.Lines, addr)
			pipe := "receive " + receive + ": [read udp4 LOCAL: read: broken pipe] OpError{read udp4 LOCAL <nil>}, EDQUOT false, EACCES false, timeout false"
			last := send + ": 0[write udp4 LOCAL->" + addr + ": write: broken pipe] OpError{write udp4 LOCAL " + addr + "}, EDQUOT false, EACCES false, timeout false"
			if receive == "Read" {
				pipe = "receive Read: [read udp LOCAL->" + addr + ": read: broken pipe] OpError{read udp LOCAL " + addr + "}, EDQUOT false, EACCES false, timeout false"
				last = send + ": 0[write udp LOCAL->" + addr + ": write: broken pipe] OpError{write udp LOCAL " + addr + "}, EDQUOT false, EACCES false, timeout false"
			}
			if want := []string{pipe, pipe, last, "expired: ok", "closepacket: ok", "wait: ok"}; !slices.Equal(lines, want) {
				t.Errorf("printed\n\t%s\nwant\n\t%s", strings.Join(lines, "\n\t"), strings.Join(want, "\n\t"))
			}
			if n := len(got.of(sandbox.KindReclaim)); n != 1 {
				t.Errorf("%d reclaim events, want 1", n)
			}
		})
	}
}

// What package net refuses by itself is no operation, and what the system refuses is one.
func TestDatagramErrors(t *testing.T) {
	t.Parallel()
	peer, closed := echoUDP(t), closedUDP(t)
	l := newLedger(t)
	got := l.steps(t, run{Standins: []sandbox.Standin{{Local: peer}, {Local: closed}}}, "dial udp "+peer, "connected", "send WriteTo "+peer+" 5", "expired", "receive Read",
		"dial udp "+closed, "connected", "write 5", "receive Read")
	for i, want := range map[int]string{2: "use of WriteTo with pre-connected connection", 4: "i/o timeout", 8: "read: connection refused"} {
		if !strings.Contains(got.Lines[i], want) {
			t.Errorf("printed %q, want %s", got.Lines[i], want)
		}
	}
	wantUsed(t, l, map[sandbox.Resource]int64{"create": 2, "connect": 2, "send": 1, "bytes_sent": 5, "receive": 2})
}

// closedUDP is an address of loopback where nobody listens: a socket that is connected elsewhere holds its port.
func closedUDP(t *testing.T) string {
	t.Helper()
	holder, err := net.DialUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, listenUDP(t).LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { holder.Close() })
	return holder.LocalAddr().String()
}
