package rules

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // production's day ends at midnight Pacific, and not every machine knows when that is

	"github.com/seed-d81df0db/devserver/devserver/porttest"
	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// TestQuotaDefaults holds production's numbers: Google App Engine, "Quotas", table Sockets (April 2016). 20 GB and 113 MB
// are binary: in every row a day is 180 minutes, and 20 GiB / 180 = 113.78 MiB.
func TestQuotaDefaults(t *testing.T) {
	t.Parallel()
	p, err := profile.Load("appengine")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := p.Policy()
	if err != nil {
		t.Fatal(err)
	}
	want := map[sandbox.Resource][2]int64{ // per day, per minute
		sandbox.ResourceBind:          {864_000, 4_800},
		sandbox.ResourceCreate:        {864_000, 4_800},
		sandbox.ResourceConnect:       {864_000, 4_800},
		sandbox.ResourceSend:          {663_552_000, 3_686_400},
		sandbox.ResourceReceive:       {663_552_000, 3_686_400},
		sandbox.ResourceBytesReceived: {20 << 30, 113 << 20},
		sandbox.ResourceBytesSent:     {20 << 30, 113 << 20},
	}
	if len(policy.Quotas) != len(want) || len(sandbox.Resources) != len(want) {
		t.Errorf("%d quotas and %d resources, want %d", len(policy.Quotas), len(sandbox.Resources), len(want))
	}
	for r, w := range want {
		got := policy.Limit(r)
		if got.PerDay != w[0] || got.PerMinute != w[1] || got.Source == "" {
			t.Errorf("%s: %+v, want %d a day and %d a minute, with a source", r, got, w[0], w[1])
		}
		if policy.Mode(sandbox.RuleQuota) != sandbox.ModeEnforce {
			t.Errorf("quota is %s, want enforced", policy.Mode(sandbox.RuleQuota))
		}
	}
}

// A ledger is the usage of a program, whose clock is put to two seconds past noon Pacific, so that no window ends by
// itself while a test runs. The program is to be built before: a build may take longer than a minute lasts.
type ledger struct {
	offset time.Duration // of the sandbox's clock
	path   string
	day    [2]int64 // its start and end
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	build(t, "quota")
	pacific, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(0, sandbox.Now())
	there := now.In(pacific).AddDate(0, 0, 1)
	noon := time.Date(there.Year(), there.Month(), there.Day(), 12, 0, 2, 0, pacific)
	l := &ledger{offset: noon.Sub(now), path: page(t, t.TempDir(), "usage")}
	l.setDay(noon)
	return l
}

// setDay is what the supervisor does: it tells the day that holds at.
func (l *ledger) setDay(at time.Time) {
	l.day[0] = time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location()).UnixNano()
	l.day[1] = time.Date(at.Year(), at.Month(), at.Day()+1, 0, 0, 0, 0, at.Location()).UnixNano()
}

// config is for run.Config.
func (l *ledger) config(t *testing.T) func(*wire.Config) {
	return func(c *wire.Config) {
		t.Helper()
		mem := l.read(t)
		sandbox.NewUsage(mem).SetDay(l.day[0], l.day[1])
		if err := os.WriteFile(l.path, mem, 0o600); err != nil {
			t.Fatal(err)
		}
		c.Usage, c.ClockOffset = l.path, l.offset
	}
}

func (l *ledger) read(t *testing.T) []byte {
	t.Helper()
	mem, err := os.ReadFile(l.path)
	if err != nil {
		t.Fatal(err)
	}
	return mem[:sandbox.PageSize:sandbox.PageSize]
}

// used returns what was used in the present "minute" or "day", without what was not.
func (l *ledger) used(t *testing.T, window string) map[sandbox.Resource]int64 {
	t.Helper()
	u := sandbox.NewUsage(l.read(t))
	if u.Err() != nil {
		t.Fatal(u.Err())
	}
	all := map[sandbox.Resource]int64{}
	for _, w := range u.Snapshot(sandbox.Now() + int64(l.offset)) {
		if w.Window == window && w.Used != 0 {
			all[w.Resource] = w.Used
		}
	}
	return all
}

// steps runs program quota.
func (l *ledger) steps(t *testing.T, r run, steps ...string) result {
	t.Helper()
	r.Args, r.Config = steps, l.config(t)
	return start(t, "quota", r)
}

// limited sets one quota and leaves the others as production has them.
func limited(r sandbox.Resource, l sandbox.Limit) func(*sandbox.Policy) {
	return func(p *sandbox.Policy) { p.Quotas[r] = l }
}

var ownPorts = regexp.MustCompile(`(127\.0\.0\.1|0\.0\.0\.0|\[::\]):\d+`)

// plainPorts writes LOCAL for every address but the ones given.
func plainPorts(lines []string, keep ...string) []string {
	plain := make([]string, len(lines))
	for i, line := range lines {
		plain[i] = ownPorts.ReplaceAllStringFunc(line, func(addr string) string {
			for _, k := range keep {
				if addr == k {
					return addr
				}
			}
			return "LOCAL"
		})
	}
	return plain
}

// overQuota is how a step prints production's answer.
func overQuota(step, method, op, text, network, source, addr string) string {
	moved := ""
	if op == "read" || op == "write" {
		moved = "0"
	}
	return fmt.Sprintf("%s: %s[%sThe API call remote_socket.%s() required more quota than is available.] OpError{%s %s %s %s}, EDQUOT true, EACCES false, timeout false",
		step, moved, text, method, op, network, source, addr)
}

// TestQuotaUsedUp uses up each of the seven resources, of a minute and of a day.
func TestQuotaUsedUp(t *testing.T) {
	t.Parallel()
	tcp, udp := echo(t), echoUDP(t)
	dial := func(method string) string {
		return overQuota("dial tcp "+tcp, method, "dial", "dial tcp "+tcp+": ", "tcp", "<nil>", tcp)
	}
	on := func(step, method, op string) string {
		return overQuota(step, method, op, op+" tcp LOCAL->"+tcp+": ", "tcp", "LOCAL", tcp)
	}
	for _, tt := range []struct {
		name     string
		resource sandbox.Resource
		limit    int64
		steps    []string
		denied   map[int]string // by number of the step
	}{
		{"bind", sandbox.ResourceBind, 1, []string{"listenpacket :0", "listenpacket :0", "dial tcp " + tcp}, map[int]string{
			1: overQuota("listenpacket :0", "Bind", "listen", "listen udp :0: ", "udp", "<nil>", ":0"),
		}},
		{"bind of a dial", sandbox.ResourceBind, 1, []string{"dialfrom tcp " + tcp, "dialfrom tcp " + tcp}, map[int]string{
			1: overQuota("dialfrom tcp "+tcp, "Bind", "dial", "dial tcp :0->"+tcp+": ", "tcp", ":0", tcp),
		}},
		{"create", sandbox.ResourceCreate, 1, []string{"dial tcp " + tcp, "dial tcp " + tcp, "listenpacket :0", "write 1"}, map[int]string{
			1: dial("CreateSocket"),
			2: overQuota("listenpacket :0", "CreateSocket", "listen", "listen udp :0: ", "udp", "<nil>", ":0"),
		}},
		{"connect", sandbox.ResourceConnect, 1, []string{"dial tcp " + tcp, "dial tcp " + tcp, "listenpacket :0"}, map[int]string{1: dial("Connect")}},
		{"connect of udp", sandbox.ResourceConnect, 0, []string{"dial udp " + udp}, map[int]string{
			0: overQuota("dial udp "+udp, "Connect", "dial", "dial udp "+udp+": ", "udp", "<nil>", udp),
		}},
		{"send", sandbox.ResourceSend, 3, []string{"dial tcp " + tcp, "write 1", "write 2097153", "write 1048577", "write 1", "read 2"}, map[int]string{
			2: on("write 2097153", "Send", "write"), // three calls of a MiB at most
			4: on("write 1", "Send", "write"),
		}},
		{"send of udp", sandbox.ResourceSend, 2, []string{"listenpacket :0", "writeto " + udp + " 5", "writeto " + udp + " 5", "writeto " + udp + " 5", "readfrom"}, map[int]string{
			3: overQuota("writeto "+udp+" 5", "Send", "write", "write udp LOCAL->"+udp+": ", "udp", "LOCAL", udp),
		}},
		{"receive", sandbox.ResourceReceive, 1, []string{"dial tcp " + tcp, "write 2", "read 1", "read 1", "write 1"}, map[int]string{3: on("read 1", "Receive", "read")}},
		{"receive of udp", sandbox.ResourceReceive, 1, []string{"listenpacket :0", "writeto " + udp + " 5", "readfrom", "readfrom"}, map[int]string{
			3: overQuota("readfrom", "Receive", "read", "read udp LOCAL: ", "udp", "LOCAL", "<nil>"),
		}},
		{"bytes sent", sandbox.ResourceBytesSent, 100, []string{"dial tcp " + tcp, "write 60", "write 41", "write 40", "write 1"}, map[int]string{
			2: on("write 41", "Send", "write"), 4: on("write 1", "Send", "write"),
		}},
		{"bytes sent of a file", sandbox.ResourceBytesSent, 50_000, []string{"dial tcp " + tcp, "file 100000", "file 1"}, nil},
		{"bytes received", sandbox.ResourceBytesReceived, 5, []string{"dial tcp " + tcp, "write 10", "read 5", "read 5", "write 1"}, map[int]string{3: on("read 5", "Receive", "read")}},
	} {
		for window, limit := range map[string]sandbox.Limit{"minute": {PerMinute: tt.limit, PerDay: sandbox.Unlimited}, "day": {PerMinute: sandbox.Unlimited, PerDay: tt.limit}} {
			t.Run(tt.name+"/"+window, func(t *testing.T) {
				t.Parallel()
				l := newLedger(t)
				got := l.steps(t, run{Change: limited(tt.resource, limit), Standins: []sandbox.Standin{{Local: tcp}, {Local: udp}}}, tt.steps...)
				if tt.denied == nil {
					fileOverQuota(t, l, got)
					return
				}
				lines := plainPorts(got.Lines, tcp, udp)
				if len(lines) != len(tt.steps) {
					t.Fatalf("printed %q", got.Lines)
				}
				for i, line := range lines {
					if want := tt.denied[i]; want == "" && !strings.HasPrefix(line, tt.steps[i]+": ok") || want != "" && line != want {
						t.Errorf("printed\n\t%s\nwant\n\t%s", line, cmpOr(want, "ok"))
					}
				}
				wantQuotaDenials(t, got, len(tt.denied))
				if used := l.used(t, window)[tt.resource]; used > tt.limit {
					t.Errorf("%d used, the limit is %d", used, tt.limit)
				}
			})
		}
	}
}

// fileOverQuota is what a file of 100000 bytes does that a quota of 50000 ends midway: the kernel does not carry on by
// itself, and the first piece that would not fit is refused.
func fileOverQuota(t *testing.T, l *ledger, got result) {
	t.Helper()
	m := regexp.MustCompile(`^file 100000: (\d+)\[.*remote_socket.Send\(\) required more quota.*EDQUOT true`).FindStringSubmatch(got.Lines[1])
	if m == nil {
		t.Fatalf("printed %q", got.Lines)
	}
	if n, _ := strconv.ParseInt(m[1], 10, 64); n == 0 || n > 50_000 || n != l.used(t, "day")[sandbox.ResourceBytesSent]-1 {
		t.Errorf("%d bytes copied, used %v", n, l.used(t, "day"))
	}
	if got.Lines[2] != "file 1: ok 1" {
		t.Errorf("what fits still: %q", got.Lines[2])
	}
}

// wantQuotaDenials fails unless there are n denials, each by the quota and with production's words, on a socket.
func wantQuotaDenials(t *testing.T, r result, n int) {
	t.Helper()
	denied := r.of(sandbox.KindDeny)
	if len(denied) != n {
		t.Errorf("%d denials, want %d: %+v", len(denied), n, denied)
	}
	for _, e := range denied {
		if e.Rule != sandbox.RuleQuota || !strings.HasPrefix(e.Error, "The API call remote_socket.") || e.Socket == 0 || e.Detail == "" {
			t.Errorf("denial %+v", e)
		}
	}
}

// An http.Client tells what happened in its own words, and a program finds the errno below.
func TestQuotaThroughHTTP(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(c net.Conn) {
		c.Read(make([]byte, 1000))
		io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello")
	})
	got := newLedger(t).steps(t, run{Change: limited(sandbox.ResourceConnect, sandbox.Limit{PerMinute: 1, PerDay: 1}), Standins: []sandbox.Standin{{Local: addr}}},
		"get http://"+addr, "get http://"+addr)
	wantLines(t, got, "get http://"+addr+": ok hello",
		overQuota("get http://"+addr, "Connect", "dial", `Get "http://`+addr+`": dial tcp `+addr+": ", "tcp", "<nil>", addr))
	wantQuotaDenials(t, got, 1)
}

// In report mode all goes through, is counted, and says what production would have done.
func TestQuotaReported(t *testing.T) {
	t.Parallel()
	addr := echo(t)
	l := newLedger(t)
	got := l.steps(t, run{Change: func(p *sandbox.Policy) {
		p.Rules[sandbox.RuleQuota] = sandbox.RuleSetting{Mode: sandbox.ModeReport}
		for _, r := range sandbox.Resources {
			p.Quotas[r] = sandbox.Limit{}
		}
	}, Standins: []sandbox.Standin{{Local: addr}}}, "dialfrom tcp "+addr, "write 5", "read 5")
	wantLines(t, got, "dialfrom tcp "+addr+": ok", "write 5: ok 5", "read 5: ok 5")
	wantQuotaDenials(t, got, 0)
	for _, k := range []sandbox.Kind{sandbox.KindSend, sandbox.KindReceive} {
		if e := got.of(k); len(e) != 1 || e[0].Rule != sandbox.RuleQuota || e[0].Detail == "" {
			t.Errorf("%s events %+v, want one that says quota", k, e)
		}
	}
	wantUsed(t, l, map[sandbox.Resource]int64{"bind": 1, "create": 1, "connect": 1, "send": 1, "receive": 1, "bytes_sent": 5, "bytes_received": 5})
}

func wantUsed(t *testing.T, l *ledger, want map[sandbox.Resource]int64) {
	t.Helper()
	for _, window := range []string{"minute", "day"} {
		got := l.used(t, window)
		for _, r := range sandbox.Resources {
			if got[r] != want[r] {
				t.Errorf("%s: %d in the %s, want %d", r, got[r], window, want[r])
			}
		}
	}
}

// TestQuotaWindows moves the clock: a minute's quota is there again after 60 s, a day's at midnight Pacific and not before.
func TestQuotaWindows(t *testing.T) {
	t.Parallel()
	addr := echo(t)
	for _, tt := range []struct {
		name  string
		limit sandbox.Limit
		moves []time.Duration // of the clock, in all
		ok    []bool          // whether the dial after each goes through; the first comes before any
	}{
		{"minute", sandbox.Limit{PerMinute: 1, PerDay: 3}, []time.Duration{30 * time.Second, time.Minute, 30 * time.Minute, 31 * time.Minute}, []bool{true, false, true, true, false}},
		{"day", sandbox.Limit{PerMinute: sandbox.Unlimited, PerDay: 1}, []time.Duration{time.Minute, 12*time.Hour - 30*time.Second, 12 * time.Hour, 36*time.Hour - 30*time.Second, 36 * time.Hour}, []bool{true, false, false, true, false, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t)
			step := "dial tcp " + addr
			steps := []string{step}
			for range tt.moves {
				steps = append(steps, "wait", step)
			}
			w := hire(t, "quota", run{Change: limited(sandbox.ResourceConnect, tt.limit), Standins: []sandbox.Standin{{Local: addr}}, Args: steps, Config: l.config(t)})
			for i, ok := range tt.ok {
				if i > 0 {
					w.tell(wire.Message{Type: wire.Clock, Offset: l.offset + tt.moves[i-1]})
					fmt.Fprintln(w.stdin)
					w.line() // of the wait
				}
				if line := w.line(); ok != (line == step+": ok") || !ok && !strings.Contains(line, "remote_socket.Connect() required more quota") {
					t.Errorf("dial %d: %s, want ok %t", i, line, ok)
				}
			}
			w.rest()
		})
	}
}

// TestQuotaWeeks crosses midnight in the weeks of 23 and 25 hours.
func TestQuotaWeeks(t *testing.T) {
	t.Parallel()
	addr := echo(t)
	pacific, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	year := time.Unix(0, sandbox.Now()).Year() + 1
	for name, month := range map[string]time.Month{"spring": time.March, "autumn": time.November} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The second Sunday of March, the first of November (Energy Policy Act of 2005, section 110).
			day := time.Date(year, month, 1, 0, 0, 0, 0, pacific)
			for n := 0; n < 1 || month == time.March && n < 2; day = day.AddDate(0, 0, 1) {
				if day.Weekday() == time.Sunday {
					n++
				}
			}
			changed := day.AddDate(0, 0, -1)
			if d := day.Sub(changed); d == 24*time.Hour {
				t.Fatalf("%s has 24 hours", changed)
			}
			l := newLedger(t)
			now := sandbox.Now()
			at := func(s time.Time) time.Duration { return s.Sub(time.Unix(0, now)) }
			l.offset = at(changed.Add(30 * time.Second))
			l.setDay(changed)
			step := "dial tcp " + addr
			w := hire(t, "quota", run{Change: limited(sandbox.ResourceConnect, sandbox.Limit{PerMinute: sandbox.Unlimited, PerDay: 1}), Standins: []sandbox.Standin{{Local: addr}},
				Args: []string{step, "wait", step, "wait", step}, Config: l.config(t)})
			lines := []string{w.line()}
			for _, s := range []time.Time{day.Add(-40 * time.Second), day} {
				w.tell(wire.Message{Type: wire.Clock, Offset: at(s)})
				fmt.Fprintln(w.stdin)
				w.line()
				lines = append(lines, w.line())
			}
			w.rest()
			for i, ok := range []bool{true, false, true} {
				if (lines[i] == step+": ok") != ok {
					t.Errorf("dial %d of %s to %s: %s, want ok %t", i, changed, day, lines[i], ok)
				}
			}
		})
	}
}

// TestQuotaOutlivesRestart starts the program again: the day's count goes on.
func TestQuotaOutlivesRestart(t *testing.T) {
	t.Parallel()
	addr := echo(t)
	l := newLedger(t)
	r := run{Change: limited(sandbox.ResourceConnect, sandbox.Limit{PerMinute: sandbox.Unlimited, PerDay: 2}), Standins: []sandbox.Standin{{Local: addr}}}
	step := "dial tcp " + addr
	wantLines(t, l.steps(t, r, step), step+": ok")
	second := l.steps(t, r, step, step)
	if len(second.Lines) != 2 || second.Lines[0] != step+": ok" || !strings.Contains(second.Lines[1], "required more quota") {
		t.Errorf("printed %q", second.Lines)
	}
	wantUsed(t, l, map[sandbox.Resource]int64{"create": 2, "connect": 2})
}

// TestQuotaDuringSwap has two workers of one app, of 16 goroutines each, dial at the same time.
func TestQuotaDuringSwap(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"plain": nil, "race": {"-race"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if flags != nil {
				needsC(t)
			}
			addr := echo(t)
			build(t, "quota", flags...)
			l := newLedger(t)
			const limit = 250
			r := run{
				Change: limited(sandbox.ResourceConnect, sandbox.Limit{PerMinute: limit, PerDay: limit + 1}), Standins: []sandbox.Standin{{Local: addr}}, Flags: flags,
				Args: []string{"wait", "crowd " + addr + " 10"}, Config: l.config(t),
			}
			workers := []*worker{hire(t, "quota", r), hire(t, "quota", r)}
			for _, w := range workers {
				fmt.Fprintln(w.stdin)
			}
			var granted, refused, denials int
			for _, w := range workers {
				got := w.rest()
				var g, f int
				if _, err := fmt.Sscanf(got.Lines[1], "crowd "+addr+" 10: ok granted %d refused %d", &g, &f); err != nil {
					t.Fatalf("printed %q: %v", got.Lines, err)
				}
				granted, refused, denials = granted+g, refused+f, denials+len(got.of(sandbox.KindDeny))
			}
			if granted != limit || refused != 2*160-limit || denials != refused {
				t.Errorf("granted %d, refused %d, %d denials; want %d and %d", granted, refused, denials, limit, 2*160-limit)
			}
			wantUsed(t, l, map[sandbox.Resource]int64{"create": limit, "connect": limit})
		})
	}
}

// TestWhatCounts compares what a program did with what was counted, with production's limits and without any.
func TestWhatCounts(t *testing.T) {
	t.Parallel()
	tcp, udp := echo(t), echoUDP(t)
	sink := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	closed := closedPort(t)
	standins := []sandbox.Standin{
		{Local: tcp}, {Local: udp}, {Local: sink}, {Local: closed},
		{Host: "db.example.com", Port: 5432, Local: tcp, Address: netip.MustParseAddr("93.184.216.34")},
	}
	countAll(t, standins, []counted{
		{"dial", []string{"dial tcp " + tcp, "close"}, counts{"create": 1, "connect": 1}, false},
		{"dial through a stand-in", []string{"dial tcp db.example.com:5432"}, counts{"create": 1, "connect": 1}, false},
		{"dial from the wildcard", []string{"dialfrom tcp " + tcp}, counts{"create": 1, "connect": 1, "bind": 1}, false},
		{"dial udp", []string{"dial udp " + udp}, counts{"create": 1, "connect": 1}, false},
		{"dial udp from the wildcard", []string{"dialfrom udp " + udp}, counts{"create": 1, "connect": 1, "bind": 1}, false},
		{"failed connect", []string{"dial tcp " + closed}, counts{"create": 1, "connect": 1}, false},
		{"no stand-in for the port", []string{"dial tcp db.example.com:1"}, counts{"create": 1, "connect": 1}, false},
		{"look-up", []string{"lookup db.example.com"}, counts{}, false},
		{"denied", []string{"dial tcp 127.0.0.2:443", "dial udp [::1]:53", "dial tcp 0x7f.1:80", "dial tcp db.example.com:25", "listenpacket 127.0.0.1:0", "listen :0"}, counts{}, false},
		{"listenpacket", []string{"listenpacket :0"}, counts{"create": 1, "bind": 1}, false},
		{"datagrams", []string{"listenpacket :0", "writeto " + udp + " 5", "writeto " + udp + " 7", "writeto " + udp + " 0", "readfrom", "readfrom", "readfrom"},
			counts{"create": 1, "bind": 1, "send": 3, "bytes_sent": 12, "receive": 3, "bytes_received": 12}, false},
		{"denied datagram", []string{"listenpacket :0", "writeto 127.0.0.2:53 5", "writeto " + udp + " 5"}, counts{"create": 1, "bind": 1, "send": 1, "bytes_sent": 5}, false},
		{"connected udp", []string{"dial udp " + udp, "write 5", "read 5"}, counts{"create": 1, "connect": 1, "send": 1, "bytes_sent": 5, "receive": 1, "bytes_received": 5}, false},
		{"a MiB", []string{"dial tcp " + sink, "write 1048576"}, counts{"create": 1, "connect": 1, "send": 1, "bytes_sent": 1 << 20}, false},
		{"a byte more", []string{"dial tcp " + sink, "write 1048577", "write 0"}, counts{"create": 1, "connect": 1, "send": 3, "bytes_sent": 1<<20 + 1}, false},
		{"half close", []string{"dial tcp " + tcp, "shutdown", "read 1"}, counts{"create": 1, "connect": 1, "receive": 1}, false},
		{"buffers", []string{"dial tcp " + sink, "buffers 2000"}, counts{"create": 1, "connect": 1, "send": 1, "bytes_sent": 6000}, false},
		{"reader", []string{"dial tcp " + sink, "reader 10"}, counts{"create": 1, "connect": 1, "send": 1, "bytes_sent": 10}, false},
		{"file", []string{"dial tcp " + sink, "file 100000"}, counts{"create": 1, "connect": 1, "send": 1, "bytes_sent": 100_000}, true},
		{"long file", []string{"dial tcp " + sink, "file 3000000"}, counts{"create": 1, "connect": 1, "send": 3, "bytes_sent": 3_000_000}, true},
		{"to a file", []string{"dial tcp " + tcp, "write 50000", "tofile 50000"}, counts{"create": 1, "connect": 1, "send": 1, "bytes_sent": 50_000, "receive": 1, "bytes_received": 50_000}, true},
		{"splice", []string{"dial tcp " + sink, "splice " + tcp + " 5000"}, counts{"create": 2, "connect": 2, "send": 2, "bytes_sent": 10_000, "receive": 1, "bytes_received": 5000}, true},
		{"splice to", []string{"dial tcp " + sink, "spliceto " + tcp + " 5000"}, counts{"create": 2, "connect": 2, "send": 2, "bytes_sent": 10_000, "receive": 1, "bytes_received": 5000}, true},
		{"descriptor that leaves", []string{"dial tcp " + tcp, "fileofconn"}, counts{"create": 1, "connect": 1}, false},
	})
}

type counts = map[sandbox.Resource]int64

// counted is what a program does, and what of it counts.
type counted struct {
	name  string
	steps []string
	want  counts
	loose bool // how many sends or receives it takes is the machine's affair
}

// countAll runs each case with production's limits, and without any.
func countAll(t *testing.T, standins []sandbox.Standin, cases []counted) {
	for _, c := range cases {
		for name, change := range map[string]func(*sandbox.Policy){"limited": nil, "unlimited": noQuotas} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				l := newLedger(t)
				got := l.steps(t, run{Change: change, Standins: standins}, c.steps...)
				want := maps.Clone(c.want)
				if used := l.used(t, "day"); c.loose {
					if used["send"] < want["send"] || used["receive"] < want["receive"] {
						t.Errorf("%d sends and %d receives, want %d and %d at least", used["send"], used["receive"], want["send"], want["receive"])
					}
					want["send"], want["receive"] = used["send"], used["receive"]
				}
				wantUsed(t, l, want)
				if t.Failed() {
					t.Logf("printed %q", got.Lines)
				}
			})
		}
	}
}

// A listener of the app's own, where the rules let it have one, and what it accepts are exempt.
func TestListenerCountsNot(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	got := l.steps(t, run{Change: func(p *sandbox.Policy) {
		p.Rules[sandbox.RuleListen] = sandbox.RuleSetting{Mode: sandbox.ModeOff}
		p.Rules[sandbox.RuleLoopback] = sandbox.RuleSetting{Mode: sandbox.ModeOff}
	}}, "serve 127.0.0.1:0")
	wantLines(t, got, "serve 127.0.0.1:0: ok")
	wantUsed(t, l, map[sandbox.Resource]int64{"create": 2, "bind": 1, "connect": 1, "send": 1, "bytes_sent": 5})
}

// TestShortWriteCounts writes to a peer that resets the connection midway: what the system took counts, no more.
func TestShortWriteCounts(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(c net.Conn) {
		io.ReadFull(c, make([]byte, 1000))
		c.(*net.TCPConn).SetLinger(0)
	})
	l := newLedger(t)
	const size = 64 << 20 // more than the buffers of any system hold
	got := l.steps(t, run{Standins: []sandbox.Standin{{Local: addr}}}, "dial tcp "+addr, "write "+strconv.Itoa(size))
	m := regexp.MustCompile(`^write \d+: (\d+)\[write tcp .*connection reset`).FindStringSubmatch(got.Lines[1])
	if m == nil {
		t.Fatalf("printed %q", got.Lines)
	}
	n, _ := strconv.ParseInt(m[1], 10, 64)
	if n <= 0 || n >= size {
		t.Fatalf("%d bytes were written, want some", n)
	}
	wantUsed(t, l, map[sandbox.Resource]int64{"create": 1, "connect": 1, "send": (n + 1<<20 - 1) >> 20, "bytes_sent": n})
}

// closedPort is an address of loopback where nobody listens, until the test's end.
func closedPort(t *testing.T) string {
	t.Helper()
	return "127.0.0.1:" + strconv.Itoa(porttest.Keep(t))
}
