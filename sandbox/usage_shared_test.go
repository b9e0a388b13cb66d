package sandbox_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	. "github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/sandboxtest"
)

// tallyLimits let most sends through and refuse some, by every limit.
var tallyLimits = map[Resource]Limit{
	ResourceSend:      {PerMinute: 900, PerDay: 4000},
	ResourceBytesSent: {PerMinute: 500_000, PerDay: 2_100_000},
}

// A tally is what one process was granted.
type tally struct{ sends, bytes, refused, over atomic.Int64 }

// sharedFile maps a file of two pages: the usage, and a page whose first word is a clock that all its users turn.
func sharedFile(t *testing.T, path string) (usage []byte, clock *int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mem, err := syscall.Mmap(int(f.Fd()), 0, 2*PageSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(mem) })
	return mem[:PageSize], (*int64)(unsafe.Pointer(&mem[PageSize]))
}

// crowdClock turns as it is read, by all processes together: eight minutes in 64000 readings.
type crowdClock struct{ turns *int64 }

func (c crowdClock) Now() int64 {
	return sandboxtest.Start.UnixNano() + atomic.AddInt64(c.turns, 1)*int64(8*time.Minute)/64_000
}

// crowd has 16 goroutines send through sockets of one process: some sends are short, some fail, some are taken back.
func crowd(t *testing.T, path string) *tally {
	mem, turns := sharedFile(t, path)
	u := NewUsage(mem)
	box, err := New(Config{Policy: &Policy{Billing: true, Quotas: tallyLimits, Rules: map[Rule]RuleSetting{RuleQuota: {Mode: ModeEnforce}}}, Usage: u, Clock: crowdClock{turns}})
	if err != nil {
		t.Fatal(err)
	}
	sum := new(tally)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			s, _, err := box.Dial("tcp", "", ap(""), ap("93.184.216.34:443"), Origin{})
			if err != nil {
				t.Error(err)
				return
			}
			for i := range 400 {
				sum.send(s, 1000, (i*7+g)%4)
				sum.look(u)
			}
		})
	}
	wg.Wait()
	return sum
}

// send sends n bytes: all of them, half, none with an error, or it takes the send back.
func (y *tally) send(s *Socket, n, how int) {
	op, err := s.Begin(KindSend, n)
	if err != nil {
		y.refused.Add(1)
		return
	}
	switch how {
	case 0:
		s.End(op, n, nil)
		y.bytes.Add(int64(n))
	case 1:
		s.End(op, n/2, syscall.ECONNRESET)
		y.bytes.Add(int64(n / 2))
	case 2:
		s.End(op, 0, syscall.ETIMEDOUT)
	case 3:
		s.Cancel(op)
		return
	}
	y.sends.Add(1)
}

// look counts each count that is above its limit.
func (y *tally) look(u *Usage) {
	for _, w := range u.Snapshot(sandboxtest.Start.UnixNano()) {
		l, ok := tallyLimits[w.Resource]
		if ok && w.Window == "day" && w.Used > l.PerDay {
			y.over.Add(1)
		}
	}
}

// TestUsageProcesses has two processes of 16 goroutines each use one file while the minutes go by, as two workers do
// during a swap. What they were granted is what was counted.
func TestUsageProcesses(t *testing.T) {
	if path := os.Getenv("SANDBOX_USAGE"); path != "" {
		sum := crowd(t, path)
		fmt.Println("granted", sum.sends.Load(), sum.bytes.Load(), sum.refused.Load(), sum.over.Load())
		return
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "usage")
	if err := os.WriteFile(path, make([]byte, 2*PageSize), 0o600); err != nil {
		t.Fatal(err)
	}
	other := exec.Command(os.Args[0], "-test.run=^TestUsageProcesses$")
	other.Env = append(os.Environ(), "SANDBOX_USAGE="+path)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	ours := crowd(t, path)
	var sends, bytes, refused, over int64
	if _, err := fmt.Fscanf(out, "granted %d %d %d %d\n", &sends, &bytes, &refused, &over); err != nil {
		t.Fatal("the other process: ", err)
	}
	if err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	sends, bytes = sends+ours.sends.Load(), bytes+ours.bytes.Load()
	mem, turns := sharedFile(t, path)
	u, now := NewUsage(mem), crowdClock{turns}.Now()
	if got := used(u, now, ResourceSend, "day"); got != sends || sends == 0 {
		t.Errorf("%d sends were counted, %d granted", got, sends)
	}
	if got := used(u, now, ResourceBytesSent, "day"); got != bytes {
		t.Errorf("%d bytes were counted, %d granted", got, bytes)
	}
	if got := used(u, now, ResourceCreate, "day"); got != 32 {
		t.Errorf("%d sockets were counted, want %d", got, 32)
	}
	if n := over + ours.over.Load(); n > 0 {
		t.Errorf("%d times a day's count was above its limit", n)
	}
	if n := refused + ours.refused.Load(); n == 0 {
		t.Error("no limit was ever reached")
	}
}

// TestUsageMinutes holds each minute's limit while the clock turns: no minute grants more than it has.
func TestUsageMinutes(t *testing.T) {
	t.Parallel()
	const limit, minutes = 1000, 8
	u := NewUsage(nil)
	var turns, granted atomic.Int64
	start := sandboxtest.Start.UnixNano()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 1500 {
				now := start + turns.Add(1)/(16*1500/minutes)*int64(time.Minute)
				if u.Reserve(now, ResourceSend, 1, Limit{PerMinute: limit, PerDay: Unlimited}) == nil {
					granted.Add(1)
				}
			}
		})
	}
	wg.Wait()
	// The last turn opens a minute of its own.
	if got := granted.Load(); got > minutes*limit+1 || got < minutes*limit*9/10 {
		t.Errorf("%d granted in %d minutes of %d each", got, minutes, limit)
	}
	if day := used(u, start, ResourceSend, "day"); day != granted.Load() {
		t.Errorf("%d granted, %d counted", granted.Load(), day)
	}
}

// TestUsageMovedClocks has workers count whose clocks are apart, as they are while the clock is being moved by an hour:
// none takes the other's windows for a future that was taken back.
func TestUsageMovedClocks(t *testing.T) {
	t.Parallel()
	mem := make([]byte, PageSize)
	now := sandboxtest.Start.UnixNano()
	limit := Limit{PerMinute: 1 << 30, PerDay: 1 << 30}
	NewUsage(mem).SetLead(10 * time.Hour)
	NewUsage(mem).Reserve(now+int64(10*time.Hour), ResourceSend, 1, limit) // the next day too
	const each = 5000
	var wg sync.WaitGroup
	for g := range 16 {
		u, at := NewUsage(mem), now+int64(g%2)*int64(10*time.Hour)
		wg.Go(func() {
			for range each {
				u.Reserve(at, ResourceSend, 1, limit)
			}
		})
	}
	wg.Wait()
	u := NewUsage(mem)
	for _, window := range []string{"minute", "day"} {
		for _, at := range []int64{now, now + int64(10*time.Hour)} {
			if got := used(u, at, ResourceSend, window); got != 16*each+1 {
				t.Errorf("the %s has %d, want %d", window, got, 16*each+1)
			}
		}
	}
	u.SetLead(0)
	u.DropFuture(now)
	if got := used(u, now, ResourceSend, "minute"); got != 0 {
		t.Errorf("%d after the clock was taken back, want 0", got)
	}
	// One that has not heard of it counts once more in the future; the present goes on by itself.
	u.Reserve(now+int64(10*time.Hour), ResourceSend, 9, limit)
	u.Reserve(now, ResourceSend, 2, limit)
	if got := used(u, now, ResourceSend, "minute"); got != 2 {
		t.Errorf("%d in the present, want 2", got)
	}
}
