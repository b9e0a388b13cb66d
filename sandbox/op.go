package sandbox

import "time"

// An Op is an operation that has begun. Its zero value is none.
type Op struct {
	start  int64 // by the machine's clock
	offset int64 // of the sandbox's clock at the start
	bytes  int64 // reserved
	kind   Kind
	rule   Rule // what a rule in report mode said
}

func duration(n int64) time.Duration { return time.Duration(max(n, 0)) }

// touch renews the idle limit.
func (s *Socket) touch(now int64) { s.last.Store(now) }

// Begin begins an operation of n bytes (0 when that is not known). It returns the program's error when the socket was
// reclaimed or a quota is used up; the operation must not be carried out then.
func (s *Socket) Begin(k Kind, n int) (Op, error) {
	b := s.box
	op := Op{start: b.clock.Now(), offset: b.offset.Load(), kind: k}
	now := op.start + op.offset
	if b.idle > 0 && now-s.last.Load() > int64(b.idle) && !s.exempt.Load() {
		if b.idleMode == ModeReport {
			op.rule = RuleReclaimed
		} else {
			s.reclaim(now)
		}
	}
	if s.taken() {
		return Op{}, s.pipe(op)
	}
	s.touch(now)
	if last := s.sent.Load(); last != nil && k == KindSend && op.rule == "" {
		op.rule = last.said.rule
	}
	if s.exempt.Load() {
		return op, nil
	}
	over, err := s.charge(&op, n)
	if err != nil {
		return Op{}, b.deny(s.id, Origin{Request: s.request.Load()}, Decision{Verdict: Deny, Rule: over}, nil, err,
			b.judge.Reason(Decision{Rule: over}, s.network, ""))
	}
	if op.rule == "" {
		op.rule = over
	}
	return op, nil
}

// charge counts a send or a receive. Its bytes are reserved together with the call when they are known.
func (s *Socket) charge(op *Op, n int) (Rule, error) {
	q, now := &s.box.quotas, op.start+op.offset
	switch op.kind {
	case KindSend:
		op.bytes = int64(n)
		return q.take2(now, charge{useSend, sends(n)}, charge{useBytesSent, op.bytes})
	case KindReceive:
		return q.take2(now, charge{useReceive, 1}, charge{useBytesReceived, 0})
	}
	return "", nil
}

// pipe records an operation on a socket that the sandbox took, and returns its error.
func (s *Socket) pipe(op Op) error {
	err := brokenPipe(op.kind)
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
func (s *Socket) End(op Op, n int, err error) error {
	if op.start == 0 {
		return err
	}
	b := s.box
	end := b.clock.Now()
	now := end + b.offset.Load()
	e := Event{
		Kind: op.kind, At: op.start, Duration: duration(end - op.start), Socket: s.id, Request: s.request.Load(),
		Bytes: int64(max(n, 0)), Rule: op.rule,
	}
	s.settle(op, e.Bytes, now)
	if !s.taken() {
		s.touch(now)
	}
	if b.deadline > 0 && now-op.start-op.offset > int64(b.deadline) && op.kind != KindAccept && !s.exempt.Load() {
		err = s.late(&e, err)
	}
	if err != nil {
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
func (s *Socket) settle(op Op, n, now int64) {
	q := &s.box.quotas
	switch {
	case s.exempt.Load():
	case op.kind == KindSend && n < op.bytes:
		q.back2(op.start+op.offset, charge{useBytesSent, op.bytes - n}, charge{useSend, sends(int(op.bytes)) - sends(int(n))})
	case op.kind == KindSend && n > op.bytes:
		q.count2(now, charge{useBytesSent, n - op.bytes}, charge{useSend, sends(int(n)) - sends(int(op.bytes))})
	case op.kind == KindReceive && n > 0:
		q.count2(now, charge{useBytesReceived, n}, charge{useReceive, 0})
	}
}

// late is an operation that took longer than production lets it.
func (s *Socket) late(e *Event, err error) error {
	e.Rule = RuleDeadline
	if s.box.lateMode == ModeEnforce {
		return pastDeadline(calls[e.Kind].method)
	}
	return err
}

func (s *Socket) failed(e *Event, op Op, err error) error {
	if s.taken() {
		err = brokenPipe(op.kind)
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
