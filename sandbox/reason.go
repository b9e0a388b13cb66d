package sandbox

import (
	"strconv"
	"strings"
	"time"
)

// Reason returns a sentence on why production answers so. host is the name that was dialled, or the whole address
// as it was written when the text was judged.
func (j *Judge) Reason(d Decision, network, host string) string {
	switch d.Rule {
	case RuleBilling:
		return "Production gives sockets only to apps with billing enabled."
	case RuleNetwork:
		return "Production has TCP and UDP sockets only, and " + quote(network) + " is neither."
	case RuleListen:
		return "Production has no listening sockets: requests reach the app through its front end."
	case RuleBind:
		return "Production lets no socket choose its own local address or port."
	case RuleInvalid:
		return j.invalidReason(d, network, host)
	case RulePort25:
		return "Production blocks port 25 (SMTP)."
	case RuleFTP:
		return "Production does not support FTP (port 21)."
	case RuleUnresolved:
		return "The name " + quote(host) + " has no address."
	case RuleQuota:
		return "A quota of the app is used up; production refuses the call until it is refilled."
	case RuleDescriptor:
		return "Production knows only the sockets that the app itself made, no foreign descriptors."
	case RuleOption:
		return "Production does not support this socket option."
	case RuleReclaimed:
		return "The socket was not used for longer than " + plainSpan(j.policy.Reclaim) + ", and production takes such sockets away."
	case RuleDeadline:
		return "The operation took longer than " + plainSpan(j.policy.Deadline) + ", at which production cancels it."
	}
	return rangeReason(d, host)
}

// rangeReason is the sentence of the rules about addresses, and of those that allow.
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
	case RuleWhitelist:
		return a + " on port " + strconv.Itoa(int(d.Addr.Port())) + " is one of the Google endpoints that production allows."
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
