package sandbox

import (
	"strconv"
	"strings"
	"time"
)

// Reason returns a sentence on why production answers so. host is the name that was dialled, or the whole address
// as it was written when the text was judged.
func (j *Judge) Reason(d Decision, network, host string) string {
	why := j.ruleReason(d, network, host)
	if d.Verdict == Report && d.by != nil {
		why += " " + excepted(d, host) + " is on the profile's list of exceptions to that rule: it is let through."
	}
	return why
}

func (j *Judge) ruleReason(d Decision, network, host string) string {
	switch d.Rule {
	case RuleNetwork:
		return "Production has TCP and UDP sockets only, and " + quote(network) + " is neither."
	case RuleInvalid:
		return j.invalidReason(d, network, host)
	case RuleUnresolved:
		return "The name " + quote(host) + " has no address."
	case RuleReclaimed:
		return "The socket was not used for longer than " + plainSpan(j.policy.Reclaim) + ", and production takes such sockets away."
	case RuleDeadline:
		return "The operation took longer than " + plainSpan(j.policy.Deadline) + ", at which production cancels it."
	case RuleWhitelist:
		if d.by != nil {
			return excepted(d, host) + " is on the profile's list of exceptions to rule " + string(d.lifted) + "."
		}
	case RuleUnspecified, RuleLoopback, RulePrivate, RuleLinklocal, RuleMulticast, RuleBroadcast, RuleEmbedded, RuleReserved,
		RuleGoogle, RuleGCE, RulePublic:
		return rangeReason(d, host)
	}
	return ruleTexts[d.Rule].reason
}

// excepted names the endpoint for which an exception holds, as the exception does.
func excepted(d Decision, host string) string {
	port := strconv.Itoa(int(d.Addr.Port()))
	switch {
	case d.by.byName() && nameFlaw(host) == "":
		return host + ":" + port
	case d.by.byName():
		return d.Addr.String() + ", to which " + d.by.host + d.by.wildcard() + " was resolved,"
	case d.by.prefix.IsValid():
		return d.Addr.String()
	}
	return "Port " + port
}

// rangeReason is the sentence of the rules about addresses, and of those that allow them.
func rangeReason(d Decision, host string) string {
	a := "The address"
	if d.Addr.Addr().IsValid() {
		a = d.Addr.Addr().String()
	}
	if host != "" && !strings.Contains(host, a) {
		a = quote(host) + " leads to " + a + ", which"
	}
	switch d.Rule {
	case RuleUnspecified:
		return a + " names no machine: here it leads back to this one, in production to nothing."
	case RuleLoopback:
		return a + " is this machine itself; production blocks it."
	case RulePrivate:
		return a + " is a private address; production reaches public addresses only."
	case RuleLinklocal:
		return a + " is a link-local address, known on its own network segment only; production blocks it."
	case RuleMulticast:
		return a + " is a multicast address; production blocks those."
	case RuleBroadcast:
		return a + " is the broadcast address; production blocks it."
	case RuleEmbedded:
		return a + " carries an IPv4 address inside IPv6; production does not reach it."
	case RuleReserved:
		return a + " is reserved: the internet does not route it, so production cannot reach it."
	case RuleGoogle:
		return a + " belongs to Google's own services, which production blocks for sockets."
	case RuleGCE:
		return a + " is a Compute Engine address, which production allows."
	}
	return a + " is a public address; nothing speaks against it."
}

func (j *Judge) invalidReason(d Decision, network, address string) string {
	if d.Addr.IsValid() && d.Addr.Port() == 0 {
		return "Port 0 cannot be connected to."
	}
	if t := readText(network, address); t.flaw != "" {
		return quote(address) + " is not an address and port: " + t.flaw + "."
	}
	return quote(address) + " carries a zone, which means nothing outside its own network."
}

// quote writes what a program gave so that a terminal can show it.
func quote(s string) string {
	const most = 120
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strconv.Quote(s)
}

// plainSpan writes a duration without the zero parts that Duration.String ends in.
func plainSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
