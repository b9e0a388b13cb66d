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
	exceptions []exception // the first that fits decides
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
		google: newSpans(p.Google), gce: newSpans(p.GCE), policy: &own,
	}
	for _, x := range own.Exceptions {
		j.exceptions = append(j.exceptions, newException(x))
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
// port25, ftp, and the empty host, which is the local system. An allowed text is still to be judged by Addr, which
// alone knows whether an exception to port25 or ftp holds.
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
		t.Port == 25 && !j.mayLift(RulePort25, network, t) && j.ask(&d, RulePort25),
		t.Port == 21 && !j.mayLift(RuleFTP, network, t) && j.ask(&d, RuleFTP),
		blocked && j.ask(&d, RuleInvalid):
	case t.Host == "" && t.flaw == "":
		d.Addr = netip.AddrPortFrom(localSystem(network), t.Port)
		to := destination{network: network, addr: d.Addr}
		j.weigh(&d, RuleUnspecified, &to)
		j.settle(&d, &to)
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
	to := destination{network: network, addr: d.Addr, zone: zone}
	if resolved {
		to.host = host
	}
	if flaw && j.ask(&d, RuleInvalid) || j.port(&d, &to) || !a.IsValid() || j.ranges(&d, &to) {
		return d
	}
	// A zone means nothing off the link, so it is no address of the internet.
	if zone && j.ask(&d, RuleInvalid) {
		return d
	}
	j.settle(&d, &to)
	return d
}

// port asks the rules about ports.
func (j *Judge) port(d *Decision, to *destination) bool {
	switch to.addr.Port() {
	case 25:
		return j.weigh(d, RulePort25, to)
	case 21:
		return j.weigh(d, RuleFTP, to)
	}
	return false
}

// ranges asks the rules about address ranges.
func (j *Judge) ranges(d *Decision, to *destination) bool {
	a := to.addr.Addr()
	if inner, ok := inISATAP(a); ok && special(a) == "" && (special(inner) != "" || j.google.contains(inner)) && j.weigh(d, RuleEmbedded, to) {
		return true
	}
	a = throughNAT64(a)
	if r := special(a); r != "" {
		return j.weigh(d, r, to)
	}
	return j.google.contains(a) && j.weigh(d, RuleGoogle, to)
}

// localSystem is what the empty host stands for.
func localSystem(network string) netip.Addr {
	if strings.HasSuffix(network, "6") {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}
