package sandbox

import (
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// Usage counts what an app has used of its quotas, for every resource in the present minute and the present day.
// All workers of an app share the memory of a file, which also outlives them. It is safe for concurrent use, between
// processes too: a window and its count are one word, changed in one compare-and-swap.
//
//	word 0          what the page is
//	word 1          the day: its start in seconds since 1970 above, its length in seconds in the low 24 bits
//	word 2          how far the clock of one process may be ahead of another's, in nanoseconds
//	word 3          how often counts were thrown away
//	word 8+2r       minute of resource r: number of the minute in the high 24 bits, count below
//	word 9+2r       day of resource r: number of the day in the high 16 bits, count below
//
// All times are the sandbox's: a clock moved forward opens new windows. A window is opened by the first who sees it
// begin; whose clock is behind counts in it too, so that nobody takes back what others have counted.
type Usage struct {
	words *page
	err   error
}

const (
	usageMagic = 0x6465_7673_5573_6531 // devsUse1
	theDay     = 1
	theLead    = 2
	theResets  = 3
	firstCount = 8
	daySeconds = 24 * 60 * 60
	lengthBits = 24
	lengthMask = 1<<lengthBits - 1
)

// NewUsage counts in mem, an aligned page that begins as zeros; nil is private memory. What is wrong with mem, New says.
func NewUsage(mem []byte) *Usage {
	words, err := newPage(mem, usageMagic)
	return &Usage{words, err}
}

// Err returns what is wrong with the memory.
func (u *Usage) Err() error { return u.err }

// SetDay says where the present day begins and ends, in nanoseconds since 1970. Production's day begins at midnight
// Pacific time, which only the supervisor can tell. Until it is told, and after the end, days of 24 hours follow.
func (u *Usage) SetDay(start, end int64) {
	length := (end - start) / int64(time.Second)
	if start < 0 || length <= 0 || length > lengthMask {
		return
	}
	atomic.StoreUint64(&u.words[theDay], uint64(start/int64(time.Second))<<lengthBits|uint64(length))
}

// day returns the number of the day that holds now, and its borders.
func (u *Usage) day(now int64) (number uint64, start, end int64) {
	w := atomic.LoadUint64(&u.words[theDay])
	sec := now / int64(time.Second)
	start, length := int64(w>>lengthBits), int64(w&lengthMask)
	if length == 0 {
		length = daySeconds
	}
	switch end = start + length; {
	case sec >= end:
		start = end + (sec-end)/daySeconds*daySeconds
		end = start + daySeconds
	case sec < start:
		start -= (start - sec + daySeconds - 1) / daySeconds * daySeconds
		end = start + daySeconds
	}
	// A day's border is between 7 and 8 o'clock UTC, so the number grows by one, in the weeks of 23 and 25 hours too.
	return uint64(start / daySeconds), start * int64(time.Second), end * int64(time.Second)
}

// SetLead says how far the clock of one process may be ahead of another's: while the clock is being moved, some workers
// hear of it before others. All have the same clock again when it is 0.
func (u *Usage) SetLead(d time.Duration) { atomic.StoreUint64(&u.words[theLead], uint64(max(d, 0))) }

// A period is a kind of window, told by how many bits of its word hold the count; the window's number stands above them.
type period uint

const (
	minutes period = 40 // up to a TiB a minute
	days    period = 48 // up to 256 TiB a day
)

// seconds is how long a window lasts at least.
func (p period) seconds() uint64 {
	if p == minutes {
		return 60
	}
	return 23 * 60 * 60
}

// cut returns the bits of a window's number that a word holds.
func (p period) cut(number uint64) uint32 { return uint32(number & (1<<(64-p) - 1)) }

func (p period) split(word uint64) (number uint32, count int64) {
	return uint32(word >> p), int64(word & (1<<p - 1))
}

func (p period) word(number uint32, count int64) uint64 {
	return uint64(number)<<p | uint64(min(count, 1<<p-1))
}

// A stamp says in which windows something counts: the cut number of the minute in the high 24 bits, that of the day in 16
// bits, and how often counts had been thrown away in the rest. It is one word, since every operation carries one.
type stamp uint64

func newStamp(minute, day, resets uint32) stamp {
	return stamp(minute)<<40 | stamp(day)<<24 | stamp(resets&(1<<24-1))
}

func (at stamp) minute() uint32 { return uint32(at >> 40) }
func (at stamp) day() uint32    { return uint32(at>>24) & (1<<16 - 1) }
func (at stamp) resets() uint32 { return uint32(at) & (1<<24 - 1) }

// stamp returns the windows that hold now.
func (u *Usage) stamp(now int64) stamp {
	number, _, _ := u.day(now)
	return newStamp(minutes.cut(uint64(now/int64(time.Minute))), days.cut(number), u.resets())
}

// resets is how often counts were thrown away, as a stamp holds it.
func (u *Usage) resets() uint32 { return stamp(atomic.LoadUint64(&u.words[theResets])).resets() }

// ahead reports whether the window that a word holds was opened by somebody whose clock is ahead. One window may have
// begun between reading the clock and counting. What lies farther ahead is a future that was taken back.
func (u *Usage) ahead(p period, held, number uint32) bool {
	most := uint32(1)
	if lead := atomic.LoadUint64(&u.words[theLead]); lead > 0 {
		most = uint32(min(lead/uint64(time.Second)/p.seconds()+2, uint64(p.cut(1<<62-1)/2)))
	}
	by := p.cut(uint64(held - number))
	return by != 0 && by <= most
}

// count returns the count in a word of the window with that number, or of the one that is open ahead of it, and which
// of the two it is.
func (u *Usage) count(p period, word uint64, number uint32) (int64, uint32) {
	held, n := p.split(word)
	if held == number || u.ahead(p, held, number) {
		return n, held
	}
	return 0, number
}

// add counts n more, unless that goes over a limit of 0 or more. When a later window is open by now, it counts nothing
// and returns that one's number.
func (u *Usage) add(p period, word *uint64, number uint32, n, limit int64) (in uint32, ok bool) {
	n = max(n, 0)
	for {
		old := atomic.LoadUint64(word)
		held, used := p.split(old)
		if held != number {
			if u.ahead(p, held, number) {
				return held, false
			}
			used = 0
		}
		if limit >= 0 && (used > limit || n > limit-used) {
			return number, false
		}
		if atomic.CompareAndSwapUint64(word, old, p.word(number, used+n)) {
			return number, true
		}
	}
}

// giveBack takes n away again where it was counted, if that window is still open.
func (u *Usage) giveBack(at stamp, r int, n int64) {
	minute, day := u.at(r)
	u.subtract(minutes, minute, at.minute(), at.resets(), n)
	u.subtract(days, day, at.day(), at.resets(), n)
}

func (u *Usage) subtract(p period, word *uint64, number, resets uint32, n int64) {
	for {
		old := atomic.LoadUint64(word)
		held, used := p.split(old)
		if held != number || u.resets() != resets {
			return
		}
		if atomic.CompareAndSwapUint64(word, old, p.word(number, max(used-n, 0))) {
			return
		}
	}
}

// at returns the words of the resource with that index in Resources.
func (u *Usage) at(r int) (minute, day *uint64) {
	return &u.words[firstCount+2*r], &u.words[firstCount+2*r+1]
}

// reserve counts n of a resource in the minute and the day of at, or in neither. When a later window is open by now, at
// is moved there and again is true.
func (u *Usage) reserve(at *stamp, r int, n int64, limit *Limit) (ok, again bool) {
	minute, day := u.at(r)
	in, ok := u.add(minutes, minute, at.minute(), n, limit.PerMinute)
	if !ok {
		again = in != at.minute()
		*at = newStamp(in, at.day(), at.resets())
		return false, again
	}
	in, ok = u.add(days, day, at.day(), n, limit.PerDay)
	if !ok {
		u.subtract(minutes, minute, at.minute(), at.resets(), n)
		again = in != at.day()
		*at = newStamp(at.minute(), in, at.resets())
	}
	return ok, again
}

// take counts all charges at the sandbox's time now, all in the same windows, or none of them. It returns those windows,
// and the resource whose limit would be passed, -1 for none.
func (u *Usage) take(now int64, limits *[useEnd]Limit, charges []charge) (at stamp, over int) {
	at = u.stamp(now)
	for i := 0; i < len(charges); i++ {
		before, c := at, charges[i]
		ok, again := u.reserve(&at, c.use, c.n, &limits[c.use])
		if ok {
			continue
		}
		for _, taken := range charges[:i] {
			u.giveBack(before, taken.use, taken.n)
		}
		if !again {
			return at, c.use
		}
		i = -1 // from the start, where others count by now
	}
	return at, -1
}

// Reserve counts n of a resource at the sandbox's time now, in the minute and the day, or in neither when a limit
// would be passed; the error then is ErrOverQuota.
func (u *Usage) Reserve(now int64, res Resource, n int64, limit Limit) error {
	r := slices.Index(Resources, res)
	if r < 0 {
		return nil
	}
	var limits [useEnd]Limit
	limits[r] = limit
	if _, over := u.take(now, &limits, []charge{{r, n}}); over >= 0 {
		return ErrOverQuota
	}
	return nil
}

// used returns what was used of a resource in the minute and the day.
func (u *Usage) used(now int64, r int) (inMinute, inDay int64) {
	minute, day := u.at(r)
	at := u.stamp(now)
	inMinute, _ = u.count(minutes, atomic.LoadUint64(minute), at.minute())
	inDay, _ = u.count(days, atomic.LoadUint64(day), at.day())
	return inMinute, inDay
}

// A UsageWindow is what was used of a resource in one window.
type UsageWindow struct {
	Resource   Resource
	Window     string // "minute" or "day"
	Start, End int64  // nanoseconds since 1970, by the sandbox's clock
	Used       int64
}

// Snapshot returns all windows that are present at the sandbox's time now, unused ones too, minutes before days.
func (u *Usage) Snapshot(now int64) []UsageWindow {
	all := make([]UsageWindow, 0, 2*len(Resources))
	_, dayStart, dayEnd := u.day(now)
	start := now - now%int64(time.Minute)
	for i, r := range Resources {
		m, d := u.used(now, i)
		all = append(all, UsageWindow{r, "minute", start, start + int64(time.Minute), m}, UsageWindow{r, "day", dayStart, dayEnd, d})
	}
	slices.SortStableFunc(all, func(a, b UsageWindow) int { return len(b.Window) - len(a.Window) })
	return all
}

// Reset starts all windows afresh. What is still under way then is not given back to them.
func (u *Usage) Reset() {
	atomic.AddUint64(&u.words[theResets], 1)
	for i := range 2 * len(Resources) {
		atomic.StoreUint64(&u.words[firstCount+i], 0)
	}
}

// DropFuture forgets windows that begin after now: the clock had been moved forward and is back. What had been counted in
// the present windows before is gone where a later one was opened, since there is room for one only.
func (u *Usage) DropFuture(now int64) {
	at := u.stamp(now)
	for i := range Resources {
		m, d := u.at(i)
		u.dropFuture(minutes, m, at.minute())
		u.dropFuture(days, d, at.day())
	}
}

func (u *Usage) dropFuture(p period, word *uint64, number uint32) {
	for {
		old := atomic.LoadUint64(word)
		held, used := p.split(old)
		if ahead := p.cut(uint64(held - number)); ahead == 0 || ahead >= 1<<(63-p) {
			return
		}
		if used > 0 {
			atomic.AddUint64(&u.words[theResets], 1)
		}
		if atomic.CompareAndSwapUint64(word, old, 0) {
			return
		}
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
