package sandbox

import (
	"errors"
	"net/netip"
	"syscall"
)

// Bind judges a bind(2) on a socket of the program's own making.
func (s *Socket) Bind(local netip.AddrPort) error {
	d := Decision{Verdict: Allow, Rule: RulePublic}
	if !anyLocal(local) {
		d = s.box.judge.decide(RuleBind)
	}
	info := &Info{}
	if local.IsValid() {
		info.Local = local.String()
	}
	said, err := s.judged(KindBind, d, "", info, charge{useBind, 1})
	if err == nil {
		s.record(Event{Kind: KindBind, Rule: said.rule, Detail: said.why, Info: info})
	}
	return err
}

// Listening judges a listen(2) on a socket of the program's own making.
func (s *Socket) Listening() error {
	said, err := s.judged(KindListen, s.box.judge.decide(RuleListen), "", nil)
	if err == nil {
		s.exempt.Store(true)
		s.record(Event{Kind: KindListen, Rule: said.rule, Detail: said.why})
	}
	return err
}

// Connect judges a connect(2) on a socket of the program's own making. Connected tells how it went.
func (s *Socket) Connect(host string, remote netip.AddrPort) (Route, error) {
	p := s.box.locate(s.network, host, remote)
	info := p.info(s.network, netip.AddrPort{})
	said, err := s.judged(KindConnect, s.box.judgePlace(s.network, p), p.dialled, info, charge{useConnect, 1})
	if err != nil {
		return Route{}, err
	}
	s.opened.Store(&said)
	s.began.Store(s.box.clock.Now())
	s.tell(info)
	if p.refused {
		return Route{}, s.Connected(Op{}, netip.AddrPort{}, s.box.texts.refused("connect"))
	}
	s.remember(p)
	return p.route(), nil
}

// Connecting begins to watch a connect that Dial let through, where the deadline is enforced. Connected ends the watch.
func (s *Socket) Connecting() Op {
	op := Op{start: s.began.Load(), offset: s.box.offset.Load(), kind: KindConnect}
	s.takeOff(&op)
	return op
}

// judged carries out a decision about a call on a socket that exists: it records a denial, and counts the call.
func (s *Socket) judged(k Kind, d Decision, host string, info *Info, charges ...charge) (said, error) {
	b := s.box
	now := b.now()
	late := s.expire(now)
	if s.taken() {
		return said{}, s.pipe(Op{start: b.clock.Now(), kind: k})
	}
	if k != KindSend { // the operation itself follows
		s.touch(now)
	}
	o := Origin{Request: s.request.Load()}
	if d.Denied() {
		return said{}, b.deny(s.id, o, d, info, b.texts.denied(d.Rule, k), b.judge.Reason(d, s.network, host))
	}
	if late && k != KindSend {
		d = d.and(Decision{Verdict: Report, Rule: RuleReclaimed})
	}
	over, err := b.quotas.take(now, charges...)
	if over != "" {
		d = d.and(Decision{Verdict: Report, Rule: over})
	}
	if err != nil {
		d = Decision{Verdict: Deny, Rule: over}
		return said{}, b.deny(s.id, o, d, info, err, b.judge.Reason(d, s.network, host))
	}
	if d.Verdict == Allow {
		return said{}, nil
	}
	return said{d.Rule, b.judge.Reason(d, s.network, host)}, nil
}

// Connected says how the connect went that Dial or Connect let through, and from which local address. The zero Op
// says that it began there and then. It returns the error for the program.
func (s *Socket) Connected(op Op, local netip.AddrPort, err error) error {
	b := s.box
	cut := s.land(op)
	now := b.clock.Now()
	s.touch(now + b.offset.Load())
	pending := errors.Is(err, syscall.EINPROGRESS) || errors.Is(err, syscall.EALREADY) || errors.Is(err, syscall.EINTR)
	if err != nil && !pending && s.taken() {
		err = b.texts.brokenPipe(KindConnect)
	}
	if cut && err != nil {
		err = b.texts.pastDeadline(KindConnect)
	}
	if !pending {
		err = b.texts.system(err)
	}
	info := s.news.Swap(nil)
	if local.IsValid() {
		if info == nil {
			info = new(Info)
		}
		info.Local = local.String()
	}
	opened := s.opened.Load()
	if op.start == 0 {
		op.start = s.began.Load()
	}
	e := Event{
		Kind: KindConnect, At: op.start, Duration: duration(now - op.start), Socket: s.id, Request: s.request.Load(),
		Rule: opened.rule, Detail: opened.why, Info: info,
	}
	if err != nil && !pending {
		e.Error = err.Error()
	}
	if cut {
		e.Rule, e.Detail = RuleDeadline, b.judge.Reason(Decision{Rule: RuleDeadline}, s.network, "")
	}
	if err != nil && !pending && !s.raw {
		s.end(ReasonApp) // failed: nothing more is said of it
	}
	b.rec.Record(e)
	return err
}
