package sandbox_test

import (
	"errors"
	"net/netip"
	"strconv"
	"syscall"
	"testing"
	"time"

	. "github.com/seed-d81df0db/devserver/sandbox"
)

func withStandins(t *testing.T, list ...Standin) fixture {
	t.Helper()
	return newBox(t, func(c *Config) { c.Standins = list })
}

var (
	database = Standin{Host: "db.example.com", Port: 5432, Local: "127.0.0.1:15432"}
	given    = Standin{Host: "cache.example.com", Port: 6379, Address: netip.MustParseAddr("93.184.216.34"), Local: "[::1]:16379", Label: "redis here"}
	literal  = Standin{Host: "203.1.2.3", Port: 43, Local: "127.0.0.1:10043", Label: "builtin:whois"}
	mail     = Standin{Host: "mail.example.com", Port: 25, Local: "127.0.0.1:10025", Label: "builtin:smtp"}
	google   = Standin{Host: "api.google.example", Port: 443, Address: netip.MustParseAddr("142.250.72.14"), Local: "127.0.0.1:10443"}
	bare     = Standin{Local: "localhost:8025"}
)

func TestStandins(t *testing.T) {
	t.Parallel()
	type want struct {
		addr, standin string
		rule          Rule
		err           error
	}
	for _, tt := range []struct {
		name, network, host, remote string // remote "": what the host's name resolves to, with port
		port                        string
		want                        want
	}{
		{"by name", "tcp", "db.example.com", "", ":5432", want{addr: "127.0.0.1:15432", standin: "127.0.0.1:15432"}},
		{"by name in other letters", "tcp", "DB.Example.com.", "", ":5432", want{addr: "127.0.0.1:15432", standin: "127.0.0.1:15432"}},
		{"by the address that its name resolved to", "tcp", "", "240.0.0.1:5432", "", want{addr: "127.0.0.1:15432", standin: "127.0.0.1:15432"}},
		{"another port", "tcp", "db.example.com", "", ":80", want{err: syscall.ECONNREFUSED}},
		{"another port by address", "tcp", "", "240.0.0.1:80", "", want{err: syscall.ECONNREFUSED}},
		{"a port that production blocks", "tcp", "db.example.com", "", ":25", want{rule: RulePort25, err: syscall.EACCES}},
		{"given address", "tcp", "cache.example.com", "", ":6379", want{addr: "[::1]:16379", standin: "redis here"}},
		{"given address as a literal", "tcp", "", "93.184.216.34:6379", "", want{addr: "[::1]:16379", standin: "redis here"}},
		{"given address, mapped", "tcp", "", "[::ffff:93.184.216.34]:6379", "", want{addr: "[::1]:16379", standin: "redis here"}},
		{"given address, another port", "tcp", "", "93.184.216.34:80", "", want{err: syscall.ECONNREFUSED}},
		{"literal", "udp", "", "203.1.2.3:43", "", want{addr: "127.0.0.1:10043", standin: "builtin:whois"}},
		{"literal, another port", "tcp", "", "203.1.2.3:80", "", want{addr: "203.1.2.3:80"}},
		{"rules judge the production port", "tcp", "mail.example.com", "", ":25", want{rule: RulePort25, err: syscall.EACCES}},
		{"rules judge the production address", "tcp", "api.google.example", "", ":443", want{rule: RuleGoogle, err: syscall.EACCES}},
		{"bare", "tcp", "", "127.0.0.1:8025", "", want{addr: "127.0.0.1:8025", standin: "localhost:8025", rule: RuleLoopback}},
		{"bare, the other family", "tcp", "localhost", "[::1]:8025", "", want{addr: "[::1]:8025", standin: "localhost:8025", rule: RuleLoopback}},
		{"beside bare", "tcp", "", "127.0.0.1:8026", "", want{rule: RuleLoopback, err: syscall.EACCES}},
		{"reserved, lent to nobody", "tcp", "", "240.0.0.9:5432", "", want{rule: RuleReserved, err: syscall.EACCES}},
		{"nobody's", "tcp", "www.example.com", "1.1.1.1:5432", "", want{addr: "1.1.1.1:5432"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := withStandins(t, database, given, literal, mail, google, bare)
			remote := tt.remote
			if remote == "" {
				addrs, ok := f.StandinHost(tt.host)
				if !ok {
					t.Fatalf("%s does not resolve", tt.host)
				}
				remote = addrs[0].String() + tt.port
			}
			s, route, err := f.Dial(tt.network, tt.host, ap(""), ap(remote), Origin{})
			if !errors.Is(err, tt.want.err) || (err == nil) != (tt.want.err == nil) {
				t.Fatalf("error %v, want %v", err, tt.want.err)
			}
			last := f.rec.Events()[len(f.rec.Events())-1]
			if err != nil {
				if last.Rule != tt.want.rule || last.Error != err.Error() || (last.Kind == KindDeny) != (tt.want.rule != "") {
					t.Errorf("event %+v, want %s", last, tt.want.rule)
				}
				return
			}
			if want := (Route{Addr: ap(tt.want.addr), Prod: ap(remote), Standin: tt.want.standin != ""}); route != want {
				t.Errorf("route %+v, want %+v", route, want)
			}
			if last.Info.Standin != tt.want.standin || last.Info.Remote != remote {
				t.Errorf("info %+v, want stand-in %q", last.Info, tt.want.standin)
			}
			s.Connected(Op{}, ap(""), nil)
			if e := f.rec.Events(KindConnect); len(e) != 1 || e[0].Rule != tt.want.rule {
				t.Errorf("connect %+v, want rule %q", e, tt.want.rule)
			}
		})
	}
}

// TestBareText holds that a bare stand-in is let through before DNS too.
func TestBareText(t *testing.T) {
	t.Parallel()
	f := withStandins(t, Standin{Local: "127.0.0.1:25"})
	for _, address := range []string{"127.0.0.1:25", "localhost:25", "[::ffff:127.0.0.1]:25"} {
		if err := f.Text("tcp", address, Origin{}); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"127.0.0.2:25", "mail.example.com:25", "127.0.0.1:025x"} {
		if err := f.Text("tcp", address, Origin{}); err == nil {
			t.Errorf("%s is let through", address)
		}
	}
	if _, _, err := f.Dial("tcp", "", ap(""), ap("127.0.0.1:25"), Origin{}); err != nil {
		t.Error(err)
	}
}

// TestManyStandinNames holds that each name without an address gets its own, the same in every process.
func TestManyStandinNames(t *testing.T) {
	t.Parallel()
	var list []Standin
	for i := range 300 {
		list = append(list, Standin{Host: "h" + strconv.Itoa(i) + ".example", Port: 1, Local: "127.0.0.1:1"})
	}
	a, b := withStandins(t, list...), withStandins(t, list...)
	seen := make(map[netip.Addr]bool)
	for _, s := range list {
		x, _ := a.StandinHost(s.Host)
		y, ok := b.StandinHost(s.Host)
		if !ok || len(x) != 1 || x[0] != y[0] || seen[x[0]] || !netip.MustParsePrefix("240.0.0.0/4").Contains(x[0]) {
			t.Fatalf("%s is at %v and %v", s.Host, x, y)
		}
		seen[x[0]] = true
		if got := a.HostOf(x[0]); got != s.Host {
			t.Errorf("HostOf(%s) = %q, want %q", x[0], got, s.Host)
		}
	}
	if _, ok := a.StandinHost("www.example.com"); ok {
		t.Error("a name without a stand-in resolves")
	}
}

// TestLiteralLeadsBack holds that a dial by address finds the name that this process looked up, its stand-in and its
// exception.
func TestLiteralLeadsBack(t *testing.T) {
	t.Parallel()
	f := withStandins(t, database)
	gmail := netip.MustParseAddr("142.250.101.108")
	smtp := netip.AddrPortFrom(gmail, 465)
	if err := second(f.Dial("tcp", "", ap(""), smtp, Origin{})); !errors.Is(err, syscall.EACCES) {
		t.Errorf("a literal of Google's: %v", err)
	}
	if err := second(f.Dial("tcp", "smtp.gmail.com", ap(""), smtp, Origin{})); !errors.Is(err, syscall.EACCES) {
		t.Errorf("a name that was never looked up: %v", err)
	}
	f.Resolved("smtp.gmail.com", []netip.Addr{gmail}, 0, 0, nil, Origin{})
	f.Resolved("pop.gmail.com", []netip.Addr{gmail}, 0, 0, nil, Origin{})
	for _, tt := range []struct {
		host, remote string
		ok           bool
	}{
		{"smtp.gmail.com", "142.250.101.108:465", true},
		{"", "142.250.101.108:465", true}, // pop.gmail.com came later, smtp.gmail.com is the one that counts
		{"", "142.250.101.108:995", true},
		{"", "142.250.101.108:443", false},
		{"pop.gmail.com", "142.250.101.108:465", false},
		{"smtp.gmail.com", "142.250.101.109:465", false},
	} {
		if err := second(f.Dial("tcp", tt.host, ap(""), ap(tt.remote), Origin{})); (err == nil) != tt.ok {
			t.Errorf("Dial(%q, %s) = %v, want %t", tt.host, tt.remote, err, tt.ok)
		}
	}
	f.Resolved("db.example.com", addrs("93.184.216.34"), 0, 0, nil, Origin{}) // by a resolver of the program's own
	if _, route, err := f.Dial("tcp", "", ap(""), ap("93.184.216.34:5432"), Origin{}); err != nil || route.Addr != ap("127.0.0.1:15432") {
		t.Errorf("a stand-in by the address that its name led to: %+v %v", route, err)
	}
}

// TestNamesAreBounded looks up more than is remembered.
func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	f := newBox(t, nil)
	a := netip.MustParseAddr("11.0.0.0")
	first := a
	for i := range 5000 {
		f.Resolved("n"+strconv.Itoa(i)+".example", []netip.Addr{a}, 0, 0, nil, Origin{})
		a = a.Next()
	}
	if got := f.HostOf(first); got != "" {
		t.Errorf("the oldest of 5000 is remembered as %q", got)
	}
	if got := f.HostOf(a.Prev()); got != "n4999.example" {
		t.Errorf("the newest is %q", got)
	}
	for i := range 100 {
		f.Resolved("m"+strconv.Itoa(i)+".example", []netip.Addr{a}, 0, 0, nil, Origin{})
	}
	if got := f.HostOf(a); got != "m99.example" {
		t.Errorf("the newest name of an address is %q", got)
	}
	f.Resolved("gone.example", nil, 5, time.Second, errors.New("no such host"), Origin{Request: 3})
	e := f.rec.Events()
	if last := e[len(e)-1]; last.Rule != RuleUnresolved || last.Error != "no such host" || last.At != 5 || last.Request != 3 || last.Detail != "gone.example has no address" {
		t.Errorf("event %+v", last)
	}
}

func TestPackets(t *testing.T) {
	t.Parallel()
	f := withStandins(t, literal, database)
	s, err := f.ListenPacket("udp", ap("[::]:0"), Origin{})
	if err != nil {
		t.Fatal(err)
	}
	s.Opened(ap("[::]:40000"))
	for _, tt := range []struct {
		to, addr string
		err      error
	}{
		{"93.184.216.34:53", "93.184.216.34:53", nil},
		{"93.184.216.34:53", "93.184.216.34:53", nil},
		{"[::ffff:203.1.2.3]:43", "127.0.0.1:10043", nil},
		{"240.0.0.1:5432", "127.0.0.1:15432", nil},
		{"240.0.0.1:5433", "", syscall.ECONNREFUSED},
		{"10.0.0.1:53", "", syscall.EACCES},
		{"255.255.255.255:53", "", syscall.EACCES},
		{"224.0.0.1:53", "", syscall.EACCES},
		{"10.0.0.1:53", "", syscall.EACCES},
	} {
		route, err := s.SendTo(ap(tt.to))
		if !errors.Is(err, tt.err) || err == nil && (route.Addr != ap(tt.addr) || route.Prod != ap(tt.to)) {
			t.Errorf("SendTo(%s) = %+v %v, want %s %v", tt.to, route, err, tt.addr, tt.err)
		}
		if err == nil {
			op(s, KindSend, 10, nil)
		}
	}
	for from, want := range map[string]string{
		"127.0.0.1:10043":          "[::ffff:203.1.2.3]:43",
		"[::ffff:127.0.0.1]:15432": "240.0.0.1:5432",
		"93.184.216.34:53":         "93.184.216.34:53",
	} {
		if got := s.From(ap(from)); got != ap(want) {
			t.Errorf("From(%s) = %s, want %s", from, got, want)
		}
	}
	if n := len(f.rec.Events(KindDeny)); n != 4 {
		t.Errorf("%d denials, want one for each datagram", n)
	}
	if e := f.rec.Events(KindSend); e[0].Info == nil || e[0].Info.Local != "[::]:40000" {
		t.Errorf("the first send tells %+v, want its local address too", e[0].Info)
	}
	var remotes []string
	for _, e := range f.rec.Events(KindSend) {
		if e.Info != nil {
			remotes = append(remotes, e.Info.Remote)
		}
	}
	want := []string{"93.184.216.34:53", "[::ffff:203.1.2.3]:43", "240.0.0.1:5432", "240.0.0.1:5433"}
	if len(remotes) != len(want) {
		t.Fatalf("destinations %q, want %q", remotes, want)
	}
	for i := range want {
		if remotes[i] != want[i] {
			t.Errorf("destinations %q, want %q", remotes, want)
		}
	}
}
