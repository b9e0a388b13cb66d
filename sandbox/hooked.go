package sandbox

import "net/netip"

// Opened says where a socket that nothing dialled is bound, once the system has said so.
func (s *Socket) Opened(local netip.AddrPort) {
	if local.IsValid() {
		s.tell(&Info{Local: local.String()})
	}
}

// Dup judges a duplicate of the socket's descriptor that leaves the sandbox's sight (File of package net).
func (s *Socket) Dup() error {
	said, err := s.judged(KindCreate, s.box.judge.decide(RuleDescriptor), "", nil)
	if err == nil && said.rule != "" {
		s.record(Event{Kind: KindCreate, Rule: said.rule, Detail: said.why})
	}
	return err
}

// Reclaimed reports whether the sandbox, not the program, ended the socket: a reclaim, or a close by hand.
func (s *Socket) Reclaimed() bool { return s.taken() }

// Accepted tracks a connection that a listener of the program's own has accepted. Its peer came by itself, so it is
// exempt from reclaim, quotas and deadline, as its listener is.
func (s *Socket) Accepted(local, remote netip.AddrPort, o Origin) *Socket {
	c := s.box.track(s.network, o.Request, said{})
	c.exempt.Store(true)
	info := &Info{Network: s.network, CallSite: o.site()}
	if local.IsValid() {
		info.Local = local.String()
	}
	if remote.IsValid() {
		info.Remote = remote.String()
	}
	c.note(KindCreate, info)
	return c
}

// Cancel takes back an operation that began and did not happen: it counts for nothing, and leaves an event only when
// production would have reclaimed the socket before, which nobody would hear of otherwise.
func (s *Socket) Cancel(op Op) {
	s.land(op)
	if op.start == 0 || s.exempt.Load() {
		return
	}
	if op.rule == RuleReclaimed {
		s.box.rec.Record(Event{
			Kind: op.kind, At: op.start, Socket: s.id, Request: s.request.Load(), Rule: op.rule, Detail: s.why(op, op.rule),
		})
	}
	q, at := &s.box.quotas, op.at
	switch op.kind {
	case KindSend:
		q.back(at, charge{useSend, op.calls}, charge{useBytesSent, op.bytes})
	case KindReceive:
		q.back(at, charge{useReceive, 1})
	}
}
