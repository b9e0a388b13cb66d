package sandbox

import (
	"sync"
	"time"
)

// Where the deadline of production's calls is enforced, each operation that may block is in flight from Begin to End.
// Sweep cuts off what has been for too long: it has the holder of the descriptor wake what waits there (SetCutter), and
// End then tells the program that the call was cancelled. The socket stays usable, as in production, where the next
// call is a new one.

// flight is an operation under way.
type flight struct {
	op  Op
	cut bool // guarded by flights.mu; production has cancelled it
}

// flights are the operations of a socket that are under way.
type flights struct {
	mu     sync.Mutex
	all    map[*flight]struct{}    // guarded by mu
	cutter func(k Kind, wake bool) // guarded by mu
}

// SetCutter says how to wake the operations of a kind that wait on the descriptor (wake), and how to let operations
// wait again afterwards (not wake). Only KindSend, KindReceive and KindConnect are asked for. It must not wait,
// nor call the socket: it is called under the lock that keeps the two in order.
func (s *Socket) SetCutter(f func(k Kind, wake bool)) {
	if !s.box.cuts {
		return
	}
	s.flights.mu.Lock()
	defer s.flights.mu.Unlock()
	s.flights.cutter = f
}

// Cuts reports whether operations are cut off at production's deadline.
func (b *Box) Cuts() bool { return b.cuts }

// takeOff begins to watch an operation.
func (s *Socket) takeOff(op *Op) {
	if !s.box.cuts || s.exempt.Load() {
		return
	}
	op.flight = &flight{op: *op}
	s.flights.mu.Lock()
	defer s.flights.mu.Unlock()
	if s.flights.all == nil {
		s.flights.all = make(map[*flight]struct{})
	}
	s.flights.all[op.flight] = struct{}{}
	if s.box.offset.Load() != op.offset { // the clock moved since the start, and Sweep may have been here before
		s.cutLateLocked(s.box.clock.Now())
	}
}

// land ends the watch. It reports whether the operation was cut off.
func (s *Socket) land(op Op) (cut bool) {
	if op.flight == nil {
		return false
	}
	s.flights.mu.Lock()
	defer s.flights.mu.Unlock()
	delete(s.flights.all, op.flight)
	if !op.flight.cut {
		return false
	}
	if s.flights.cutter != nil {
		s.flights.cutter(op.kind, false)
	}
	return true
}

// Waiting begins to watch a wait for the socket to be ready, which is no operation of its own: it counts for no quota and
// does not renew the idle limit. Waited ends the watch.
func (s *Socket) Waiting(k Kind) Op {
	op := Op{start: s.box.clock.Now(), offset: s.box.offset.Load(), kind: k}
	if s.box.deadline > 0 {
		s.takeOff(&op)
	}
	return op
}

// Waited says how a wait ended. One that production would have cancelled is recorded, and where the deadline is enforced
// the program is told so in place of err.
func (s *Socket) Waited(op Op, err error) error {
	b := s.box
	cut, end := s.land(op), b.clock.Now()
	late := b.deadline > 0 && b.lasted(op, end) > b.deadline && !s.exempt.Load()
	if s.taken() || !cut && !late {
		return err
	}
	e := Event{
		Kind: op.kind, At: op.start, Duration: duration(end - op.start), Socket: s.id, Request: s.request.Load(),
		Rule: RuleDeadline, Detail: b.judge.Reason(Decision{Rule: RuleDeadline}, s.network, ""),
	}
	if cut && err != nil {
		err = b.texts.pastDeadline(op.kind)
		e.Error = err.Error()
	}
	b.rec.Record(e)
	return err
}

// recheck is how soon an operation that was cut off and has not ended yet is woken again: its program may have set
// a deadline of its own in between.
const recheck = 10 * time.Millisecond

// lasted returns how long an operation has taken at end, a machine's time, by the sandbox's clock. While that is set
// back the operation goes on: it lasts as long as it does by the machine's clock at least.
func (b *Box) lasted(op Op, end int64) time.Duration {
	return time.Duration(end - op.start + max(b.offset.Load()-op.offset, 0))
}

// cutLate cuts off what has been under way for too long at now, a machine's time, and returns when the next one will
// have been. Whatever waits beside it in the same direction is woken too and counts as cut off.
func (s *Socket) cutLate(now int64) (next time.Duration) {
	s.flights.mu.Lock()
	defer s.flights.mu.Unlock()
	return s.cutLateLocked(now)
}

func (s *Socket) cutLateLocked(now int64) (next time.Duration) {
	limit := s.box.deadline
	next = limit
	var late [kindEnd]bool
	for f := range s.flights.all {
		if left := limit - s.box.lasted(f.op, now); left < 0 {
			late[f.op.kind] = true
			next = min(next, recheck)
		} else {
			next = min(next, left+1) // strictly longer than the limit
		}
	}
	for f := range s.flights.all {
		if late[f.op.kind] {
			f.cut = true
		}
	}
	for k, l := range late {
		if l && s.flights.cutter != nil {
			s.flights.cutter(Kind(k), true)
		}
	}
	return next
}

// landed cuts off what is late until all of it has ended, so that who moves the clock sees the end of it. It does not wait for
// an operation that nothing wakes.
func (b *Box) landed() {
	const most = 200
	for range most {
		if b.cutAll() != recheck {
			return
		}
		time.Sleep(recheck / 10)
	}
}

// cutAll is cutLate of all sockets.
func (b *Box) cutAll() (next time.Duration) {
	next = noLimit
	if !b.cuts {
		return next
	}
	now := b.clock.Now()
	b.mu.Lock()
	open := make([]*Socket, 0, len(b.sockets))
	for _, s := range b.sockets {
		open = append(open, s)
	}
	b.mu.Unlock()
	for _, s := range open {
		next = min(next, s.cutLate(now))
	}
	return min(next, b.deadline)
}
