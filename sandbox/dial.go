package sandbox

import "net/netip"

// Dial judges a connection before its descriptor is made. network is as the program wrote it, host the name that it
// dialled ("" for an address; the path for a unix socket), local the address it wants to dial from (invalid: any),
// remote one address that is tried. When the call goes through, it returns the open socket and where to connect;
// Socket.Connected tells how that went. Otherwise it returns the error for net.OpError's Err.
func (b *Box) Dial(network, host string, local, remote netip.AddrPort, o Origin) (*Socket, Route, error) {
	if transport(network) == "" {
		return b.dialOther(network, host, remote, o)
	}
	p := b.locate(network, host, remote)
	d := b.judge.entry(network)
	if !d.Denied() && !anyLocal(local) {
		d = d.and(b.judge.decide(RuleBind))
	}
	if !d.Denied() {
		d = d.and(b.judgePlace(network, p))
	}
	charges := dialCharges[:2]
	if local.IsValid() {
		charges = dialCharges
	}
	s, err := b.open(opening{KindConnect, network, p.dialled, p.info(network, local), d, o, charges})
	if err != nil {
		return nil, Route{}, err
	}
	if p.refused {
		return nil, Route{}, s.Connected(Op{}, netip.AddrPort{}, b.texts.refused("connect"))
	}
	s.remember(p)
	return s, p.route(), nil
}

// dialCharges are what a dial counts for; the last one only where it names a local address.
var dialCharges = []charge{{useCreate, 1}, {useConnect, 1}, {useBind, 1}}

// dialOther is a dial in a network that production does not have: a unix socket, raw IP, ...
func (b *Box) dialOther(network, path string, remote netip.AddrPort, o Origin) (*Socket, Route, error) {
	info := &Info{Network: network, Remote: cut(path)}
	if remote.Addr().IsValid() {
		info.Remote = remote.Addr().String()
	}
	s, err := b.open(opening{KindConnect, network, path, info, b.judge.entry(network), o, []charge{{useCreate, 1}, {useConnect, 1}}})
	if err != nil {
		return nil, Route{}, err
	}
	return s, Route{Addr: remote, Prod: remote}, nil
}

// Listen judges a listening socket; path is that of a unix socket.
func (b *Box) Listen(network string, local netip.AddrPort, path string, o Origin) (*Socket, error) {
	info := &Info{Network: network, Local: cut(path)}
	if local.IsValid() {
		info.Local = local.String()
	}
	d := b.judge.entry(network)
	if !d.Denied() {
		d = d.and(b.judge.decide(RuleListen))
	}
	s, err := b.open(opening{KindListen, network, "", info, d, o, []charge{{useCreate, 1}, {useBind, 1}}})
	if err == nil {
		s.exempt.Store(true) // no peer waits for it: what it accepts is the app's own affair
		s.note(KindListen, nil)
	}
	return s, err
}

// ListenPacket judges an unconnected UDP socket.
func (b *Box) ListenPacket(network string, local netip.AddrPort, o Origin) (*Socket, error) {
	info := &Info{Network: network}
	if local.IsValid() && local.Port() != 0 {
		info.Local = local.String()
	}
	d := b.judge.entry(network)
	if !d.Denied() && !anyLocal(local) {
		d = d.and(b.judge.decide(RuleBind))
	}
	s, err := b.open(opening{KindBind, network, "", info, d, o, []charge{{useCreate, 1}, {useBind, 1}}})
	if err == nil {
		s.note(KindBind, nil)
	}
	return s, err
}

// Adopt judges a descriptor that this program did not make (net.FileConn), and tracks it when it may be used.
func (b *Box) Adopt(network string, local, remote netip.AddrPort, o Origin) (*Socket, error) {
	p := b.locate(network, "", remote)
	d := b.judge.entry(network)
	if !d.Denied() {
		d = d.and(b.judge.decide(RuleDescriptor))
	}
	return b.open(opening{KindCreate, network, "", p.info(network, local), d, o, []charge{{useCreate, 1}}})
}

// Socket judges a socket(2) that the program makes by itself, to be bound, connected or listened on later.
func (b *Box) Socket(network string, o Origin) (*Socket, error) {
	s, err := b.open(opening{KindCreate, network, "", &Info{Network: network}, b.judge.entry(network), o, []charge{{useCreate, 1}}})
	if err == nil {
		s.raw = true
	}
	return s, err
}

// anyLocal reports whether a local address leaves the choice to the system.
func anyLocal(a netip.AddrPort) bool {
	return !a.IsValid() || a.Port() == 0 && a.Addr().Unmap().WithZone("").IsUnspecified()
}

// opening is a decided call that makes a socket.
type opening struct {
	kind    Kind // the call that is refused, if it is
	network string
	host    string // as Judge.Reason wants it
	info    *Info
	d       Decision
	o       Origin
	charges []charge
}

// open makes the socket, or records the one denial.
func (b *Box) open(c opening) (*Socket, error) {
	c.info.CallSite = c.o.site()
	var why string
	if c.d.Verdict != Allow {
		why = b.judge.Reason(c.d, c.network, c.host)
	}
	if c.d.Denied() {
		return nil, b.deny(0, c.o, c.d, c.info, b.texts.denied(c.d.Rule, c.kind), why)
	}
	over, err := b.quotas.take(b.now(), c.charges...)
	if over != "" && c.d.Verdict == Allow {
		c.d.Verdict, c.d.Rule = Report, over
		why = b.judge.Reason(c.d, c.network, c.host)
	}
	if err != nil {
		c.d = Decision{Verdict: Deny, Rule: over}
		return nil, b.deny(0, c.o, c.d, c.info, err, b.judge.Reason(c.d, c.network, c.host))
	}
	s := b.track(c.network, c.o.Request, said{c.d.spoken(), why})
	create := Event{Kind: KindCreate, At: s.began.Load(), Socket: s.id, Request: c.o.Request, Info: c.info}
	if c.kind == KindCreate {
		create.Rule, create.Detail = c.d.spoken(), why
	}
	b.rec.Record(create)
	return s, nil
}
