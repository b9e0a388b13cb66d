package sandbox

import (
	"net/netip"
	"time"
)

// A Mode says what happens when a rule speaks.
type Mode string

// The modes.
const (
	ModeEnforce Mode = "enforce" // the call is denied
	ModeReport  Mode = "report"  // the call is let through and its event carries the rule
	ModeOff     Mode = "off"     // the rule is not asked
)

// A RuleSetting is a rule's mode in a profile, and the document it rests on.
type RuleSetting struct {
	Mode   Mode   `json:"mode,omitempty"` // "" is off; the rules that allow have none
	Source string `json:"source,omitempty"`
}

// A Resource is something that a quota counts.
type Resource string

// The resources of App Engine's Sockets quotas.
const (
	ResourceBind          Resource = "bind"
	ResourceCreate        Resource = "create"
	ResourceConnect       Resource = "connect"
	ResourceSend          Resource = "send"           // calls; a send counts one for each started MiB
	ResourceReceive       Resource = "receive"        // calls
	ResourceBytesSent     Resource = "bytes_sent"     // bytes
	ResourceBytesReceived Resource = "bytes_received" // bytes
)

// Resources are all resources in the order in which they are shown.
var Resources = []Resource{
	ResourceBind, ResourceCreate, ResourceConnect, ResourceSend, ResourceReceive, ResourceBytesSent, ResourceBytesReceived,
}

// Unlimited is the limit that is never used up.
const Unlimited = -1

// A Limit is what a resource's quota allows; below 0 there is no limit.
type Limit struct {
	PerMinute int64  `json:"per_minute"`
	PerDay    int64  `json:"per_day"`
	Source    string `json:"source,omitempty"`
}

// An Exception lifts RuleGoogle, and that rule only, for an endpoint. It names a host or an address.
type Exception struct {
	Host    string     `json:"host,omitempty"`    // the name dialled
	Addr    netip.Addr `json:"addr,omitzero"`     // the address itself
	Network string     `json:"network,omitempty"` // "tcp", "udp", or "" for both
	Ports   []uint16   `json:"ports"`
	Source  string     `json:"source,omitempty"`
}

// Policy is a finished profile: plain data that the supervisor hands to workers as JSON. Its zero value asks no rule.
type Policy struct {
	Profile    string               `json:"profile"`
	Billing    bool                 `json:"billing"`           // false: RuleBilling speaks
	Errors     string               `json:"errors,omitempty"`  // ErrorsErrno or ErrorsClassic; "" is the first
	Options    string               `json:"options,omitempty"` // OptionsReal, OptionsMock or OptionsMockRaw; "" is the first
	Rules      map[Rule]RuleSetting `json:"rules"`             // a rule that is missing is off
	Reclaim    time.Duration        `json:"reclaim"`           // a socket unused for longer is reclaimed; 0 never
	Deadline   time.Duration        `json:"deadline"`          // of one operation; 0 none
	Quotas     map[Resource]Limit   `json:"quotas"`            // a resource that is missing is unlimited
	Google     []netip.Prefix       `json:"google"`            // Google's services: what it announces without GCE
	GCE        []netip.Prefix       `json:"gce"`               // Compute Engine
	Exceptions []Exception          `json:"exceptions"`
}

// Mode returns the mode of r, ModeOff when the policy does not name it.
func (p *Policy) Mode(r Rule) Mode {
	if s, ok := p.Rules[r]; ok && s.Mode != "" {
		return s.Mode
	}
	return ModeOff
}

// Limit returns the quota of r, unlimited when the policy does not name it.
func (p *Policy) Limit(r Resource) Limit {
	if l, ok := p.Quotas[r]; ok {
		return l
	}
	return unlimited
}
