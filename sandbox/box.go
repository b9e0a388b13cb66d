package sandbox

import (
	"cmp"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what a Box works with.
type Config struct {
	Policy   *Policy   // nil asks no rule
	Standins []Standin // local peers that serve production addresses
	Clock    Clock     // nil is the machine's
	Recorder Recorder  // nil discards the events
	IDs      *IDs      // nil counts in private memory
	Usage    *Usage    // nil counts in private memory
	Capture  Capture   // what of the sockets' bytes is kept
}

// A Box is the socket layer of one process. It is safe for concurrent use.
type Box struct {
	judge    *Judge
	standins *standins
	clock    Clock
	rec      Recorder
	ids      *IDs
	quotas   quotas
	names    names
	offset   atomic.Int64  // how far the sandbox's clock is ahead of the machine's
	idle     time.Duration // 0 never reclaims
	idleMode Mode
	deadline time.Duration // 0 none
	lateMode Mode
	moved    chan struct{} // of one; see Moved
	cuts     bool          // the deadline ends operations
	options  string        // how socket options are answered
	texts    texts
	capture  Capture
	secrets  *secrets // nil masks nothing

	mu      sync.Mutex
	sockets map[uint64]*Socket // guarded by mu; the open ones
}

// New makes a Box. It checks the policy, the stand-ins and the shared memory.
func New(c Config) (*Box, error) {
	if c.Policy == nil {
		c.Policy = new(Policy)
	}
	if c.Clock == nil {
		c.Clock = machineClock{}
	}
	if c.Recorder == nil {
		c.Recorder = discard{}
	}
	if c.IDs == nil {
		c.IDs = NewIDs(nil)
	}
	if c.Usage == nil {
		c.Usage = NewUsage(nil)
	}
	judge, err := c.Policy.Compile()
	if err != nil {
		return nil, errors.Join(errors.New("policy"), err)
	}
	s, err := newStandins(c.Standins)
	if err = errors.Join(err, c.IDs.Err(), c.Usage.Err()); err != nil {
		return nil, err
	}
	b := &Box{
		judge: judge, standins: s, clock: c.Clock, rec: c.Recorder, ids: c.IDs,
		quotas: newQuotas(c.Policy, c.Usage), sockets: make(map[uint64]*Socket), moved: make(chan struct{}, 1),
		idleMode: c.Policy.Mode(RuleReclaimed), lateMode: c.Policy.Mode(RuleDeadline),
		options: cmp.Or(c.Policy.Options, OptionsReal), texts: texts{classic: c.Policy.Errors == ErrorsClassic},
		capture: c.Capture, secrets: newSecrets(c.Capture.Redact),
	}
	if b.idleMode != ModeOff {
		b.idle = c.Policy.Reclaim
	}
	if b.lateMode != ModeOff {
		b.deadline = c.Policy.Deadline
		b.cuts = b.lateMode == ModeEnforce && b.deadline > 0
	}
	return b, nil
}

type discard struct{}

func (discard) Record(Event) {}

// Judge returns the rules that the Box asks.
func (b *Box) Judge() *Judge { return b.judge }

// now is the sandbox's time.
func (b *Box) now() int64 { return b.clock.Now() + b.offset.Load() }

// An Origin says what led to a call.
type Origin struct {
	Request  uint64        // 0: no request did
	CallSite func() string // the user's line; called at most once, and only when a socket is made or denied; may be nil
}

func (o Origin) site() string {
	if o.CallSite == nil {
		return ""
	}
	return o.CallSite()
}

// deny records the denial of a call, as a socket of its own when there is none yet, and returns the program's error.
func (b *Box) deny(id uint64, o Origin, d Decision, info *Info, err error, why string) error {
	if id == 0 {
		id = b.ids.NextSocket()
	}
	b.rec.Record(Event{
		Kind: KindDeny, At: b.clock.Now(), Socket: id, Request: o.Request,
		Rule: d.Rule, Error: err.Error(), Detail: why, Info: info,
	})
	return err
}

// Text judges an address as the program wrote it, before DNS. It returns the program's error when the call is denied.
func (b *Box) Text(network, address string, o Origin) error {
	t, d := b.judge.text(network, address)
	if d.Verdict == Allow || b.bare(t) && d.Rule != RuleBilling && d.Rule != RuleNetwork {
		return nil
	}
	info := &Info{Network: network, Host: t.Host, Remote: cut(address)}
	if t.Addr.IsValid() || t.flaw != "" || transport(network) == "" {
		info.Host = ""
	}
	why := b.judge.Reason(d, network, address)
	if d.Denied() {
		info.CallSite = o.site()
		return b.deny(0, o, d, info, b.texts.denied(d.Rule, KindConnect), why)
	}
	// Nobody sees the text again; all other rules are asked once more when the address is known.
	if d.Rule == RuleInvalid {
		b.rec.Record(Event{Kind: KindResolve, At: b.clock.Now(), Request: o.Request, Rule: d.Rule, Detail: why})
	}
	return nil
}

// bare reports whether a text names a local address that may be reached as it is.
func (b *Box) bare(t text) bool {
	addr := t.Addr
	if foldHost(t.Host) == "localhost" {
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	_, ok := b.standins.bare[netip.AddrPortFrom(plain(addr), t.Port)]
	return ok && t.flaw == ""
}

// cut shortens what a program gave to what a recording should hold.
func cut(s string) string {
	const most = 512
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
