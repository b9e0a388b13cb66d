package sandbox_test

import (
	"sync"
	"sync/atomic"
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
		{59 * time.Second, 1, false, 2, 5},       // read its clock just before: counts in the open minute
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

// sending begins a send of n bytes at the clock's time, and returns what ends it with m of them sent.
func sending(t *testing.T, s *Socket, n int) func(m int) {
	t.Helper()
	begun, err := s.Begin(KindSend, n)
	if err != nil {
		t.Fatal(err)
	}
	return func(m int) { s.End(begun, m, nil) }
}

// TestUsageGiveBack holds that what was not sent is given back where it was counted, and nowhere else.
func TestUsageGiveBack(t *testing.T) {
	t.Parallel()
	u := NewUsage(nil)
	f := newBox(t, func(c *Config) { c.Usage = u })
	ahead := newBox(t, func(c *Config) { c.Usage = u })
	ahead.SetOffset(time.Minute)
	s, newer := f.dial(t), ahead.dial(t)
	u.Reset()
	want := func(step string, minute, day int64) {
		t.Helper()
		m, d := used(u, f.clock.Now(), ResourceBytesSent, "minute"), used(u, f.clock.Now(), ResourceBytesSent, "day")
		if m != minute || d != day {
			t.Errorf("%s: %d and %d bytes used, want %d and %d", step, m, d, minute, day)
		}
	}
	sending(t, s, 10)(6)
	want("a short write", 6, 6)
	short := sending(t, s, 100)
	want("under way", 106, 106)
	sending(t, newer, 20)(20) // the next minute begins
	want("read by a clock behind", 20, 126)
	short(1)
	want("the minute of the send is over, the day is not", 20, 27)
	short = sending(t, s, 50) // whose clock is behind: counts in the open minute
	want("behind", 70, 77)
	short(5)
	want("given back there", 25, 32)
	short = sending(t, s, 50)
	u.Reset()
	sending(t, s, 30)(30)
	short(0)
	want("a send from before a reset", 30, 30)
	short = sending(t, newer, 50)
	u.DropFuture(f.clock.Now())
	want("the clock is back", 0, 80)
	sending(t, s, 7)(7)
	short(0)
	want("a send from a future that was dropped", 7, 87)
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
