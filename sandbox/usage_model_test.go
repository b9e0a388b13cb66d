package sandbox_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	. "github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/sandboxtest"
)

// A usageModel is what Usage promises, said plainly: a count for each window that was ever open, and which one is.
type usageModel struct {
	limits map[Resource]Limit
	minute map[Resource]map[int64]int64 // by number of the minute
	day    map[Resource]map[int64]int64 // by start of the day
}

func newUsageModel(limits map[Resource]Limit) *usageModel {
	m := &usageModel{limits, map[Resource]map[int64]int64{}, map[Resource]map[int64]int64{}}
	for _, r := range Resources {
		m.minute[r], m.day[r] = map[int64]int64{}, map[int64]int64{}
	}
	return m
}

// modelDays are days as the supervisor tells them, around the end of summer time in 2026: 24, 25 and 24 hours.
var modelDays = []int64{
	time.Date(2026, 10, 31, 7, 0, 0, 0, time.UTC).UnixNano(), time.Date(2026, 11, 1, 7, 0, 0, 0, time.UTC).UnixNano(),
	time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC).UnixNano(), time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC).UnixNano(),
}

func modelDay(now int64) (start, end int64) {
	for i, end := range modelDays[1:] {
		if now < end {
			return modelDays[i], end
		}
	}
	panic("the model's days are over")
}

func (m *usageModel) take(now int64, charges map[Resource]int64) bool {
	start, _ := modelDay(now)
	for r, n := range charges {
		l, ok := m.limits[r]
		if ok && (m.minute[r][now/int64(time.Minute)]+n > l.PerMinute || m.day[r][start]+n > l.PerDay) {
			return false
		}
	}
	m.add(now, charges, 1)
	return true
}

func (m *usageModel) add(now int64, charges map[Resource]int64, sign int64) {
	start, _ := modelDay(now)
	for r, n := range charges {
		m.minute[r][now/int64(time.Minute)] += sign * n
		m.day[r][start] += sign * n
	}
}

// dropFuture forgets what began after now.
func (m *usageModel) dropFuture(now int64) {
	for _, r := range Resources {
		for n := range m.minute[r] {
			if n > now/int64(time.Minute) {
				delete(m.minute[r], n)
			}
		}
		for start := range m.day[r] {
			if start > now {
				delete(m.day[r], start)
			}
		}
	}
}

// usageRun plays one sequence of calls on a Box and on the model.
type usageRun struct {
	t     *testing.T
	f     fixture
	usage *Usage
	model *usageModel
	s     *Socket
	open  []openSend
	steps []string
}

// openSend is a send under way.
type openSend struct {
	op    Op
	began int64
	n     int
}

func newUsageRun(t *testing.T) *usageRun {
	limits := map[Resource]Limit{
		ResourceSend: {20, 60, ""}, ResourceReceive: {15, 40, ""}, ResourceBytesSent: {10 << 20, 25 << 20, ""}, ResourceBind: {5, 9, ""},
		ResourceCreate: {9, 17, ""},
	}
	u := NewUsage(nil)
	r := &usageRun{t: t, usage: u, model: newUsageModel(limits)}
	r.f = newBox(t, func(c *Config) {
		c.Usage, c.Policy.Quotas = u, limits
		c.Policy.Reclaim, c.Policy.Deadline = 0, 0
	})
	r.f.clock.Advance(time.Unix(0, modelDays[0]).Add(time.Hour).Sub(sandboxtest.Start))
	r.tellDay()
	r.s = r.f.dial(t)
	r.model.add(r.now(), map[Resource]int64{ResourceCreate: 1, ResourceConnect: 1}, 1)
	return r
}

func (r *usageRun) now() int64 { return r.f.clock.Now() + int64(r.f.Offset()) }

func (r *usageRun) tellDay() {
	start, end := modelDay(r.now())
	r.usage.SetDay(start, end)
}

// moved is what the supervisor does when the clock was moved.
func (r *usageRun) moved() {
	r.tellDay()
	r.usage.SetLead(r.f.Offset())
	r.usage.DropFuture(r.now())
	r.model.dropFuture(r.now())
}

// step does what two bytes say.
func (r *usageRun) step(what, arg byte) {
	n := int(arg)
	switch what % 10 {
	case 0, 1:
		size := n * n * 50 // up to 3 MiB
		r.note("send %d", size)
		op, err := r.s.Begin(KindSend, size)
		if ok := r.model.take(r.now(), map[Resource]int64{ResourceSend: sendCount(size), ResourceBytesSent: int64(size)}); ok != (err == nil) {
			r.fail("a send of %d bytes: %v, the model says %t", size, err, ok)
		} else if ok {
			r.open = append(r.open, openSend{op, r.now(), size})
		}
	case 2, 3:
		r.finish(n)
	case 4:
		r.note("receive")
		err := op(r.s, KindReceive, n, nil)
		ok := r.model.take(r.now(), map[Resource]int64{ResourceReceive: 1})
		if ok != (err == nil) {
			r.fail("a receive: %v, the model says %t", err, ok)
		} else if ok {
			r.model.add(r.now(), map[Resource]int64{ResourceBytesReceived: int64(n)}, 1)
		}
	case 5:
		r.note("bind")
		_, err := r.f.ListenPacket("udp", ap("0.0.0.0:0"), Origin{})
		if ok := r.model.take(r.now(), map[Resource]int64{ResourceCreate: 1, ResourceBind: 1}); ok != (err == nil) {
			r.fail("a bind: %v, the model says %t", err, ok)
		}
	case 6:
		r.pass(time.Duration(n) * time.Second)
	case 7:
		r.advance(time.Duration(n) * 4 * time.Minute)
	case 8:
		r.settle(func(one openSend) int { return one.n })
		r.note("reset clock")
		r.f.SetOffset(0)
		r.moved()
		r.resync()
	case 9:
		r.note("reset usage")
		r.usage.Reset()
		r.model = newUsageModel(r.model.limits)
		r.settle(func(openSend) int { return 0 }) // gives nothing back to what comes after
	}
	r.compare()
}

func sendCount(n int) int64 { return max(1, (int64(n)+1<<20-1)>>20) }

// finish ends the oldest send, of which n/255 were sent, or takes it back when n is 0.
func (r *usageRun) finish(n int) {
	if len(r.open) == 0 {
		return
	}
	one := r.open[0]
	r.open = r.open[1:]
	if n == 0 {
		r.note("cancel %d", one.n)
		r.s.Cancel(one.op)
		r.model.add(one.began, map[Resource]int64{ResourceSend: sendCount(one.n), ResourceBytesSent: int64(one.n)}, -1)
		return
	}
	sent := one.n * n / 255
	r.note("sent %d of %d", sent, one.n)
	r.s.End(one.op, sent, nil)
	r.model.add(one.began, map[Resource]int64{ResourceSend: sendCount(one.n) - sendCount(sent), ResourceBytesSent: int64(one.n - sent)}, -1)
}

// settle ends the sends that are under way, as if so much of each had been sent.
func (r *usageRun) settle(sent func(openSend) int) {
	for _, one := range r.open {
		r.s.End(one.op, sent(one), nil)
	}
	r.open = nil
}

func (r *usageRun) pass(d time.Duration) {
	r.note("%s pass", d)
	if end := modelDays[len(modelDays)-1]; r.now()+int64(d) >= end {
		return
	}
	r.f.clock.Advance(d)
	r.tellDay()
}

func (r *usageRun) advance(d time.Duration) {
	r.note("advance %s", d)
	if end := modelDays[len(modelDays)-1]; r.now()+int64(d) >= end {
		return
	}
	r.f.SetOffset(r.f.Offset() + d)
	r.moved()
}

func (r *usageRun) note(format string, args ...any) {
	r.steps = append(r.steps, fmt.Sprintf(format, args...))
}

func (r *usageRun) fail(format string, args ...any) {
	r.t.Helper()
	r.t.Fatalf("after %v:\n%s", r.steps, fmt.Sprintf(format, args...))
}

// resync lets the model follow where the clock was taken back: present windows are as they were, or empty where a later one
// had taken their room.
func (r *usageRun) resync() {
	now := r.now()
	start, _ := modelDay(now)
	for _, w := range r.usage.Snapshot(now) {
		counts, key := r.model.day[w.Resource], start
		if w.Window == "minute" {
			counts, key = r.model.minute[w.Resource], now/int64(time.Minute)
		}
		if w.Used != 0 && w.Used != counts[key] {
			r.fail("%s in the %s: %d, the model says %d or 0", w.Resource, w.Window, w.Used, counts[key])
		}
		counts[key] = w.Used
	}
}

// compare holds all present windows against the model's.
func (r *usageRun) compare() {
	r.t.Helper()
	now := r.now()
	start, end := modelDay(now)
	for _, w := range r.usage.Snapshot(now) {
		want, from, to := r.model.day[w.Resource][start], start, end
		if w.Window == "minute" {
			minute := now / int64(time.Minute)
			want, from, to = r.model.minute[w.Resource][minute], minute*int64(time.Minute), (minute+1)*int64(time.Minute)
		}
		if w.Used != want || w.Start != from || w.End != to {
			r.fail("%s in the %s: %d from %d to %d, the model says %d from %d to %d", w.Resource, w.Window, w.Used, w.Start, w.End, want, from, to)
		}
		if l, ok := r.model.limits[w.Resource]; ok && w.Window == "minute" && w.Used > l.PerMinute || ok && w.Window == "day" && w.Used > l.PerDay {
			r.fail("%s in the %s: %d, above the limit", w.Resource, w.Window, w.Used)
		}
	}
}

func playUsage(t *testing.T, script []byte) {
	r := newUsageRun(t)
	for ; len(script) >= 2; script = script[2:] {
		r.step(script[0], script[1])
	}
}

// FuzzUsage plays calls, the passing of time, moves of the clock and resets against the model.
func FuzzUsage(f *testing.F) {
	f.Add([]byte{0, 200, 2, 100, 4, 9, 5, 0, 6, 59, 0, 255, 0, 255, 0, 255, 7, 200, 2, 0, 8, 0, 9, 0, 0, 1})
	f.Add([]byte{0, 255, 6, 200, 2, 1, 0, 255, 7, 1, 2, 1, 8, 0, 0, 255, 2, 128})
	f.Fuzz(func(t *testing.T, script []byte) { playUsage(t, script[:min(len(script), 1000)]) })
}

// TestUsageModel plays many sequences, the same at each run.
func TestUsageModel(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 600 {
		script := make([]byte, 0, 400)
		for range 50 {
			script = binary.NativeEndian.AppendUint64(script, rnd.Uint64())
		}
		playUsage(t, script)
	}
}
