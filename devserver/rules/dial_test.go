package rules

import (
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// A service is how a peer answers a connection.
type service func(net.Conn)

// serve has a peer on loopback answer each connection, and returns its address.
func serve(tb testing.TB, s service) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				s(c)
			}()
		}
	}()
	return l.Addr().String()
}

// echo serves a peer on loopback that sends back what it gets, and returns its address.
func echo(t *testing.T) string {
	t.Helper()
	return serve(t, func(c net.Conn) { io.Copy(c, c) })
}

func echoUDP(t *testing.T) string {
	t.Helper()
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	go func() {
		buf := make([]byte, 2000)
		for {
			n, from, err := p.ReadFrom(buf)
			if err != nil {
				return
			}
			p.WriteTo(buf[:n], from)
		}
	}()
	return p.LocalAddr().String()
}

// standin makes local serve prod.
func standin(prod, local string) []sandbox.Standin {
	host, _, _ := net.SplitHostPort(prod)
	port := netip.MustParseAddrPort("1.1.1.1:" + prod[len(host)+1:]).Port()
	return []sandbox.Standin{{Host: host, Port: port, Local: local}}
}

// wantLines fails when the program printed something else.
func wantLines(t *testing.T, got result, want ...string) {
	t.Helper()
	if !slices.Equal(got.Lines, want) {
		t.Errorf("printed\n\t%s\nwant\n\t%s\nstderr %s", strings.Join(got.Lines, "\n\t"), strings.Join(want, "\n\t"), got.Stderr)
	}
}

// wantBytes fails unless the journal holds so many bytes sent and received.
func wantBytes(t *testing.T, r result, sent, received int64) {
	t.Helper()
	var out, in int64
	for _, e := range r.Events {
		switch e.Kind {
		case sandbox.KindSend:
			out += e.Bytes
		case sandbox.KindReceive:
			in += e.Bytes
		}
	}
	if out != sent || in != received {
		t.Errorf("sent %d and received %d bytes, want %d and %d", out, in, sent, received)
	}
}

// listenUDP is a peer that nothing should reach.
func listenUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// wantNothing fails when anything else than the test's own datagram has reached c: what was sent before it would be
// read before it.
func wantNothing(t *testing.T, c *net.UDPConn) {
	t.Helper()
	if _, err := c.WriteTo([]byte("last"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, from, err := c.ReadFrom(buf)
	if err != nil || from.String() != c.LocalAddr().String() {
		t.Errorf("%q from %v (%v) has reached the denied address", buf[:n], from, err)
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	addr := echo(t)
	got := start(t, "probe", run{Args: []string{"dial", "tcp", addr, "udp", addr, "tcp", "mail.example.com:25", "tcp", "0x7f.1:80", "unix", "/nowhere"}, Standins: standin("mail.example.com:25", addr)})
	wantLines(t, got,
		"tcp "+addr+": dial tcp "+addr+": connect: permission denied [errno 13, OpError true]",
		"udp "+addr+": dial udp "+addr+": connect: permission denied [errno 13, OpError true]",
		"tcp mail.example.com:25: dial tcp mail.example.com:25: connect: permission denied [errno 13, OpError true]",
		"tcp 0x7f.1:80: dial tcp 0x7f.1:80: connect: permission denied [errno 13, OpError true]",
		"unix /nowhere: dial unix /nowhere: connect: permission denied [errno 13, OpError true]",
	)
	var rules []string
	for _, e := range got.of(sandbox.KindDeny) {
		rules = append(rules, string(e.Rule))
		if want := site(t, "dial.go", "net.Dial(args[i], args[i+1])"); e.Info == nil || e.Info.CallSite != want {
			t.Errorf("deny by %s: info %+v, want call site %s", e.Rule, e.Info, want)
		}
	}
	if want := []string{"loopback", "loopback", "port25", "invalid", "network"}; !slices.Equal(rules, want) {
		t.Errorf("rules %v, want %v", rules, want)
	}
}

func TestBeforeMain(t *testing.T) {
	t.Parallel()
	addr := echo(t)
	got := start(t, "probe", run{Args: []string{"init"}, Env: []string{"PROBE_INIT=" + addr}})
	wantLines(t, got, "dial tcp "+addr+": connect: permission denied")
}

func TestStandin(t *testing.T) {
	t.Parallel()
	addr := echo(t)
	s := standin("db.example.com:5432", addr)
	s[0].Address = netip.MustParseAddr("93.184.216.34")
	got := start(t, "probe", run{Args: []string{"echo", "db.example.com:5432"}, Standins: s})
	wantLines(t, got, "remote 93.184.216.34:5432", `got "hello\n" <nil>`)
	if sent := got.of(sandbox.KindSend); len(sent) != 1 || sent[0].Bytes != 6 {
		t.Errorf("sends %+v, want one of 6 bytes", sent)
	}
	connects := got.of(sandbox.KindConnect)
	if len(connects) != 1 || connects[0].Duration <= 0 {
		t.Fatalf("connects %+v, want one that took time", connects)
	}
	var info sandbox.Info
	for _, e := range got.Events {
		if e.Info != nil && e.Socket == connects[0].Socket {
			fill(&info.Host, e.Info.Host)
			fill(&info.Remote, e.Info.Remote)
			fill(&info.Standin, e.Info.Standin)
			fill(&info.CallSite, e.Info.CallSite)
		}
	}
	if want := (sandbox.Info{Host: "db.example.com", Remote: "93.184.216.34:5432", Standin: addr, CallSite: site(t, "dial.go", `ways["echo"]`, "net.Dial")}); info != want {
		t.Errorf("info %+v, want %+v", info, want)
	}
}

func fill(to *string, s string) {
	if s != "" {
		*to = s
	}
}

// An IPv6 address of production is served by a peer on 127.0.0.1.
func TestStandinOfOtherFamily(t *testing.T) {
	t.Parallel()
	s := standin("db.example.com:5432", echo(t))
	s[0].Address = netip.MustParseAddr("2606:2800:220:1:248:1893:25c8:1946")
	got := start(t, "probe", run{Args: []string{"echo", "db.example.com:5432"}, Standins: s})
	wantLines(t, got, "remote [2606:2800:220:1:248:1893:25c8:1946]:5432", `got "hello\n" <nil>`)
}

func TestUDP(t *testing.T) {
	t.Parallel()
	addr := echoUDP(t)
	s := standin("dns.example.com:53", addr)
	s[0].Address = netip.MustParseAddr("93.184.216.34")
	got := start(t, "probe", run{Args: []string{"udp", "dns.example.com:53", addr}, Standins: s})
	for i, line := range got.Lines {
		got.Lines[i] = regexp.MustCompile(`\[::\]:\d+`).ReplaceAllString(line, "[::]:PORT")
	}
	wantLines(t, got, "remote 93.184.216.34:53", `connected "ping" <nil>`, "writeto: ok",
		`unconnected "pong" from 93.184.216.34:53 <nil>`,
		"elsewhere: write udp [::]:PORT->"+addr+": sendto: permission denied [errno 13, OpError true]")
	if deny := got.of(sandbox.KindDeny); len(deny) != 1 || deny[0].Rule != sandbox.RuleLoopback {
		t.Errorf("denials %+v, want one by loopback", deny)
	}
}

func TestEveryByteIsSeen(t *testing.T) {
	t.Parallel()
	addr := echo(t)
	got := start(t, "probe", run{Args: []string{"copy", addr}, Change: noQuotas, Standins: []sandbox.Standin{{Local: addr}}})
	wantLines(t, got, "file to connection 100000 <nil>", "connection to file 100000 <nil>", "buffers 11 <nil>", "back <nil>",
		"connection to connection 5000 <nil>", "back <nil>")
	var sent, received int64
	for _, e := range got.Events {
		switch e.Kind {
		case sandbox.KindSend:
			sent += e.Bytes
		case sandbox.KindReceive:
			received += e.Bytes
		}
	}
	if want := int64(100_000 + 11 + 5000 + 5000); sent != want || received != want {
		t.Errorf("sent %d, received %d, want %d each", sent, received, want)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	got := start(t, "probe", run{Args: []string{"listen", "127.0.0.1:0"}})
	wantLines(t, got, "listen: listen tcp 127.0.0.1:0: listen: permission denied [errno 13, OpError true]",
		"listenpacket: listen udp 127.0.0.1:0: bind: permission denied [errno 13, OpError true]")
}

func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	plain := start(t, "probe", run{Args: []string{"leak"}})
	for _, line := range plain.Lines {
		if strings.Contains(line, "devserver") || strings.Contains(line, "DEVSERVER") || strings.Contains(line, ".journal") {
			t.Errorf("the program sees %s", line)
		}
	}
	if !slices.Contains(plain.Lines, "goroutines 1") || !slices.Contains(plain.Lines, "args 2") {
		t.Errorf("printed %q", plain.Lines)
	}
}

// site returns the place in probe's file where the last of marks stands after the others.
func site(t *testing.T, file string, marks ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "probe", file))
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, m := range marks {
		i := strings.Index(string(text[at:]), m)
		if i < 0 {
			t.Fatalf("%s does not hold %q", file, m)
		}
		at += i
	}
	return "probe/" + file + ":" + strconv.Itoa(1+strings.Count(string(text[:at]), "\n"))
}
