package devserver

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/web"
)

// explainer answers for an address as a worker of the app does: by its policy, and with its stand-ins.
type explainer struct {
	judge    *sandbox.Judge
	policy   *sandbox.Policy
	standins []sandbox.Standin
}

func newExplainer(p *sandbox.Policy, standins []sandbox.Standin) (explainer, error) {
	judge, err := p.Compile()
	return explainer{judge, p, standins}, err
}

// Explain answers without asking a resolver. The name of a stand-in resolves to the address that was given for it; when
// none was, it counts as a public one.
func (e explainer) Explain(network, address string, answers []netip.Addr) web.Explained {
	t, d := e.judge.Text(network, address)
	known := e.host(t)
	if answers == nil && known != nil && known.Address.IsValid() {
		answers = []netip.Addr{known.Address}
	}
	x := web.Explained{Explanation: e.judge.Explain(network, address, answers)}
	if local := e.bare(t); local != nil {
		return e.reached(x, local)
	}
	if answers == nil && known != nil && !d.Denied() {
		x.Explanation = e.unknownAddress(x.Explanation, d, t.Host, address)
	}
	e.served(&x, t, known, answers)
	return x
}

// host returns a stand-in of the name that a target has, whatever its port; nil when there is none.
func (e explainer) host(t sandbox.Target) *sandbox.Standin {
	for i, s := range e.standins {
		if s.Host != "" && !t.Addr.IsValid() && sameHost(s.Host, t.Host) {
			return &e.standins[i]
		}
	}
	return nil
}

func sameHost(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

// bare returns the stand-in by which a local address may be reached as it is.
func (e explainer) bare(t sandbox.Target) *sandbox.Standin {
	addr := t.Addr
	if sameHost(t.Host, "localhost") {
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	for i, s := range e.standins {
		local, err := netip.ParseAddrPort(s.Local)
		if s.Host == "" && err == nil && local == netip.AddrPortFrom(addr.Unmap().WithZone(""), t.Port) {
			return &e.standins[i]
		}
	}
	return nil
}

// reached is a local address that may be reached as it is: what production denies is let through and reported.
func (e explainer) reached(x web.Explained, local *sandbox.Standin) web.Explained {
	if x.Rule == sandbox.RuleBilling || x.Rule == sandbox.RuleNetwork {
		return x
	}
	x.Standin = local.Label
	if x.Verdict == sandbox.Deny {
		x.Verdict, x.Error = sandbox.Report, ""
		x.Here = "It may be reached here, as --standin or devserver.yaml says; production denies it."
	}
	return x
}

// unknownAddress is a name that a stand-in serves and whose own address is not known here: billing, network and port
// are judged, and its address counts as public. d is what the text alone says.
func (e explainer) unknownAddress(x sandbox.Explanation, d sandbox.Decision, host, address string) sandbox.Explanation {
	own := sandbox.Explanation{
		Network: x.Network, Address: x.Address, Verdict: d.Verdict, Rule: d.Rule, Source: e.policy.Rules[d.Rule].Source,
		Reason: e.judge.Reason(d, x.Network, address),
	}
	if d.Verdict != sandbox.Allow {
		own.Advice = d.Rule.Advice()
		return own
	}
	own.Reason = fmt.Sprintf("What %q resolves to in production is not known here; a name with a stand-in counts as a public address.", host)
	return own
}

// served says what serves an address that is let through.
func (e explainer) served(x *web.Explained, t sandbox.Target, known *sandbox.Standin, answers []netip.Addr) {
	if x.Verdict == sandbox.Deny || t.Port == 0 {
		return
	}
	for _, s := range e.standins {
		if s.Host == "" || s.Port != t.Port || !e.means(s, t, answers) {
			continue
		}
		x.Standin = s.Label
		x.Here = "A stand-in serves it: " + s.Label + "."
		return
	}
	if known != nil {
		x.Here = "The name has a stand-in, but not on this port: the connection is refused here and never leaves the machine."
	}
}

// means tells whether a stand-in serves a target: by its name, by its literal address, or by the address that its name
// has.
func (e explainer) means(s sandbox.Standin, t sandbox.Target, answers []netip.Addr) bool {
	if sameHost(s.Host, t.Host) {
		return true
	}
	addr := s.Address
	if literal, err := netip.ParseAddr(s.Host); err == nil {
		addr = literal
	}
	if !addr.IsValid() {
		return false
	}
	for _, a := range append([]netip.Addr{t.Addr}, answers...) {
		if a.IsValid() && a.Unmap().WithZone("") == addr.Unmap() {
			return true
		}
	}
	return false
}
