package sandbox

import "time"

// noLimit is how long Sweep may be left alone when nothing is ever reclaimed.
const noLimit = time.Hour

// Sweep reclaims all sockets that were idle for longer than the profile allows and cuts off operations that take longer
// than production lets them, and returns how long it will take, by the sandbox's clock, until there can be more to do.
func (b *Box) Sweep() time.Duration {
	cut := b.cutAll()
	if b.idle == 0 {
		return cut
	}
	now := b.now()
	due, next := b.due(now)
	if b.idleMode != ModeEnforce {
		return cut
	}
	for _, s := range due {
		s.reclaim(now)
	}
	return min(cut, next)
}

// due returns the sockets to reclaim, and when the next one is.
func (b *Box) due(now int64) (due []*Socket, next time.Duration) {
	next = b.idle
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.sockets {
		if s.exempt.Load() {
			continue
		}
		left := s.lastUse(now) + int64(b.idle) - now
		if left < 0 {
			due = append(due, s)
			continue
		}
		next = min(next, time.Duration(left+1)) // strictly longer than the limit
	}
	return due, next
}

// lastUse returns when the last operation was. One in the future was under a clock that has been set back since: it
// counts as one of now, or the socket would be kept for as long as the clock was ahead.
func (s *Socket) lastUse(now int64) int64 {
	last := s.last.Load()
	if last > now && s.last.CompareAndSwap(last, now) {
		return now
	}
	return last
}

// reclaim ends a socket that is due still.
func (s *Socket) reclaim(now int64) {
	idle := now - s.last.Load()
	if idle <= int64(s.box.idle) || !s.end(ReasonReclaimed) {
		return
	}
	s.record(Event{
		Kind: KindReclaim, Rule: RuleReclaimed, Reason: ReasonReclaimed, Duration: time.Duration(idle),
		Detail: "Not used for " + plainSpan(time.Duration(idle).Round(time.Millisecond)) + "; production reclaims a socket after " + plainSpan(s.box.idle) + ".",
	})
	s.callCloser()
}

// SetOffset moves the sandbox's clock so far ahead of the machine's and returns when all that fell due is done.
func (b *Box) SetOffset(d time.Duration) {
	b.offset.Store(int64(d))
	b.Sweep()
	b.landed()
	select {
	case b.moved <- struct{}{}:
	default: // whoever sweeps has not heard of the move before
	}
}

// Moved tells that the clock was moved: what Sweep said before of when there will be more to do holds no longer.
func (b *Box) Moved() <-chan struct{} { return b.moved }

// Offset returns how far the sandbox's clock is ahead.
func (b *Box) Offset() time.Duration { return time.Duration(b.offset.Load()) }
