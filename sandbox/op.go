package sandbox

import "time"

// An Op is an operation that has begun. Its zero value is none.
type Op struct {
	start  int64 // by the machine's clock
	offset int64 // of the sandbox's clock at the start
	bytes  int64 // reserved
	calls  int64 // reserved, of production's service
	at     stamp // in which windows
	kind   Kind
	rule   Rule    // what a rule in report mode said
	flight *flight // where the deadline is enforced; nil elsewhere
}

// At is when it began, as its event will say; 0 of none.
func (op Op) At() int64 { return op.start }

func duration(n int64) time.Duration { return time.Duration(max(n, 0)) }

// touch renews the idle limit.
func (s *Socket) touch(now int64) { s.last.Store(now) }

// expire reclaims the socket when it was idle for too long and nobody swept yet. It reports whether the program uses
// it although production would have reclaimed it: RuleReclaimed only reports.
func (s *Socket) expire(now int64) (late bool) {
	b := s.box
	if b.idle == 0 || now-s.last.Load() <= int64(b.idle) || s.exempt.Load() {
		return false
	}
	if b.idleMode == ModeReport {
		return true
	}
	s.reclaim(now)
	return false
}

// Begin begins an operation of n bytes (0 when that is not known). It returns the program's error when the socket was
// reclaimed or a quota is used up; the operation must not be carried out then.
func (s *Socket) Begin(k Kind, n int) (Op, error) { return s.BeginBatch(k, 1, n) }

// BeginBatch begins an operation of several datagrams at once (sendmmsg, recvmmsg), n bytes together. Each is a call of
// production's service. Of a receive it is not known yet how many there will be.
func (s *Socket) BeginBatch(k Kind, datagrams, n int) (Op, error) {
	b := s.box
	op := Op{start: b.clock.Now(), offset: b.offset.Load(), kind: k}
	if s.expire(op.start + op.offset) {
		op.rule = RuleReclaimed
	}
	if s.taken() {
		return Op{}, s.pipe(op)
	}
	s.touch(op.start + op.offset)
	if last := s.sent.Load(); last != nil && k == KindSend && op.rule == "" {
		op.rule = last.said.rule
	}
	if s.exempt.Load() {
		return op, nil
	}
	over, err := s.charge(&op, int64(datagrams), int64(n))
	if err != nil {
		d := Decision{Verdict: Deny, Rule: over}
		return Op{}, b.deny(s.id, Origin{Request: s.request.Load()}, d, nil, err, b.judge.Reason(d, s.network, ""))
	}
	if op.rule == "" {
		op.rule = over
	}
	s.takeOff(&op)
	return op, nil
}

// charge counts a send with its bytes, or a receive, whose bytes are counted when they are known.
func (s *Socket) charge(op *Op, datagrams, n int64) (Rule, error) {
	q, now := &s.box.quotas, op.start+op.offset
	switch op.kind {
	case KindSend:
		op.bytes, op.calls = n, max(datagrams, sends(n))
		return q.takeAt(&op.at, now, charge{useSend, op.calls}, charge{useBytesSent, op.bytes})
	case KindReceive:
		if q.full(now, useBytesReceived) {
			return q.over(&op.at, now, useBytesReceived, charge{useReceive, 1})
		}
		return q.takeAt(&op.at, now, charge{useReceive, 1})
	}
	return "", nil
}

// pipe records an operation on a socket that the sandbox took, and returns its error.
func (s *Socket) pipe(op Op) error {
	err := s.box.texts.brokenPipe(op.kind)
	rule := Rule("")
	if CloseReason(s.ended.Load()) == ReasonReclaimed {
		rule = RuleReclaimed
	}
	s.box.rec.Record(Event{
		Kind: op.kind, At: op.start, Socket: s.id, Request: s.request.Load(), Rule: rule, Error: err.Error(),
	})
	return err
}

// End says how an operation went: n bytes moved, and err. It returns the error for the program: a broken pipe when
// the sandbox took the socket meanwhile, whatever the operation itself says.
func (s *Socket) End(op Op, n int, err error) error { return s.EndBatch(op, 1, n, err) }

// EndBatch is End of an operation that moved so many datagrams.
func (s *Socket) EndBatch(op Op, datagrams, n int, err error) error {
	if op.start == 0 {
		return err
	}
	b := s.box
	cut := s.land(op)
	end := b.clock.Now()
	now := end + b.offset.Load()
	e := Event{
		Kind: op.kind, At: op.start, Duration: duration(end - op.start), Socket: s.id, Request: s.request.Load(),
		Bytes: int64(max(n, 0)), Rule: op.rule,
	}
	s.settle(op, int64(datagrams), e.Bytes, now)
	if !s.taken() {
		s.touch(now)
	}
	if cut || b.deadline > 0 && b.lasted(op, end) > b.deadline && op.kind != KindAccept && !s.exempt.Load() {
		err = s.late(&e, err)
	}
	if err != nil {
		err = b.texts.system(err)
		err = s.failed(&e, op, err)
	}
	if e.Rule != "" && e.Detail == "" {
		e.Detail = s.why(op, e.Rule)
	}
	if s.news.Load() != nil {
		e.Info = s.news.Swap(nil)
	}
	b.rec.Record(e)
	return err
}

// settle gives back what was reserved and not sent, and counts what came in.
func (s *Socket) settle(op Op, datagrams, n, now int64) {
	q, calls := &s.box.quotas, max(datagrams, sends(n))
	switch {
	case s.exempt.Load():
	case op.kind == KindSend && n < op.bytes:
		q.back(op.at, charge{useSend, op.calls - min(calls, op.calls)}, charge{useBytesSent, op.bytes - n})
	case op.kind == KindSend && n > op.bytes: // the size was not known (a file)
		q.count(now, charge{useSend, calls - min(calls, op.calls)}, charge{useBytesSent, n - op.bytes})
	case op.kind == KindReceive && datagrams > 1:
		q.count(now, charge{useReceive, datagrams - 1}, charge{useBytesReceived, n})
	case op.kind == KindReceive:
		q.count(now, charge{useBytesReceived, n})
	}
}

// late is an operation that took longer than production lets it. What it moved until then the program is told beside
// the error.
func (s *Socket) late(e *Event, err error) error {
	e.Rule = RuleDeadline
	if s.box.lateMode == ModeEnforce {
		return s.box.texts.pastDeadline(e.Kind)
	}
	return err
}

func (s *Socket) failed(e *Event, op Op, err error) error {
	if s.taken() {
		err = s.box.texts.brokenPipe(op.kind)
		if CloseReason(s.ended.Load()) == ReasonReclaimed {
			e.Rule = RuleReclaimed
		}
	} else {
		s.notePeer(err)
	}
	e.Error = err.Error()
	return err
}

func (s *Socket) why(op Op, r Rule) string {
	if last := s.sent.Load(); last != nil && last.said.rule == r && op.kind == KindSend {
		return last.said.why
	}
	return s.box.judge.Reason(Decision{Rule: r}, s.network, "")
}
