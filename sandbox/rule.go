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
	RuleWhitelist   Rule = "whitelist"   // allowed: an exception of the profile lifts what speaks against it
	RuleGCE         Rule = "gce"         // allowed: a Compute Engine address
	RulePublic      Rule = "public"      // allowed: nothing speaks against it
)

// Rules are all rules in the order in which they are asked.
var Rules = []Rule{
	RuleBilling, RuleNetwork, RuleListen, RuleBind, RuleInvalid, RulePort25, RuleFTP, RuleUnresolved,
	RuleUnspecified, RuleLoopback, RulePrivate, RuleLinklocal, RuleMulticast, RuleBroadcast, RuleEmbedded, RuleReserved,
	RuleGoogle, RuleQuota, RuleDescriptor, RuleOption, RuleReclaimed, RuleDeadline, RuleWhitelist, RuleGCE, RulePublic,
}

// ruleTexts are what a person reads about each rule: a noun phrase, what production does, what to do about it.
var ruleTexts = map[Rule]struct{ title, reason, advice string }{
	RuleBilling: {
		"sockets without billing",
		"Production gives sockets only to apps with billing enabled.",
		"Enable billing for the app, or set billing: true in devserver.yaml if it has billing.",
	},
	RuleNetwork: {
		"a network that is neither TCP nor UDP",
		"Production has TCP and UDP sockets only.",
		"Use tcp or udp; reach a local peer over TCP with a stand-in.",
	},
	RuleListen: {
		"a listening socket",
		"Production has no listening sockets: requests reach the app through its front end.",
		"Listen on $PORT only; clients reach everything else of the app through its HTTP handlers.",
	},
	RuleBind: {
		"a chosen local address or port",
		"Production lets no socket choose its own local address or port.",
		"Leave the local address out, so that the system chooses it.",
	},
	RuleInvalid: {
		"not an address and port",
		"Production takes host:port with an IP address in its plain form or a DNS name, and a port from 1 to 65535.",
		"Write host:port with a plain IP address or a DNS name and a port from 1 to 65535.",
	},
	RulePort25: {
		"port 25 (SMTP)",
		"Production blocks port 25 (SMTP).",
		"Send mail through port 587 with authentication.",
	},
	RuleFTP: {
		"port 21 (FTP)",
		"Production does not support FTP (port 21).",
		"Move the files over HTTPS or SFTP.",
	},
	RuleUnresolved: {
		"a name without an address",
		"The name has no address, so there is nothing to connect to.",
		"Check the name; a stand-in gives it a peer on this machine while developing.",
	},
	RuleUnspecified: {
		"the unspecified address",
		"The address names no machine: here it leads back to this one, in production to nothing.",
		"Name the peer by its public address; a stand-in serves it here while developing.",
	},
	RuleLoopback: {
		"this machine's own address",
		"The address is this machine itself; production blocks it.",
		"Use the name that the peer has in production, and a stand-in for it while developing.",
	},
	RulePrivate: {
		"a private address",
		"The address is private; production reaches public addresses only.",
		"Use the peer's public address; a stand-in serves it here while developing.",
	},
	RuleLinklocal: {
		"a link-local address",
		"The address is known on its own network segment only; production blocks it.",
		"Use a public address; a metadata server is not reached over sockets.",
	},
	RuleMulticast: {
		"a multicast address",
		"Production blocks multicast addresses.",
		"Send to each peer by its own address.",
	},
	RuleBroadcast: {
		"the broadcast address",
		"Production blocks the broadcast address.",
		"Send to each peer by its own address.",
	},
	RuleEmbedded: {
		"an IPv4 address inside IPv6",
		"The address carries an IPv4 address inside IPv6; production does not reach it.",
		"Use the plain IPv4 address.",
	},
	RuleReserved: {
		"a reserved address",
		"The internet does not route the address, so production cannot reach it.",
		"Use an address that the internet routes; a stand-in can serve it here while developing.",
	},
	RuleGoogle: {
		"an address of Google's own services",
		"The address belongs to Google's own services, which production blocks for sockets.",
		"Call Google's services through their HTTP client libraries rather than sockets.",
	},
	RuleQuota: {
		"a used-up quota",
		"A quota of the app is used up; production refuses the call until it is refilled.",
		"Reuse connections, send in larger pieces, or wait for the next minute or day; devserver quota reset starts afresh.",
	},
	RuleDescriptor: {
		"a descriptor that another program made",
		"Production knows only the sockets that the app itself made, no foreign descriptors.",
		"Dial the connection in this program.",
	},
	RuleOption: {
		"an unsupported socket option",
		"Production does not support this socket option.",
		"Do without the option: production refuses it.",
	},
	RuleReclaimed: {
		"a socket reclaimed while idle",
		"Production takes away a socket that was not used for a while.",
		"Close idle connections earlier than production does (for a pool: its maximum idle time), or dial again and retry.",
	},
	RuleDeadline: {
		"an operation longer than the API deadline",
		"Production cancels an operation that takes too long.",
		"Set a deadline shorter than production's and repeat the call.",
	},
	RuleWhitelist: {
		"an exception of the profile",
		"The endpoint is on the profile's list of exceptions.",
		"Nothing to do.",
	},
	RuleGCE: {
		"a Compute Engine address",
		"The address is Compute Engine's, which production allows.",
		"Nothing to do.",
	},
	RulePublic: {
		"a public address",
		"The address is public; nothing speaks against it.",
		"Nothing to do.",
	},
}

// Title returns what the rule is about as a short noun phrase, "" for an unknown rule.
func (r Rule) Title() string { return ruleTexts[r].title }

// Advice returns one sentence on what a developer can do about it, "" for an unknown rule.
func (r Rule) Advice() string { return ruleTexts[r].advice }

// Allows reports whether r is one of the rules by which a call is allowed; these have no mode.
func (r Rule) Allows() bool { return r == RuleWhitelist || r == RuleGCE || r == RulePublic }

// Known reports whether r is a rule.
func (r Rule) Known() bool { return slices.Contains(Rules, r) }
