package sandbox_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/sandboxtest"
)

// used returns the count of a resource in the window that holds now.
func used(u *Usage, now int64, r Resource, window string) int64 {
	for _, w := range u.Snapshot(now) {
		if w.Resource == r && w.Window == window {
			return w.Used
		}
	}
	return -1
}

func TestUsageWindows(t *testing.T) {
	t.Parallel()
	u := NewUsage(nil)
	start := sandboxtest.Start.UnixNano() // a full minute
	limit := Limit{PerMinute: 3, PerDay: 5}
	for i, tt := range []struct {
		at          time.Duration
		n           int64
		ok          bool
		minute, day int64
	}{
		{0, 2, true, 2, 2},
		{59 * time.Second, 2, false, 2, 2}, // over the minute
		{59*time.Second + 999*time.Millisecond, 1, true, 3, 3},
		{60 * time.Second, 3, false, 0, 3}, // over the day: the minute gets it back
		{60 * time.Second, 2, true, 2, 5},
		{59 * time.Second, 1, false, 2, 5},       // read its clock just before: counts in the newer minute
		{120 * time.Second, 1, false, 0, 5},      // the day is used up
		{24 * time.Hour, 3, true, 3, 3},          // another day
		{-24 * time.Hour, 4, false, 0, 0},        // far behind: what is stored lies in a future taken back
		{-24 * time.Hour, 3, true, 3, 3},         // and is replaced
		{-24 * time.Hour, 0, true, 3, 3},         // nothing fits always
		{1000 * time.Hour, -0, true, 0, 0},       // empty windows
		{1000 * time.Hour, 1 << 62, false, 0, 0}, // no overflow
	} {
		now := start + int64(tt.at)
		err := u.Reserve(now, ResourceSend, tt.n, limit)
		if (err == nil) != tt.ok || err != nil && err != ErrOverQuota {
			t.Errorf("%d: Reserve(%s, %d) = %v, want %t", i, tt.at, tt.n, err, tt.ok)
		}
		m, d := used(u, now, ResourceSend, "minute"), used(u, now, ResourceSend, "day")
		if m != tt.minute || d != tt.day {
			t.Errorf("%d: at %s used %d and %d, want %d and %d", i, tt.at, m, d, tt.minute, tt.day)
		}
	}
}

func TestUsageGiveBack(t *testing.T) {
	t.Parallel()
	u := NewUsage(nil)
	now := sandboxtest.Start.UnixNano()
	limit := Limit{PerMinute: 10, PerDay: 10}
	u.Reserve(now, ResourceBytesSent, 10, limit)
	u.GiveBack(now, ResourceBytesSent, 4)
	if got := used(u, now, ResourceBytesSent, "minute"); got != 6 {
		t.Errorf("%d after a give back, want 6", got)
	}
	next := now + int64(time.Minute)
	u.Reserve(next, ResourceBytesSent, 1, limit)
	u.GiveBack(now, ResourceBytesSent, 6) // the minute is over, the day is not
	if m, d := used(u, next, ResourceBytesSent, "minute"), used(u, next, ResourceBytesSent, "day"); m != 1 || d != 1 {
		t.Errorf("%d in the minute, %d in the day, want 1 and 1", m, d)
	}
	u.GiveBack(next, ResourceBytesSent, 100)
	if got := used(u, next, ResourceBytesSent, "day"); got != 0 {
		t.Errorf("%d, want not below 0", got)
	}
	u.Reserve(next, ResourceBind, 1, limit)
	u.Reset()
	if got := used(u, next, ResourceBind, "day"); got != 0 {
		t.Errorf("%d after Reset", got)
	}
}

// TestUsageDay holds that the border that the supervisor gives is kept, over the change of clocks too.
func TestUsageDay(t *testing.T) {
	t.Parallel()
	pacific, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Skip("no time zones on this machine: ", err)
	}
	limit := Limit{PerMinute: Unlimited, PerDay: 1}
	for _, day := range []time.Time{
		time.Date(2026, 7, 4, 0, 0, 0, 0, pacific), time.Date(2026, 3, 8, 0, 0, 0, 0, pacific), time.Date(2026, 11, 1, 0, 0, 0, 0, pacific),
	} {
		u := NewUsage(nil)
		border := day.AddDate(0, 0, 1)
		u.SetDay(day.UnixNano(), border.UnixNano())
		last := border.UnixNano() - 1
		if u.Reserve(day.UnixNano(), ResourceBind, 1, limit) != nil || u.Reserve(last, ResourceBind, 1, limit) == nil {
			t.Errorf("%s: the day is not one window", day)
		}
		if err := u.Reserve(last+1, ResourceBind, 1, limit); err != nil {
			t.Errorf("%s: no new window at its end", day)
		}
		u.SetDay(border.UnixNano(), border.AddDate(0, 0, 1).UnixNano()) // the supervisor comes later
		if err := u.Reserve(last+2, ResourceBind, 1, limit); err == nil {
			t.Errorf("%s: the new day's count is lost when its borders are told", day)
		}
		w := u.Snapshot(last + 2)[len(Resources)]
		if w.Window != "day" || w.Start != border.UnixNano() || w.End != border.AddDate(0, 0, 1).UnixNano() || w.Used != 1 {
			t.Errorf("%s: window %+v", day, w)
		}
	}
}

func TestDropFuture(t *testing.T) {
	t.Parallel()
	u := NewUsage(nil)
	now := sandboxtest.Start.UnixNano()
	ahead := now + int64(time.Minute)
	u.Reserve(now, ResourceBind, 1, Limit{PerMinute: 9, PerDay: 9})
	u.Reserve(ahead, ResourceSend, 1, Limit{PerMinute: 9, PerDay: 9})
	u.DropFuture(now)
	if used(u, now, ResourceBind, "minute") != 1 || used(u, now, ResourceBind, "day") != 1 {
		t.Error("the present was dropped")
	}
	if used(u, now, ResourceSend, "minute") != 0 || used(u, ahead, ResourceSend, "minute") != 0 || used(u, now, ResourceSend, "day") != 1 {
		t.Error("the next minute was kept, or its day dropped")
	}
}

// TestUsageShared lets goroutines use one page through handles of their own, as workers do: no more is granted than
// there is, at any minute's turn.
func TestUsageShared(t *testing.T) {
	t.Parallel()
	mem := make([]byte, PageSize)
	now := sandboxtest.Start.UnixNano()
	limit := Limit{PerMinute: 1000, PerDay: 2500}
	var clock, granted atomic.Int64
	var perMinute [4]atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		u := NewUsage(mem)
		if u.Err() != nil {
			t.Fatal(u.Err())
		}
		wg.Go(func() {
			for range 1000 {
				minute := clock.Add(1) / 5000 // four turns, each in the middle of the crowd
				at := now + minute*int64(time.Minute)
				if u.Reserve(at, ResourceSend, 1, limit) == nil {
					granted.Add(1)
					perMinute[minute].Add(1)
				}
			}
		})
	}
	wg.Wait()
	if granted.Load() != limit.PerDay {
		t.Errorf("%d granted, the day has %d", granted.Load(), limit.PerDay)
	}
	for i := range perMinute {
		// Who read the clock before a turn may be counted after it, so a minute's own count is not exact; the total is.
		if n := perMinute[i].Load(); n > limit.PerMinute+16 {
			t.Errorf("minute %d: %d granted", i, n)
		}
	}
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	text := func(method string) string {
		return "The API call remote_socket." + method + "() required more quota than is available."
	}
	for _, tt := range []struct {
		name   string
		quotas map[Resource]Limit
		method string
		call   func(fixture) error
	}{
		{"create", map[Resource]Limit{ResourceCreate: {1, 1, ""}}, "CreateSocket", func(f fixture) error {
			f.dial(t)
			return second(f.Dial("tcp", "", ap(""), ap("93.184.216.34:443"), Origin{}))
		}},
		{"connect", map[Resource]Limit{ResourceConnect: {Unlimited, 0, ""}}, "Connect", func(f fixture) error {
			return second(f.Dial("tcp", "", ap(""), ap("93.184.216.34:443"), Origin{}))
		}},
		{"bind", map[Resource]Limit{ResourceBind: {0, 0, ""}}, "Bind", func(f fixture) error {
			_, err := f.ListenPacket("udp", ap("0.0.0.0:0"), Origin{})
			return err
		}},
		{"send", map[Resource]Limit{ResourceSend: {2, 2, ""}}, "Send", func(f fixture) error {
			s := f.dial(t)
			op(s, KindSend, 1, nil)
			return op(s, KindSend, 1<<20+1, nil) // two sends
		}},
		{"bytes sent", map[Resource]Limit{ResourceBytesSent: {100, 100, ""}}, "Send", func(f fixture) error {
			return op(f.dial(t), KindSend, 101, nil)
		}},
		{"receive", map[Resource]Limit{ResourceReceive: {1, 1, ""}}, "Receive", func(f fixture) error {
			s := f.dial(t)
			op(s, KindReceive, 1, nil)
			return op(s, KindReceive, 1, nil)
		}},
		{"bytes received", map[Resource]Limit{ResourceBytesReceived: {Unlimited, 100, ""}}, "Receive", func(f fixture) error {
			s := f.dial(t)
			op(s, KindReceive, 100, nil)
			return op(s, KindReceive, 1, nil)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newBox(t, func(c *Config) { c.Policy.Quotas = tt.quotas })
			err := tt.call(f)
			if err == nil || err.Error() != text(tt.method) || !errors.Is(err, syscall.EDQUOT) {
				t.Errorf("error %v, want %s", err, text(tt.method))
			}
			if e := f.rec.Events(KindDeny); len(e) != 1 || e[0].Rule != RuleQuota || e[0].Error != text(tt.method) || e[0].Socket == 0 {
				t.Errorf("denials %+v", e)
			}
			reported := newBox(t, func(c *Config) {
				c.Policy.Quotas = tt.quotas
				c.Policy.Rules[RuleQuota] = RuleSetting{Mode: ModeReport}
			})
			if err := tt.call(reported); err != nil {
				t.Errorf("in report mode: %v", err)
			}
			found := 0
			for _, e := range append(reported.rec.Events(KindSend, KindReceive, KindBind), reported.rec.Events(KindConnect)...) {
				if e.Rule == RuleQuota && e.Detail != "" {
					found++
				}
			}
			if found != 1 && tt.method != "Connect" && tt.method != "CreateSocket" { // a connect's event comes with Connected
				t.Errorf("in report mode %d events have the rule", found)
			}
		})
	}
}

// TestChargesTogether holds that a denied call counts nothing, and that what was not sent is given back.
func TestChargesTogether(t *testing.T) {
	t.Parallel()
	u := NewUsage(nil)
	f := newBox(t, func(c *Config) {
		c.Usage = u
		c.Policy.Quotas = map[Resource]Limit{ResourceBytesSent: {100, 100, ""}, ResourceConnect: {1, 1, ""}}
	})
	s := f.dial(t)
	f.Dial("tcp", "", ap(""), ap("93.184.216.34:443"), Origin{}) // no connect is left
	f.Dial("tcp", "", ap(""), ap("10.0.0.1:443"), Origin{})      // denied
	op(s, KindSend, 200, nil)                                    // too much
	begun, err := s.Begin(KindSend, 90)
	if err != nil {
		t.Fatal(err)
	}
	s.End(begun, 30, syscall.ECONNRESET) // a short write
	op(s, KindReceive, 77, nil)
	want := map[Resource]int64{ResourceCreate: 1, ResourceConnect: 1, ResourceSend: 1, ResourceReceive: 1, ResourceBytesSent: 30, ResourceBytesReceived: 77}
	for _, r := range Resources {
		for _, window := range []string{"minute", "day"} {
			if got := used(u, f.clock.Now(), r, window); got != want[r] {
				t.Errorf("%s: %d in the %s, want %d", r, got, window, want[r])
			}
		}
	}
	f.SetOffset(time.Minute)
	if err := op(s, KindSend, 71, nil); !errors.Is(err, syscall.EDQUOT) {
		t.Errorf("the day has 70 bytes left: %v", err)
	}
	if err := op(s, KindSend, 70, nil); err != nil {
		t.Errorf("a new minute: %v", err)
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	mem := make([]byte, PageSize)
	a, b := NewIDs(mem), NewIDs(mem)
	if a.NextSocket() != 1 || b.NextSocket() != 2 || a.NextRequest() != 1 || b.NextRequest() != 2 {
		t.Error("two workers do not count together")
	}
	a.SetFloor(100, 1)
	if s, r := b.NextSocket(), b.NextRequest(); s != 101 || r != 3 {
		t.Errorf("after SetFloor: %d and %d, want 101 and 3", s, r)
	}
	seen := make([]atomic.Bool, 16001)
	var wg sync.WaitGroup
	fresh := NewIDs(nil)
	for range 16 {
		wg.Go(func() {
			for range 1000 {
				if seen[fresh.NextSocket()].Swap(true) {
					t.Error("an id came twice")
				}
			}
		})
	}
	wg.Wait()
}
