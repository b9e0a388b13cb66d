package sandbox

import "slices"

// A Rule is the id of a rule of production. It is what users see in the console, the CLI and the recording.
type Rule string

// The rules. RuleWhitelist, RuleGCE and RulePublic are those by which a call is allowed.
const (
	RuleBilling     Rule = "billing"     // sockets need billing enabled
	RuleNetwork     Rule = "network"     // only TCP and UDP
	RuleListen      Rule = "listen"      // no listening socket
	RuleBind        Rule = "bind"        // no local address or port of one's own choice
	RuleInvalid     Rule = "invalid"     // not an address or port
	RulePort25      Rule = "port25"      // SMTP is blocked
	RuleFTP         Rule = "ftp"         // FTP is not supported
	RuleUnresolved  Rule = "unresolved"  // the name has no address
	RuleUnspecified Rule = "unspecified" // 0.0.0.0 and ::
	RuleLoopback    Rule = "loopback"    // 127.0.0.0/8 and ::1
	RulePrivate     Rule = "private"     // RFC 1918, 6598, 4193 and site-local addresses
	RuleLinklocal   Rule = "linklocal"   // 169.254.0.0/16 and fe80::/10
	RuleMulticast   Rule = "multicast"   // 224.0.0.0/4 and ff00::/8
	RuleBroadcast   Rule = "broadcast"   // 255.255.255.255
	RuleEmbedded    Rule = "embedded"    // IPv4 inside IPv6 by a transition mechanism
	RuleReserved    Rule = "reserved"    // special-purpose and unassigned ranges
	RuleGoogle      Rule = "google"      // Google's ranges without Compute Engine's
	RuleQuota       Rule = "quota"       // a limit is used up
	RuleDescriptor  Rule = "descriptor"  // a descriptor that another program made
	RuleOption      Rule = "option"      // an option that production does not support
	RuleReclaimed   Rule = "reclaimed"   // idle for too long
	RuleDeadline    Rule = "deadline"    // an operation longer than the API deadline
	RuleWhitelist   Rule = "whitelist"   // allowed: an exception to RuleGoogle
	RuleGCE         Rule = "gce"         // allowed: a Compute Engine address
	RulePublic      Rule = "public"      // allowed: nothing speaks against it
)

// Rules are all rules in the order in which they are asked.
var Rules = []Rule{
	RuleBilling, RuleNetwork, RuleListen, RuleBind, RuleInvalid, RulePort25, RuleFTP, RuleUnresolved,
	RuleUnspecified, RuleLoopback, RulePrivate, RuleLinklocal, RuleMulticast, RuleBroadcast, RuleEmbedded, RuleReserved,
	RuleGoogle, RuleQuota, RuleDescriptor, RuleOption, RuleReclaimed, RuleDeadline, RuleWhitelist, RuleGCE, RulePublic,
}

var ruleTexts = map[Rule]struct{ title, advice string }{
	RuleBilling:     {"sockets without billing", "Enable billing for the app, or set billing: true in devserver.yaml if it has billing."},
	RuleNetwork:     {"a network that is neither TCP nor UDP", "Use tcp or udp; reach a local peer over TCP with a stand-in."},
	RuleListen:      {"a listening socket", "Listen on $PORT only; clients reach everything else of the app through its HTTP handlers."},
	RuleBind:        {"a chosen local address or port", "Leave the local address out, so that the system chooses it."},
	RuleInvalid:     {"not an address and port", "Write host:port with a plain IP address or a DNS name and a port from 1 to 65535."},
	RulePort25:      {"port 25 (SMTP)", "Send mail through port 587 with authentication."},
	RuleFTP:         {"port 21 (FTP)", "Move the files over HTTPS or SFTP."},
	RuleUnresolved:  {"a name without an address", "Check the name; a stand-in gives it a peer on this machine while developing."},
	RuleUnspecified: {"the unspecified address", "Name the peer by its public address; a stand-in serves it here while developing."},
	RuleLoopback:    {"this machine's own address", "Use the name that the peer has in production, and a stand-in for it while developing."},
	RulePrivate:     {"a private address", "Use the peer's public address; a stand-in serves it here while developing."},
	RuleLinklocal:   {"a link-local address", "Use a public address; a metadata server is not reached over sockets."},
	RuleMulticast:   {"a multicast address", "Send to each peer by its own address."},
	RuleBroadcast:   {"the broadcast address", "Send to each peer by its own address."},
	RuleEmbedded:    {"an IPv4 address inside IPv6", "Use the plain IPv4 address."},
	RuleReserved:    {"a reserved address", "Use an address that the internet routes; a stand-in can serve it here while developing."},
	RuleGoogle:      {"an address of Google's own services", "Call Google's services through their HTTP client libraries rather than sockets."},
	RuleQuota:       {"a used-up quota", "Reuse connections, send in larger pieces, or wait for the next minute or day; devserver quota reset starts afresh."},
	RuleDescriptor:  {"a descriptor that another program made", "Dial the connection in this program."},
	RuleOption:      {"an unsupported socket option", "Do without the option: production refuses it."},
	RuleReclaimed:   {"a socket reclaimed while idle", "Close idle connections earlier than production does (for a pool: its maximum idle time), or dial again and retry."},
	RuleDeadline:    {"an operation longer than the API deadline", "Set a deadline shorter than production's and repeat the call."},
	RuleWhitelist:   {"a listed Google endpoint", "Nothing to do."},
	RuleGCE:         {"a Compute Engine address", "Nothing to do."},
	RulePublic:      {"a public address", "Nothing to do."},
}

// Title returns what the rule is about as a short noun phrase, "" for an unknown rule.
func (r Rule) Title() string { return ruleTexts[r].title }

// Advice returns one sentence on what a developer can do about it, "" for an unknown rule.
func (r Rule) Advice() string { return ruleTexts[r].advice }

// Allows reports whether r is one of the rules by which a call is allowed; these have no mode.
func (r Rule) Allows() bool { return r == RuleWhitelist || r == RuleGCE || r == RulePublic }

// Known reports whether r is a rule.
func (r Rule) Known() bool { return slices.Contains(Rules, r) }
