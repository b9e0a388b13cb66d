package sandbox

import (
	"net/netip"
	"slices"
)

// place is where a dial leads: the production address with its name, and what serves it here.
type place struct {
	host     string // the name, "" when none is known
	dialled  string // the name that the program dialled, "" for an address
	remote   netip.AddrPort
	peer     *peer  // the stand-in
	bare     string // the label of a local address that may be reached as it is
	refused  bool   // a stand-in's name, but a port that no stand-in serves
	resolved bool   // this process looked host up to the address
}

// locate finds the name that leads to remote and what serves it. host is "" when the program dialled an address.
func (b *Box) locate(network, host string, remote netip.AddrPort) place {
	if _, err := netip.ParseAddr(host); err == nil {
		host = ""
	}
	a := plain(remote.Addr())
	p := place{host: host, dialled: host, remote: remote}
	hosts := []string{foldHost(host)}
	if host == "" {
		if hosts = b.names.of(a); b.standins.hosts[a] != "" {
			hosts = append(hosts, b.standins.hosts[a])
		}
	}
	b.findPeer(&p, hosts, netip.AddrPortFrom(a, remote.Port()))
	if p.host == "" && len(hosts) > 0 {
		p.host = b.bestHost(network, hosts, netip.AddrPortFrom(a, remote.Port()))
	}
	p.resolved = p.host != "" && b.names.led(p.host, a)
	return p
}

// bestHost returns that of the names leading to remote by which the most is let through, the first of equals: an
// exception may hold for one of them.
func (b *Box) bestHost(network string, hosts []string, remote netip.AddrPort) string {
	best, least := hosts[0], 3
	for _, h := range hosts {
		if len(hosts) == 1 {
			break
		}
		d := b.judge.Addr(network, h, remote, b.names.led(h, remote.Addr()))
		if weight := slices.Index([]Verdict{Allow, Report, Deny}, d.Verdict); weight < least {
			best, least = h, weight
		}
	}
	return best
}

func (b *Box) findPeer(p *place, hosts []string, remote netip.AddrPort) {
	for _, h := range hosts {
		if peer := b.standins.byName[endpoint{h, remote.Port()}]; peer != nil {
			p.peer = peer
			if p.host == "" {
				p.host = h
			}
			return
		}
	}
	if p.peer = b.standins.byAddr[remote]; p.peer != nil {
		return
	}
	if p.bare = b.standins.bare[remote]; p.bare != "" {
		return
	}
	for _, h := range hosts {
		p.refused = p.refused || b.standins.addrs[h] != nil
	}
}

// route returns where the place really is.
func (p place) route() Route {
	r := Route{Addr: p.remote, Prod: p.remote, Standin: p.bare != "" || p.peer != nil}
	if p.peer != nil {
		r.Addr = p.peer.local
	}
	return r
}

// info returns what a recording says of the place.
func (p place) info(network string, local netip.AddrPort) *Info {
	info := &Info{Network: network, Host: p.host, Standin: p.bare}
	if p.remote.IsValid() {
		info.Remote = p.remote.String()
	}
	if local.IsValid() && local.Port() != 0 {
		info.Local = local.String()
	}
	if p.peer != nil {
		info.Standin = p.peer.label
	}
	return info
}

// judgePlace asks the rules about the production address.
func (b *Box) judgePlace(network string, p place) Decision {
	if b.standins.isLent(plain(p.remote.Addr())) {
		return b.judge.lent(network, p)
	}
	d := b.judge.Addr(network, p.host, p.remote, p.resolved)
	if p.bare != "" && d.Denied() && d.Rule != RuleBilling && d.Rule != RuleNetwork {
		d.Verdict = Report
	}
	return d
}

// lent judges an address that stands for a name: public by table, so only its port can be wrong.
func (j *Judge) lent(network string, p place) Decision {
	d := j.entry(network)
	if !d.Denied() {
		to := destination{network: network, addr: netip.AddrPortFrom(netip.Addr{}, p.remote.Port())}
		if p.resolved {
			to.host = p.host
		}
		if !j.port(&d, &to) {
			j.settle(&d, &to)
		}
	}
	d.Addr = p.remote
	return d
}
