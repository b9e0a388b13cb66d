package sandbox

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// A Judge is a compiled policy: it answers by which rule a call is allowed or denied. It has no state and is safe
// for concurrent use.
type Judge struct {
	billing    bool
	modes      map[Rule]Mode // without those that are off
	settings   map[Rule]RuleSetting
	google     spans
	gce        spans
	exceptions []Exception
	policy     *Policy
}

// Compile checks the policy and prepares its tables. Later changes of the policy do not reach the Judge.
func (p *Policy) Compile() (*Judge, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	own := *p
	own.Rules, own.Quotas = maps.Clone(p.Rules), maps.Clone(p.Quotas)
	own.Exceptions = slices.Clone(p.Exceptions)
	j := &Judge{
		billing: p.Billing, modes: make(map[Rule]Mode, len(p.Rules)), settings: own.Rules,
		google: newSpans(p.Google), gce: newSpans(p.GCE), exceptions: own.Exceptions, policy: &own,
	}
	for i, x := range j.exceptions {
		j.exceptions[i].Host, j.exceptions[i].Addr = foldHost(x.Host), x.Addr.Unmap()
	}
	for r, s := range own.Rules {
		if s.Mode == ModeEnforce || s.Mode == ModeReport {
			j.modes[r] = s.Mode
		}
	}
	return j, nil
}

// foldHost gives the spellings of one DNS name one form.
func foldHost(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// ask lets rule r speak: it denies, or notes a report unless an earlier rule did, or is off. It returns whether
// the call is denied.
func (j *Judge) ask(d *Decision, r Rule) bool {
	switch mode := j.modes[r]; {
	case mode == ModeEnforce:
		d.Verdict, d.Rule = Deny, r
	case mode == ModeReport && d.Verdict == Allow:
		d.Verdict, d.Rule = Report, r
	}
	return d.Verdict == Deny
}

// decide asks a rule that fits.
func (j *Judge) decide(r Rule) Decision {
	d := Decision{Verdict: Allow, Rule: RulePublic}
	j.ask(&d, r)
	return d
}

// entry asks what comes before everything else: billing and network.
func (j *Judge) entry(network string) Decision {
	d := Decision{Verdict: Allow, Rule: RulePublic}
	if !j.billing && j.ask(&d, RuleBilling) {
		return d
	}
	if transport(network) == "" {
		j.ask(&d, RuleNetwork)
	}
	return d
}

// Text judges what can be judged before DNS, from the text as the program wrote it: billing, network, invalid,
// port25, ftp, and the empty host, which is the local system. An allowed text is still to be judged by Addr.
func (j *Judge) Text(network, address string) (Target, Decision) {
	t, d := j.text(network, address)
	return t.Target, d
}

func (j *Judge) text(network, address string) (text, Decision) {
	d := j.entry(network)
	if d.Denied() || transport(network) == "" {
		return text{Target: Target{Host: address}}, d
	}
	t := readText(network, address)
	if t.Addr.IsValid() {
		d.Addr = netip.AddrPortFrom(t.Addr.Unmap().WithZone(""), t.Port)
	}
	blocked := t.odd && (t.Port == 25 || t.Port == 21)
	switch {
	case t.flaw != "" && !blocked && j.ask(&d, RuleInvalid),
		t.Port == 25 && j.ask(&d, RulePort25),
		t.Port == 21 && j.ask(&d, RuleFTP),
		blocked && j.ask(&d, RuleInvalid):
	case t.Host == "" && t.flaw == "":
		d.Addr = netip.AddrPortFrom(netip.IPv4Unspecified(), t.Port)
		j.ask(&d, RuleUnspecified)
	}
	return t, d
}

// Addr judges the address that would be reached. host is the name that was dialled, "" for a literal; resolved says
// that this process looked it up to that address, without which no exception by name holds.
func (j *Judge) Addr(network, host string, addr netip.AddrPort, resolved bool) Decision {
	zone := addr.Addr().Zone() != ""
	a := addr.Addr().Unmap().WithZone("")
	d := j.entry(network)
	d.Addr = netip.AddrPortFrom(a, addr.Port())
	if d.Denied() || transport(network) == "" {
		return d
	}
	flaw := !a.IsValid() || addr.Port() == 0
	if flaw && j.ask(&d, RuleInvalid) || j.port(&d, addr.Port()) || !a.IsValid() {
		return d
	}
	listed := !zone && (resolved && j.excepted(network, host, d.Addr) || j.excepted(network, "", d.Addr))
	if r := j.class(a, listed); r != "" && j.ask(&d, r) {
		return d
	}
	// A zone means nothing off the link, so it is no address of the internet.
	if zone && j.ask(&d, RuleInvalid) {
		return d
	}
	if d.Verdict == Allow {
		d.Rule = j.allowedBy(a, listed)
	}
	return d
}

// port asks the rules about ports.
func (j *Judge) port(d *Decision, port uint16) bool {
	return port == 25 && j.ask(d, RulePort25) || port == 21 && j.ask(d, RuleFTP)
}

// class returns the rule that speaks about an address because of its range, "" when none does. listed lifts
// RuleGoogle and no other.
func (j *Judge) class(a netip.Addr, listed bool) Rule {
	if inner, ok := inISATAP(a); ok && special(a) == "" && (special(inner) != "" || j.google.contains(inner)) {
		return RuleEmbedded
	}
	a = throughNAT64(a)
	if r := special(a); r != "" {
		return r
	}
	if !listed && j.google.contains(a) {
		return RuleGoogle
	}
	return ""
}

func (j *Judge) allowedBy(a netip.Addr, listed bool) Rule {
	a = throughNAT64(a)
	switch {
	case listed && j.google.contains(a):
		return RuleWhitelist
	case j.gce.contains(a):
		return RuleGCE
	}
	return RulePublic
}

// excepted reports whether an exception names the endpoint, by host when one is given, by address otherwise.
func (j *Judge) excepted(network, host string, addr netip.AddrPort) bool {
	name := foldHost(host)
	for _, x := range j.exceptions {
		byName := name != "" && x.Host == name
		byAddr := name == "" && x.Addr.IsValid() && x.Addr == addr.Addr()
		if (byName || byAddr) && (x.Network == "" || x.Network == transport(network)) && slices.Contains(x.Ports, addr.Port()) {
			return true
		}
	}
	return false
}
