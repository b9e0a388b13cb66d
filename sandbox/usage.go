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
//	word 8+2r       minute of resource r: number of the minute in the high 24 bits, count below
//	word 9+2r       day of resource r: number of the day in the high 16 bits, count below
//
// All times are the sandbox's: a clock moved forward opens new windows.
type Usage struct {
	words *page
	err   error
}

const (
	usageMagic  = 0x6465_7673_5573_6531 // devsUse1
	firstCount  = 8
	minuteBits  = 40 // of the count: a TiB a minute
	dayBits     = 48 // of the count: 256 TiB a day
	daySeconds  = 24 * 60 * 60
	lengthBits  = 24
	lengthMask  = 1<<lengthBits - 1
	minuteNanos = int64(time.Minute)
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
	atomic.StoreUint64(&u.words[1], uint64(start/int64(time.Second))<<lengthBits|uint64(length))
}

// day returns the number of the day that holds now, and its borders.
func (u *Usage) day(now int64) (number uint64, start, end int64) {
	w := atomic.LoadUint64(&u.words[1])
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

// window is one minute or day as a word holds it.
type window struct {
	number uint64 // cut to the bits that hold it
	bits   uint   // of the count
}

func newWindow(number uint64, bits uint) window { return window{number & (1<<(64-bits) - 1), bits} }

// used returns the count in word, and the window it belongs to. A worker that read its clock just before another
// opened the next window counts in that one. Every other window is over, or lies in a future that was taken back.
func (w window) used(word uint64) (int64, window) {
	n := word >> w.bits
	if ahead := newWindow(w.number+1, w.bits); n == ahead.number {
		w = ahead
	}
	if n != w.number {
		return 0, w
	}
	return int64(word & (1<<w.bits - 1)), w
}

func (w window) word(count int64) uint64 {
	return w.number<<w.bits | uint64(min(count, 1<<w.bits-1))
}

// add counts n more, unless that goes over a limit of 0 or more. It returns the window in which it counts, and
// whether it did.
func (w window) add(word *uint64, n, limit int64) (window, bool) {
	for {
		old := atomic.LoadUint64(word)
		used, in := w.used(old)
		if limit >= 0 && (used > limit || n > limit-used) {
			return in, false
		}
		if atomic.CompareAndSwapUint64(word, old, in.word(used+n)) {
			return in, true
		}
	}
}

// giveBack takes n away again, if the window is still the present one.
func (w window) giveBack(word *uint64, n int64) {
	for {
		old := atomic.LoadUint64(word)
		if old>>w.bits != w.number {
			return
		}
		used, _ := w.used(old)
		if atomic.CompareAndSwapUint64(word, old, w.word(max(used-n, 0))) {
			return
		}
	}
}

func (u *Usage) minute(now int64) window { return newWindow(uint64(now/minuteNanos), minuteBits) }

func (u *Usage) dayWindow(now int64) window {
	number, _, _ := u.day(now)
	return newWindow(number, dayBits)
}

// at returns the words of the resource with that index in Resources.
func (u *Usage) at(r int) (minute, day *uint64) {
	return &u.words[firstCount+2*r], &u.words[firstCount+2*r+1]
}

// Reserve counts n of a resource at the sandbox's time now, in the minute and the day, or in neither when a limit
// would be passed; the error then is ErrOverQuota.
func (u *Usage) Reserve(now int64, res Resource, n int64, limit Limit) error {
	if !u.reserve(now, slices.Index(Resources, res), n, limit) {
		return ErrOverQuota
	}
	return nil
}

// GiveBack takes back what Reserve counted at the same now. Windows that are over keep it.
func (u *Usage) GiveBack(now int64, res Resource, n int64) {
	u.giveBack(now, slices.Index(Resources, res), n)
}

func (u *Usage) reserve(now int64, r int, n int64, limit Limit) bool {
	if r < 0 {
		return true
	}
	minute, day := u.at(r)
	m, ok := u.minute(now).add(minute, n, limit.PerMinute)
	if !ok {
		return false
	}
	if _, ok = u.dayWindow(now).add(day, n, limit.PerDay); !ok {
		m.giveBack(minute, n)
	}
	return ok
}

func (u *Usage) giveBack(now int64, r int, n int64) {
	if r < 0 {
		return
	}
	minute, day := u.at(r)
	u.minute(now).giveBack(minute, n)
	u.dayWindow(now).giveBack(day, n)
}

// used returns what was used of a resource in the minute and the day.
func (u *Usage) used(now int64, r int) (inMinute, inDay int64) {
	minute, day := u.at(r)
	inMinute, _ = u.minute(now).used(atomic.LoadUint64(minute))
	inDay, _ = u.dayWindow(now).used(atomic.LoadUint64(day))
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
	start := now / minuteNanos * minuteNanos
	for i, r := range Resources {
		m, d := u.used(now, i)
		all = append(all, UsageWindow{r, "minute", start, start + minuteNanos, m}, UsageWindow{r, "day", dayStart, dayEnd, d})
	}
	slices.SortStableFunc(all, func(a, b UsageWindow) int { return len(b.Window) - len(a.Window) })
	return all
}

// Reset starts all windows afresh.
func (u *Usage) Reset() {
	for i := range 2 * len(Resources) {
		atomic.StoreUint64(&u.words[firstCount+i], 0)
	}
}

// DropFuture forgets windows that begin after now: the clock had been moved forward and is back.
func (u *Usage) DropFuture(now int64) {
	minute, day := u.minute(now), u.dayWindow(now)
	for i := range Resources {
		m, d := u.at(i)
		minute.dropFuture(m)
		day.dropFuture(d)
	}
}

func (w window) dropFuture(word *uint64) {
	for {
		old := atomic.LoadUint64(word)
		ahead := newWindow(old>>w.bits-w.number, w.bits).number
		if ahead == 0 || ahead >= 1<<(63-w.bits) || atomic.CompareAndSwapUint64(word, old, 0) {
			return
		}
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
