package sandbox

import (
	"errors"
	"maps"
	"net/netip"
	"os"
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
	Also    []Rule  `json:"also,omitempty"`   // further rules that would speak against the call if those before them did not
	Title   string  `json:"title,omitempty"`  // of the rule, a short noun phrase
	Mode    Mode    `json:"mode,omitempty"`   // of the rule in the profile; "" of those that allow
}

// mode is a rule's mode as the policy sets it, "" of the rules that allow.
func (j *Judge) mode(r Rule) Mode {
	if r.Allows() {
		return ""
	}
	return j.policy.Mode(r)
}

// Explain answers for an address without looking anything up. answers are what the resolver says about a name: nil
// when it was not asked. A name without an answer is denied as unresolved. Denied answers are left out of several,
// as a dial tries one after the other.
func (j *Judge) Explain(network, address string, answers []netip.Addr) Explanation {
	d, host := j.explain(network, address, answers)
	e := Explanation{
		Network: network, Address: address, Verdict: d.Verdict, Rule: d.Rule,
		Source: j.settings[d.Rule].Source, Reason: j.Reason(d, network, host), Title: d.Rule.Title(), Mode: j.mode(d.Rule),
	}
	if d.Verdict == Allow && d.by != nil && d.by.source != "" {
		e.Source = d.by.source
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
		e.Error = j.errorText(d.Rule)
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

// also returns the rules that would speak if those before them did not. What a name resolves to counts when it is
// known.
func (j *Judge) also(d Decision, network, address string, answers []netip.Addr) (rules []Rule) {
	k := *j
	k.modes = maps.Clone(j.modes)
	for d.Verdict != Allow {
		delete(k.modes, d.Rule)
		if d, _ = k.explain(network, address, answers); d.Verdict != Allow && (d.Rule != RuleUnresolved || answers != nil) {
			rules = append(rules, d.Rule)
		}
	}
	return rules
}

// errorText is what a program is told when the rule denies its call, without the name of the system call.
func (j *Judge) errorText(r Rule) string {
	t := texts{j.policy.Errors == ErrorsClassic}
	var err error
	switch r {
	case RuleUnresolved:
		if text := t.name(); text != "" {
			return text
		}
		return "no such host"
	case RuleQuota:
		err = t.overQuota(calls[KindConnect].method)
	case RuleReclaimed:
		err = t.brokenPipe(KindSend)
	case RuleDeadline:
		err = t.pastDeadline(KindReceive)
	case RuleOption:
		err = t.option(true)
	default:
		err = t.denied(r, KindConnect)
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Err.Error()
	}
	return err.Error()
}
