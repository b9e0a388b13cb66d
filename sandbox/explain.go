package sandbox

import (
	"maps"
	"net/netip"
	"syscall"
)

// An Explanation says what production does with an address, by which rule and from which source.
type Explanation struct {
	Network string  `json:"network"`
	Address string  `json:"address"`
	Verdict Verdict `json:"verdict"`
	Rule    Rule    `json:"rule"`
	Error   string  `json:"error"` // what the program would be told; "" when the call goes through
	Reason  string  `json:"reason"`
	Source  string  `json:"source"`
	Advice  string  `json:"advice,omitempty"` // "" when the call is allowed
	Also    []Rule  `json:"also,omitempty"`   // further rules that speak against the call
}

// Explain answers for an address without looking anything up. answers are what the resolver says about a name: nil
// when it was not asked. A name without an answer is denied as unresolved. Denied answers are left out of several,
// as a dial tries one after the other.
func (j *Judge) Explain(network, address string, answers []netip.Addr) Explanation {
	d, host := j.explain(network, address, answers)
	e := Explanation{
		Network: network, Address: address, Verdict: d.Verdict, Rule: d.Rule,
		Source: j.settings[d.Rule].Source, Reason: j.Reason(d, network, host),
	}
	if d.Verdict == Allow {
		return e
	}
	e.Advice, e.Also = d.Rule.Advice(), j.also(d, network, address, answers)
	if d.Rule == RuleUnresolved && answers == nil {
		e.Reason = "The address decides, and what " + quote(host) + " resolves to was not asked."
		e.Advice = "Explain one of its addresses, or give them with the name as explain --batch reads them."
	}
	if d.Denied() {
		e.Error = errorText(d.Rule)
	}
	return e
}

// explain returns the decision, and what Reason wants to know as host.
func (j *Judge) explain(network, address string, answers []netip.Addr) (Decision, string) {
	t, d := j.Text(network, address)
	switch {
	case d.Denied() || transport(network) == "":
		return d, address
	case t.Addr.IsValid():
		return d.and(j.Addr(network, "", netip.AddrPortFrom(t.Addr, t.Port), false)), address
	case d.Verdict == Report && (d.Rule == RuleInvalid || d.Rule == RuleUnspecified) || t.Host == "" || t.Port == 0:
		return d, address
	}
	first := j.decide(RuleUnresolved)
	for _, a := range answers {
		if !a.IsValid() || !fits(network, a) {
			continue
		}
		e := j.Addr(network, t.Host, netip.AddrPortFrom(a, t.Port), true)
		if !e.Denied() {
			return d.and(e), t.Host
		}
		if first.Rule == RuleUnresolved || first.Verdict == Allow {
			first = e
		}
	}
	return d.and(first), t.Host
}

// also returns the rules that would speak if those before them did not.
func (j *Judge) also(d Decision, network, address string, answers []netip.Addr) (rules []Rule) {
	k := *j
	k.modes = maps.Clone(j.modes)
	for d.Verdict != Allow && d.Rule != RuleUnresolved {
		delete(k.modes, d.Rule)
		if d, _ = k.explain(network, address, answers); d.Verdict != Allow && d.Rule != RuleUnresolved {
			rules = append(rules, d.Rule)
		}
	}
	return rules
}

func errorText(r Rule) string {
	switch r {
	case RuleBilling:
		return billingText
	case RuleUnresolved:
		return "no such host"
	}
	return syscall.EACCES.Error()
}
