package sandbox_test

import (
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/seed-d81df0db/devserver/sandbox"
)

func TestReclaim(t *testing.T) {
	t.Parallel()
	f := newBox(t, nil)
	s := f.dial(t)
	closed := 0
	s.SetCloser(func() { closed++ })
	f.clock.Advance(119 * time.Second)
	if err := op(s, KindSend, 1, nil); err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(120 * time.Second) // as long as the limit is not longer than the limit
	if next := f.Sweep(); next != 1 || closed != 0 {
		t.Errorf("Sweep at the limit: next in %s, closed %d times", next, closed)
	}
	f.clock.Advance(1)
	if f.Sweep(); closed != 1 {
		t.Errorf("the closer was called %d times, want once", closed)
	}
	for range 2 {
		if err := op(s, KindReceive, 1, nil); !errors.Is(err, syscall.EPIPE) || err.Error() != "read: broken pipe" {
			t.Errorf("read after the reclaim: %v", err)
		}
		if err := op(s, KindSend, 1, nil); !errors.Is(err, syscall.EPIPE) || err.Error() != "write: broken pipe" {
			t.Errorf("write after the reclaim: %v", err)
		}
	}
	if !s.Close() {
		t.Error("the first Close after a reclaim is not the first")
	}
	e := f.rec.Events(KindReclaim)
	if len(e) != 1 || e[0].Rule != RuleReclaimed || e[0].Reason != ReasonReclaimed ||
		e[0].Detail != "Not used for 2m; production reclaims a socket after 2m." {
		t.Errorf("reclaim events %+v", e)
	}
	if e := f.rec.Events(KindClose); len(e) != 0 {
		t.Errorf("a reclaimed socket is closed again: %+v", e)
	}
	if e := f.rec.Events(KindReceive); len(e) != 2 || e[0].Rule != RuleReclaimed || e[0].Error != "read: broken pipe" {
		t.Errorf("receive events %+v", e)
	}
}

// TestPendingRead holds that a blocked read does not keep a socket, and ends as a broken pipe whatever ended it.
func TestPendingRead(t *testing.T) {
	t.Parallel()
	for _, result := range []error{io.EOF, errors.New("use of closed network connection")} {
		f := newBox(t, nil)
		s := f.dial(t)
		pending, err := s.Begin(KindReceive, 100)
		if err != nil {
			t.Fatal(err)
		}
		s.SetCloser(func() {
			if err := s.End(pending, 0, result); !errors.Is(err, syscall.EPIPE) {
				t.Errorf("a read that ended with %v: %v", result, err)
			}
		})
		f.SetOffset(121 * time.Second)
		if e := f.rec.Events(KindReclaim, KindReceive); len(e) != 2 || e[0].Kind != KindReclaim || e[1].Rule != RuleReclaimed {
			t.Errorf("events %v", kinds(e))
		}
	}
}

// TestNobodySwept holds that the next operation finds the socket gone even when no sweep came in between.
func TestNobodySwept(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(*Socket) error{
		"read":  func(s *Socket) error { return op(s, KindReceive, 1, nil) },
		"write": func(s *Socket) error { return op(s, KindSend, 1, nil) },
		"send to a new destination": func(s *Socket) error {
			_, err := s.SendTo(ap("93.184.216.34:53"))
			return err
		},
		"connect": func(s *Socket) error { _, err := s.Connect("", ap("93.184.216.34:53")); return err },
		"bind":    func(s *Socket) error { return s.Bind(ap("0.0.0.0:0")) },
	} {
		f := newBox(t, nil)
		s, err := f.Socket("udp", Origin{})
		if err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(121 * time.Second)
		if err := use(s); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("%s: %v", name, err)
		}
		if e := f.rec.Events(KindReclaim); len(e) != 1 {
			t.Errorf("%s: %d reclaims", name, len(e))
		}
	}
}

func TestSweepTimes(t *testing.T) {
	t.Parallel()
	f := newBox(t, nil)
	if next := f.Sweep(); next != 2*time.Minute {
		t.Errorf("without sockets: %s, want the limit", next)
	}
	f.dial(t)
	f.clock.Advance(30 * time.Second)
	f.dial(t)
	if next := f.Sweep(); next != 90*time.Second+1 {
		t.Errorf("next in %s, want 1m30s and a bit", next)
	}
	f.SetOffset(91 * time.Second)
	if n := len(f.rec.Events(KindReclaim)); n != 1 {
		t.Errorf("%d reclaimed, want the older one", n)
	}
	f.SetOffset(time.Hour)
	if n := len(f.rec.Events(KindReclaim)); n != 2 || f.Offset() != time.Hour {
		t.Errorf("%d reclaimed at %s", n, f.Offset())
	}
	never := newBox(t, func(c *Config) { c.Policy.Reclaim = 0 })
	s := never.dial(t)
	never.SetOffset(1000 * time.Hour)
	if next := never.Sweep(); next != time.Hour || op(s, KindSend, 1, nil) != nil {
		t.Errorf("without a limit: next in %s", next)
	}
}

// TestReclaimReport holds that production's reclaim is told once for each idle span, and the socket stays.
func TestReclaimReport(t *testing.T) {
	t.Parallel()
	f := newBox(t, func(c *Config) { c.Policy.Rules[RuleReclaimed] = RuleSetting{Mode: ModeReport} })
	s := f.dial(t)
	f.clock.Advance(time.Hour)
	f.Sweep()
	for range 2 {
		if err := op(s, KindSend, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	e := f.rec.Events(KindSend)
	if len(e) != 2 || e[0].Rule != RuleReclaimed || e[0].Detail == "" || e[1].Rule != "" {
		t.Errorf("events %+v", e)
	}
}

// TestReclaimReportOfAnyCall holds that the report is not lost when what comes first after the idle span is an option,
// or a read that finds nothing, as drivers make it to look whether a pooled connection lives.
func TestReclaimReportOfAnyCall(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(*Socket){
		"option": func(s *Socket) {
			c, err := s.BeginOption(true, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, []byte{1, 0, 0, 0})
			if err != nil {
				t.Fatal(err)
			}
			s.EndOption(c, []byte{1, 0, 0, 0}, nil)
		},
		"nothing to read": func(s *Socket) {
			op, err := s.Begin(KindReceive, 1)
			if err != nil {
				t.Fatal(err)
			}
			s.Cancel(op)
		},
	} {
		f := newBox(t, func(c *Config) { c.Policy.Rules[RuleReclaimed] = RuleSetting{Mode: ModeReport} })
		s := f.dial(t)
		f.clock.Advance(time.Hour)
		for range 2 {
			use(s)
		}
		op(s, KindSend, 1, nil)
		var reports []Event
		for _, e := range f.rec.Events() {
			if e.Rule == RuleReclaimed {
				reports = append(reports, e)
			}
		}
		if len(reports) != 1 || !strings.Contains(reports[0].Detail, "production takes such sockets away") {
			t.Errorf("%s: reports %+v, want one", name, reports)
		}
	}
}

// TestClockSetBack holds that what was used, or has begun, while the clock was ahead is judged by the machine's time once
// the clock is back: not only when the time that was skipped has passed.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{ModeEnforce, ModeReport} {
		f := newBox(t, func(c *Config) { c.Policy.Rules[RuleReclaimed] = RuleSetting{Mode: mode} })
		f.SetOffset(10 * time.Hour)
		s := f.dial(t)
		f.SetOffset(0)
		f.clock.Advance(121 * time.Second)
		f.Sweep()
		if n := len(f.rec.Events(KindReclaim)); (mode == ModeEnforce) != (n == 1) {
			t.Errorf("%s: %d reclaimed", mode, n)
		}
		op(s, KindSend, 1, nil)
		if e := f.rec.Events(KindSend); len(e) != 1 || e[0].Rule != RuleReclaimed {
			t.Errorf("%s: events %+v", mode, e)
		}
	}
	for _, mode := range []Mode{ModeEnforce, ModeReport} {
		f := newBox(t, func(c *Config) { c.Policy.Rules[RuleDeadline] = RuleSetting{Mode: mode} })
		f.SetOffset(10 * time.Hour)
		s := f.dial(t)
		slow, err := s.Begin(KindReceive, 10)
		if err != nil {
			t.Fatal(err)
		}
		wait := s.Waiting(KindSend)
		woken := 0
		s.SetCutter(func(k Kind, wake bool) {
			if wake {
				woken++
			}
		})
		f.SetOffset(0)
		f.clock.Advance(61 * time.Second)
		f.Sweep()
		if (mode == ModeEnforce) != (woken == 2) {
			t.Errorf("%s: %d kinds of operations woken", mode, woken)
		}
		s.End(slow, 10, nil)
		s.Waited(wait, nil)
		if e := f.rec.Events(KindReceive, KindSend); len(e) != 2 || e[0].Rule != RuleDeadline || e[1].Rule != RuleDeadline {
			t.Errorf("%s: events %+v", mode, e)
		}
	}
}

// TestExempt holds that listeners and what they accept outlive the limit.
func TestExempt(t *testing.T) {
	t.Parallel()
	f := newBox(t, func(c *Config) { c.Policy.Rules[RuleListen] = RuleSetting{Mode: ModeReport} })
	l, err := f.Listen("tcp", ap("127.0.0.1:9000"), "", Origin{})
	if err != nil {
		t.Fatal(err)
	}
	conn := l.Accepted(ap("127.0.0.1:9000"), ap("127.0.0.1:50001"), Origin{})
	f.SetOffset(time.Hour)
	if op(l, KindAccept, 0, nil) != nil || op(conn, KindSend, 1, nil) != nil {
		t.Error("an exempt socket was reclaimed")
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{ModeReport, ModeEnforce, ModeOff} {
		f := newBox(t, func(c *Config) { c.Policy.Rules[RuleDeadline] = RuleSetting{Mode: mode} })
		s := f.dial(t)
		slow, err := s.Begin(KindReceive, 10)
		if err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(61 * time.Second)
		err = s.End(slow, 10, nil)
		e := f.rec.Events(KindReceive)[0]
		if (mode == ModeOff) != (e.Rule == "") || (mode == ModeEnforce) != (err != nil) {
			t.Errorf("%s: %v, event %+v", mode, err, e)
		}
		if timeout, ok := err.(interface{ Timeout() bool }); err != nil && (!ok || !timeout.Timeout() || !errors.Is(err, syscall.ETIMEDOUT) ||
			err.Error() != "The API call remote_socket.Receive() took too long to respond and was cancelled.") {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

// TestRace lets many goroutines use, reclaim, close and make sockets at once. Each socket ends exactly once.
func TestRace(t *testing.T) {
	t.Parallel()
	f := newBox(t, nil)
	const workers, rounds = 16, 60
	shared := make([]*Socket, workers)
	closers := make([]int32, workers)
	var mu sync.Mutex
	for i := range shared {
		shared[i] = f.dial(t)
		shared[i].SetCloser(func() { mu.Lock(); closers[i]++; mu.Unlock() })
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for r := range rounds {
				s := shared[(w+r)%workers]
				op(s, KindSend, r, nil)
				op(s, KindReceive, r, nil)
				s.SetRequest(uint64(r))
				own := f.dial(t)
				own.SendTo(ap("93.184.216.34:53"))
				op(own, KindReceive, 1, io.EOF)
				f.Resolved("a.example", addrs("93.184.216.34"), 0, 0, nil, Origin{})
				switch {
				case r%20 == w:
					f.SetOffset(time.Duration(w*rounds+r) * time.Minute)
				case r%10 == 3:
					f.Sweep()
				}
				own.Close()
			}
		})
	}
	wg.Wait()
	f.SetOffset(1e6 * time.Minute)
	ends := make(map[uint64]int)
	for _, e := range f.rec.Events(KindReclaim, KindClose) {
		ends[e.Socket]++
	}
	for id, n := range ends {
		if n != 1 {
			t.Errorf("socket %d ended %d times", id, n)
		}
	}
	if want := workers + workers*rounds; len(ends) != want {
		t.Errorf("%d sockets ended, want %d", len(ends), want)
	}
	for i, n := range closers {
		if n != 1 {
			t.Errorf("closer %d was called %d times", i, n)
		}
	}
}

// TestCloserAfterTheEnd holds that a closer that comes too late is called at once.
func TestCloserAfterTheEnd(t *testing.T) {
	t.Parallel()
	f := newBox(t, nil)
	s := f.dial(t)
	f.SetOffset(time.Hour)
	called := 0
	s.SetCloser(func() { called++ })
	s.CloseBy(ReasonConsole)
	if called != 1 {
		t.Errorf("called %d times, want once", called)
	}
}

// counter is a Recorder that only counts.
type counter struct{ n int }

func (c *counter) Record(Event) { c.n++ }

// TestHotPath holds that an operation allocates nothing, with all rules asked and quotas counted.
func TestHotPath(t *testing.T) {
	count := new(counter)
	f := newBox(t, func(c *Config) {
		c.Clock, c.Recorder = nil, count
		c.Policy.Quotas = map[Resource]Limit{ResourceSend: {1e15, 1e15, ""}, ResourceBytesReceived: {1e15, 1e15, ""}}
	})
	s := f.dial(t)
	packet, err := f.ListenPacket("udp", ap("0.0.0.0:0"), Origin{})
	if err != nil {
		t.Fatal(err)
	}
	to := ap("93.184.216.34:53")
	packet.SendTo(to)
	before := count.n
	allocs := testing.AllocsPerRun(1000, func() {
		send, err1 := s.Begin(KindSend, 64)
		err2 := s.End(send, 64, nil)
		receive, err3 := s.Begin(KindReceive, 4096)
		err4 := s.End(receive, 64, nil)
		_, err5 := packet.SendTo(to)
		if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 || count.n != before+2*1001 {
		t.Errorf("%v allocations, %d events", allocs, count.n-before)
	}
}

func BenchmarkOperation(b *testing.B) {
	for _, tt := range []struct {
		name   string
		quotas map[Resource]Limit
	}{
		{"unlimited", nil},
		{"limited", map[Resource]Limit{ResourceSend: {1e15, 1e15, ""}, ResourceBytesSent: {1e15, 1e15, ""}}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			f := newBox(b, func(c *Config) { c.Clock, c.Recorder, c.Policy.Quotas = nil, new(counter), tt.quotas })
			s := f.dial(b)
			b.ReportAllocs()
			for b.Loop() {
				op, err := s.Begin(KindSend, 64)
				if err == nil {
					err = s.End(op, 64, nil)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDial(b *testing.B) {
	f := newBox(b, func(c *Config) { c.Clock, c.Recorder = nil, new(counter) })
	remote := ap("93.184.216.34:443")
	b.ReportAllocs()
	for b.Loop() {
		s, _, err := f.Dial("tcp", "", ap(""), remote, Origin{})
		if err != nil {
			b.Fatal(err)
		}
		s.Connected(Op{}, ap("127.0.0.1:1"), nil)
		s.Close()
	}
}
