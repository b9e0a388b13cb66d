package sandbox_test

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/sandboxtest"
)

// fixture is a Box with its clock and what it recorded.
type fixture struct {
	*Box
	clock *sandboxtest.Clock
	rec   *sandboxtest.Recorder
}

func newBox(t testing.TB, change func(*Config)) fixture {
	t.Helper()
	f := fixture{clock: sandboxtest.NewClock(), rec: new(sandboxtest.Recorder)}
	c := Config{Policy: strict(), Clock: f.clock, Recorder: f.rec}
	if change != nil {
		change(&c)
	}
	var err error
	if f.Box, err = New(c); err != nil {
		t.Fatal(err)
	}
	return f
}

func ap(s string) netip.AddrPort {
	if s == "" {
		return netip.AddrPort{}
	}
	return netip.MustParseAddrPort(s)
}

// dial opens a connected socket to a public address.
func (f fixture) dial(t testing.TB) *Socket {
	t.Helper()
	s, _, err := f.Dial("tcp", "", netip.AddrPort{}, ap("93.184.216.34:443"), Origin{})
	if err == nil {
		err = s.Connected(Op{}, ap("127.0.0.1:50000"), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func kinds(events []Event) (all []Kind) {
	for _, e := range events {
		all = append(all, e.Kind)
	}
	return all
}

func op(s *Socket, k Kind, n int, result error) error {
	op, err := s.Begin(k, n)
	if err != nil {
		return err
	}
	return s.End(op, n, result)
}

// TestDenials holds that every way to make a socket is denied with production's errno and one event.
func TestDenials(t *testing.T) {
	t.Parallel()
	origin := Origin{Request: 7, CallSite: func() string { return "shop/mail.go:42" }}
	dial := func(network, local, remote string) func(fixture) error {
		return func(f fixture) error {
			_, _, err := f.Dial(network, "", ap(local), ap(remote), origin)
			return err
		}
	}
	text := func(network, address string) func(fixture) error {
		return func(f fixture) error { return f.Text(network, address, origin) }
	}
	for _, tt := range []struct {
		name  string
		call  func(fixture) error
		rule  Rule
		error string
		info  Info
	}{
		{"private", dial("tcp", "", "10.0.0.1:5432"), RulePrivate, "connect: permission denied", Info{Network: "tcp", Remote: "10.0.0.1:5432"}},
		{"udp", dial("udp4", "", "127.0.0.1:53"), RuleLoopback, "connect: permission denied", Info{Network: "udp4", Remote: "127.0.0.1:53"}},
		{"local port", dial("tcp", "0.0.0.0:4000", "1.1.1.1:80"), RuleBind, "bind: permission denied", Info{Network: "tcp", Remote: "1.1.1.1:80", Local: "0.0.0.0:4000"}},
		{"local address", dial("tcp", "192.168.1.2:0", "1.1.1.1:80"), RuleBind, "bind: permission denied", Info{Network: "tcp", Remote: "1.1.1.1:80"}},
		{"bind before the address", dial("tcp", "[::1]:1", "10.0.0.1:80"), RuleBind, "bind: permission denied", Info{Network: "tcp", Remote: "10.0.0.1:80", Local: "[::1]:1"}},
		{"unix", func(f fixture) error {
			_, _, err := f.Dial("unix", "/run/db.sock", ap(""), ap(""), origin)
			return err
		}, RuleNetwork, "connect: permission denied", Info{Network: "unix", Remote: "/run/db.sock"}},
		{"listen", func(f fixture) error { _, err := f.Listen("tcp", ap("[::]:9000"), "", origin); return err },
			RuleListen, "listen: permission denied", Info{Network: "tcp", Local: "[::]:9000"}},
		{"packet", func(f fixture) error { _, err := f.ListenPacket("udp", ap("0.0.0.0:53"), origin); return err },
			RuleBind, "bind: permission denied", Info{Network: "udp", Local: "0.0.0.0:53"}},
		{"adopt", func(f fixture) error {
			_, err := f.Adopt("tcp", ap("127.0.0.1:1"), ap("127.0.0.1:2"), origin)
			return err
		}, RuleDescriptor, "dup: permission denied", Info{Network: "tcp", Local: "127.0.0.1:1", Remote: "127.0.0.1:2"}},
		{"raw socket", func(f fixture) error { _, err := f.Socket("ip4", origin); return err },
			RuleNetwork, "socket: permission denied", Info{Network: "ip4"}},
		{"text", text("tcp", "mail.example.com:25"), RulePort25, "connect: permission denied", Info{Network: "tcp", Host: "mail.example.com", Remote: "mail.example.com:25"}},
		{"literal text", text("tcp", "1.1.1.1:21"), RuleFTP, "connect: permission denied", Info{Network: "tcp", Remote: "1.1.1.1:21"}},
		{"broken text", text("tcp", "0x7f.1:80"), RuleInvalid, "connect: permission denied", Info{Network: "tcp", Remote: "0x7f.1:80"}},
		{"empty host", text("tcp", ":80"), RuleUnspecified, "connect: permission denied", Info{Network: "tcp", Remote: ":80"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newBox(t, nil)
			err := tt.call(f)
			if !errors.Is(err, syscall.EACCES) || err.Error() != tt.error {
				t.Errorf("error %v, want %s", err, tt.error)
			}
			events := f.rec.Events()
			if len(events) != 1 {
				t.Fatalf("events %v, want one", kinds(events))
			}
			e, info := events[0], tt.info
			info.CallSite = "shop/mail.go:42"
			if e.Kind != KindDeny || e.Rule != tt.rule || e.Error != tt.error || e.Request != 7 || e.Socket == 0 || !strings.HasSuffix(e.Detail, ".") || *e.Info != info {
				t.Errorf("event %+v\ninfo %+v\nwant %s with %+v", e, *e.Info, tt.rule, info)
			}
		})
	}
}

// TestReportedDuplicate holds that a duplicate that is let through is told of.
func TestReportedDuplicate(t *testing.T) {
	t.Parallel()
	f := newBox(t, func(c *Config) { c.Policy.Rules[RuleDescriptor] = RuleSetting{Mode: ModeReport} })
	s := f.dial(t)
	if err := s.Dup(); err != nil {
		t.Fatal(err)
	}
	events := f.rec.Events()
	if e := events[len(events)-1]; e.Kind != KindCreate || e.Rule != RuleDescriptor || e.Socket != s.ID() || e.Detail == "" {
		t.Errorf("event %+v, want one by descriptor", e)
	}
}

func TestBillingText(t *testing.T) {
	t.Parallel()
	f := newBox(t, func(c *Config) { c.Policy.Billing = false })
	want := "The Socket API will be enabled for this application once billing has been enabled in the admin console."
	for _, err := range []error{f.Text("tcp", "1.1.1.1:80", Origin{}), second(f.Dial("tcp", "", ap(""), ap("10.0.0.1:25"), Origin{}))} {
		if err == nil || err.Error() != want || !errors.Is(err, syscall.EACCES) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func second(_ *Socket, _ Route, err error) error { return err }

// TestLife follows one connection from its dial to its end.
func TestLife(t *testing.T) {
	t.Parallel()
	f := newBox(t, nil)
	f.Resolved("Shop.example.com", addrs("93.184.216.34"), f.clock.Now(), time.Millisecond, nil, Origin{Request: 1})
	s, route, err := f.Dial("tcp", "Shop.example.com", ap(""), ap("93.184.216.34:443"), Origin{Request: 1, CallSite: func() string { return "main.go:7" }})
	if err != nil || route != (Route{Addr: ap("93.184.216.34:443"), Prod: ap("93.184.216.34:443")}) {
		t.Fatal(route, err)
	}
	f.clock.Advance(3 * time.Millisecond)
	if err := s.Connected(Op{}, ap("10.9.8.7:50000"), nil); err != nil {
		t.Fatal(err)
	}
	s.SetRequest(2)
	if err := op(s, KindSend, 100, nil); err != nil {
		t.Fatal(err)
	}
	begun, err := s.Begin(KindReceive, 4096)
	if err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(time.Second)
	if err := s.End(begun, 0, io.EOF); err != io.EOF {
		t.Errorf("End = %v, want EOF", err)
	}
	if !s.Close() || s.Close() {
		t.Error("Close: want the first to say so, and the second not")
	}
	at := sandboxtest.Start.UnixNano()
	want := []Event{
		{Kind: KindResolve, At: at, Duration: time.Millisecond, Request: 1, Detail: "Shop.example.com is at 93.184.216.34"},
		{Kind: KindCreate, At: at, Socket: 1, Request: 1, Info: &Info{Network: "tcp", Host: "Shop.example.com", Remote: "93.184.216.34:443", CallSite: "main.go:7"}},
		{Kind: KindConnect, At: at, Duration: 3 * time.Millisecond, Socket: 1, Request: 1, Info: &Info{Local: "10.9.8.7:50000"}},
		{Kind: KindSend, At: at + 3e6, Socket: 1, Request: 2, Bytes: 100},
		{Kind: KindReceive, At: at + 3e6, Duration: time.Second, Socket: 1, Request: 2, Error: "EOF"},
		{Kind: KindClose, At: at + 3e6 + 1e9, Socket: 1, Request: 2, Reason: ReasonPeer},
	}
	got := f.rec.Events()
	if len(got) != len(want) {
		t.Fatalf("events %v, want %v", kinds(got), kinds(want))
	}
	for i := range want {
		if got[i].Info != nil && want[i].Info != nil && *got[i].Info == *want[i].Info {
			got[i].Info = want[i].Info
		}
		if got[i] != want[i] {
			t.Errorf("event %d = %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

func TestFailedConnect(t *testing.T) {
	t.Parallel()
	f := newBox(t, nil)
	s, _, err := f.Dial("tcp", "", ap(""), ap("93.184.216.34:443"), Origin{})
	if err != nil {
		t.Fatal(err)
	}
	refused := os.NewSyscallError("connect", syscall.ECONNREFUSED)
	if err := s.Connected(Op{}, ap(""), refused); err != refused {
		t.Errorf("Connected = %v, want %v", err, refused)
	}
	s.Close()
	if got := kinds(f.rec.Events()); !slices.Equal(got, []Kind{KindCreate, KindConnect}) {
		t.Errorf("events %v: a failed socket has no close", got)
	}
	if err := f.CloseSocket(s.ID(), ReasonConsole); err == nil || !strings.Contains(err.Error(), "is not open") {
		t.Errorf("CloseSocket of a failed socket: %v", err)
	}
}

func TestCloseReasons(t *testing.T) {
	t.Parallel()
	f := newBox(t, nil)
	for _, tt := range []struct {
		result error
		want   CloseReason
	}{
		{nil, ReasonApp}, {io.EOF, ReasonPeer}, {os.NewSyscallError("read", syscall.ECONNRESET), ReasonReset},
	} {
		f.rec.Reset()
		s := f.dial(t)
		op(s, KindReceive, 0, tt.result)
		s.Close()
		if e := f.rec.Events(KindClose); len(e) != 1 || e[0].Reason != tt.want {
			t.Errorf("after %v: %+v, want %s", tt.result, e, tt.want)
		}
	}
}

// TestConsole closes a socket by hand: the program is told as of a reclaimed one.
func TestConsole(t *testing.T) {
	t.Parallel()
	f := newBox(t, nil)
	s := f.dial(t)
	closed := 0
	s.SetCloser(func() { closed++ })
	begun, err := s.Begin(KindReceive, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.CloseSocket(s.ID(), ReasonConsole); err != nil {
		t.Fatal(err)
	}
	if err := s.End(begun, 0, errors.New("use of closed network connection")); !errors.Is(err, syscall.EPIPE) || err.Error() != "read: broken pipe" {
		t.Errorf("the pending read: %v", err)
	}
	if e := f.rec.Events(KindClose); len(e) != 1 || e[0].Reason != ReasonConsole || closed != 1 {
		t.Errorf("close events %+v, closer called %d times", e, closed)
	}
	if err := f.CloseSocket(s.ID(), ReasonConsole); err == nil {
		t.Error("a second CloseSocket succeeds")
	}
}

// TestReport holds that reported calls go through, with the rule on their own event.
func TestReport(t *testing.T) {
	t.Parallel()
	f := newBox(t, func(c *Config) {
		for r := range c.Policy.Rules {
			c.Policy.Rules[r] = RuleSetting{Mode: ModeReport}
		}
	})
	s, _, err := f.Dial("tcp", "", ap(""), ap("10.0.0.1:80"), Origin{})
	if err != nil {
		t.Fatal(err)
	}
	s.Connected(Op{}, ap(""), nil)
	op(s, KindSend, 1, nil)
	if _, err := f.Listen("tcp", ap("0.0.0.0:80"), "", Origin{}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ListenPacket("udp", ap("0.0.0.0:53"), Origin{}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Adopt("tcp", ap(""), ap("10.0.0.1:1"), Origin{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Dial("unix", "/x", ap(""), ap(""), Origin{}); err != nil {
		t.Fatal(err)
	}
	if err := f.Text("tcp", "127.1:80", Origin{}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range f.rec.Events() {
		got = append(got, e.Kind.String()+" "+string(e.Rule))
		if (e.Rule != "") != (e.Detail != "") {
			t.Errorf("%s by %q says %q", e.Kind, e.Rule, e.Detail)
		}
	}
	want := []string{"create ", "connect private", "send ", "create ", "listen listen", "create ", "bind bind", "create descriptor", "create ", "resolve invalid"}
	if !slices.Equal(got, want) {
		t.Errorf("events\n%q\nwant\n%q", got, want)
	}
}

// TestRawSocket follows socket(2), bind, connect as a program makes them by itself.
func TestRawSocket(t *testing.T) {
	t.Parallel()
	f := newBox(t, nil)
	s, err := f.Socket("tcp6", Origin{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(ap("[::]:0")); err != nil {
		t.Errorf("Bind of any address: %v", err)
	}
	if err := s.Bind(ap("[::]:80")); !errors.Is(err, syscall.EACCES) || err.Error() != "bind: permission denied" {
		t.Errorf("Bind of a port: %v", err)
	}
	if err := s.Listening(); !errors.Is(err, syscall.EACCES) || err.Error() != "listen: permission denied" {
		t.Errorf("Listening: %v", err)
	}
	if _, err := s.Connect("", ap("[::ffff:10.0.0.1]:80")); !errors.Is(err, syscall.EACCES) {
		t.Errorf("Connect to a mapped private address: %v", err)
	}
	f.clock.Advance(time.Second)
	route, err := s.Connect("", ap("[::ffff:1.1.1.1]:80"))
	if err != nil || route.Addr != ap("[::ffff:1.1.1.1]:80") {
		t.Fatalf("Connect to a mapped public address: %v %v", route, err)
	}
	f.clock.Advance(time.Second)
	if err := s.Connected(Op{}, ap("[::1]:5"), syscall.ETIMEDOUT); err != syscall.ETIMEDOUT {
		t.Errorf("Connected = %v", err)
	}
	if _, err = s.Connect("", ap("[2606:4700::1]:80")); err != nil {
		t.Errorf("a second Connect after a failed one: %v", err)
	}
	s.Connected(Op{}, ap(""), syscall.EINPROGRESS)
	s.Close()
	want := []Kind{KindCreate, KindBind, KindDeny, KindDeny, KindDeny, KindConnect, KindConnect, KindClose}
	events := f.rec.Events()
	if !slices.Equal(kinds(events), want) {
		t.Fatalf("events %v, want %v", kinds(events), want)
	}
	if c := events[5]; c.Duration != time.Second || c.Error != "connection timed out" && c.Error != "operation timed out" || c.Info == nil || c.Info.Remote != "[::ffff:1.1.1.1]:80" {
		t.Errorf("failed connect: %+v %+v", c, c.Info)
	}
	if c := events[6]; c.Error != "" {
		t.Errorf("a connect in progress is no error: %+v", c)
	}
	for _, e := range events {
		if e.Socket != s.ID() {
			t.Errorf("%s is of socket %d, want %d", e.Kind, e.Socket, s.ID())
		}
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	f := newBox(t, nil)
	first := f.BeginRequest(RequestInfo{Method: "GET", URL: "/a"})
	next := f.BeginRequest(RequestInfo{Method: "GET", URL: "/b"})
	start := f.clock.Now()
	f.clock.Advance(time.Second)
	f.EndRequest(first, RequestInfo{Method: "GET", URL: "/a", Status: 200}, start, "")
	e := f.rec.Events(KindRequestEnd)
	if first == 0 || next != first+1 || len(e) != 1 || e[0].Request != first || e[0].At != start || e[0].Duration != time.Second || e[0].Req.Status != 200 {
		t.Errorf("ids %d and %d, end %+v", first, next, e)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	other := make([]byte, PageSize)
	NewIDs(other)
	for want, c := range map[string]Config{
		"unknown rule":            {Policy: &Policy{Rules: map[Rule]RuleSetting{"x": {}}}},
		"not host:port":           {Standins: []Standin{{Host: "a", Port: 1, Local: "10.0.0.1:1"}}},
		"needs a port":            {Standins: []Standin{{Host: "a", Local: "127.0.0.1:1"}}},
		"stand-in 2":              {Standins: []Standin{{Local: "localhost:1"}, {Local: "localhost:x"}}},
		"broken IPv4":             {Standins: []Standin{{Host: "127.1", Port: 1, Local: "127.0.0.1:1"}}},
		"100 bytes":               {IDs: NewIDs(make([]byte, 100))},
		"an aligned page":         {Usage: NewUsage(make([]byte, PageSize+1)[1:])},
		"made by another version": {Usage: NewUsage(other)},
		"unknown resource":        {Policy: &Policy{Quotas: map[Resource]Limit{"x": {}}}},
	} {
		_, err := New(c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want %s", err, want)
		}
	}
}
