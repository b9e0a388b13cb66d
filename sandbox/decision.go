package sandbox

import "net/netip"

// A Verdict is how a call is answered.
type Verdict string

// The verdicts.
const (
	Allow  Verdict = "allow"  // production allows it
	Deny   Verdict = "deny"   // refused, as production refuses it
	Report Verdict = "report" // let through; production would refuse it
)

// A Decision is a verdict with the rule that led to it.
type Decision struct {
	Verdict Verdict
	Rule    Rule           // for Allow one of RuleWhitelist, RuleGCE, RulePublic
	Addr    netip.AddrPort // the address that was judged, IPv4 taken out of mapped IPv6; invalid when there is none
	lifted  Rule           // the rule that an exception lifted, or has only reported; "" when none did
	by      *exception     // which exception; nil when none did
}

// Denied reports whether the call is refused.
func (d Decision) Denied() bool { return d.Verdict == Deny }

// spoken returns the rule that an event carries: none for an allowed call.
func (d Decision) spoken() Rule {
	if d.Verdict == Allow {
		return ""
	}
	return d.Rule
}

// and joins two decisions on one call: the first denial wins, then the first report.
func (d Decision) and(e Decision) Decision {
	if d.Verdict == Allow || (d.Verdict == Report && e.Verdict == Deny) {
		return e
	}
	return d
}
