package devserver

import (
	"net/netip"
	"syscall"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// rehearse breaks rule r, by the example where there is one, in a sandbox of its own, and returns what a program is
// told then in the policy's error texts, and the sentence that is recorded of the denial. No socket is made: a sandbox
// only decides.
func rehearse(p *sandbox.Policy, r Rule, x Example) (told, why string) {
	own := only(p, r)
	if r == sandbox.RuleQuota {
		own.Quotas = map[sandbox.Resource]sandbox.Limit{sandbox.ResourceConnect: {}}
	}
	own.Reclaim, own.Deadline = max(own.Reclaim, time.Second), max(own.Deadline, time.Second) // of a profile without them
	stage := &stage{policy: own}
	var err error
	if stage.box, err = sandbox.New(sandbox.Config{Policy: own, Clock: stage, Recorder: stage}); err != nil {
		return "", ""
	}
	if err := stage.play(r, x); err != nil {
		told = err.Error()
	}
	return told, stage.why
}

// stage is where a rule is broken. It is its own clock, which stands still until it is moved.
type stage struct {
	policy *sandbox.Policy
	box    *sandbox.Box
	now    int64
	why    string // of the last denial
}

// Record hears of the denial.
func (s *stage) Record(e sandbox.Event) {
	if e.Kind == sandbox.KindDeny {
		s.why = e.Detail
	}
}

func (s *stage) Now() int64 { return int64(time.Hour) + s.now }

// aPeer is an address that nothing speaks against, aLocal one that no app may choose.
var (
	aPeer  = netip.MustParseAddrPort("93.184.216.34:443")
	aLocal = netip.MustParseAddrPort("0.0.0.0:9090")
)

// play makes the call that r refuses and returns its error.
func (s *stage) play(r Rule, x Example) (err error) {
	switch r {
	case sandbox.RuleListen:
		_, err = s.box.Listen("tcp", aLocal, "", sandbox.Origin{})
	case sandbox.RuleBind:
		_, err = s.box.ListenPacket("udp", aLocal, sandbox.Origin{})
	case sandbox.RuleDescriptor:
		_, err = s.box.Adopt("tcp", netip.AddrPort{}, aPeer, sandbox.Origin{})
	case sandbox.RuleOption:
		return s.broadcast()
	case sandbox.RuleQuota:
		_, _, err = s.box.Dial("tcp", "", netip.AddrPort{}, aPeer, sandbox.Origin{})
	case sandbox.RuleReclaimed, sandbox.RuleDeadline:
		return s.receive(r)
	default:
		return s.dial(x)
	}
	return err
}

// broadcast sets an option that production does not have.
func (s *stage) broadcast() error {
	sock, err := s.box.ListenPacket("udp", netip.AddrPort{}, sandbox.Origin{})
	if err != nil {
		return err
	}
	_, err = sock.BeginOption(true, syscall.SOL_SOCKET, syscall.SO_BROADCAST, []byte{1, 0, 0, 0})
	return err
}

// receive reads from a connection too late, or for too long.
func (s *stage) receive(r Rule) error {
	sock, _, err := s.box.Dial("tcp", "", netip.AddrPort{}, aPeer, sandbox.Origin{})
	if err != nil {
		return err
	}
	if r == sandbox.RuleReclaimed {
		s.now += int64(s.policy.Reclaim) + 1
	}
	op, err := sock.Begin(sandbox.KindReceive, 1)
	if err != nil {
		return err
	}
	s.now += int64(s.policy.Deadline) + 1
	return sock.End(op, 0, nil)
}

// dial does what package net does with an address: the text is judged, then what it leads to.
func (s *stage) dial(x Example) error {
	if err := s.box.Text(x.Network, x.Address, sandbox.Origin{}); err != nil {
		return err
	}
	remote, err := netip.ParseAddrPort(x.Address)
	if err != nil {
		remote = aPeer
	}
	_, _, err = s.box.Dial(x.Network, x.Address, netip.AddrPort{}, remote, sandbox.Origin{})
	return err
}
