package sandbox

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
)

// An Exception lifts rules for an endpoint, or has them only reported there. It names a host, an address, a prefix, or
// none of them: then it holds for its ports wherever they are.
//
// One that names a host holds for the addresses to which this process has resolved that host, and for no others: a
// literal address that nobody looked up proves nothing about a name.
type Exception struct {
	Host    string       `json:"host,omitempty"`    // a name, or *.example.com: every name below example.com, not itself
	Addr    netip.Addr   `json:"addr,omitzero"`     // the address itself; IPv4 also inside mapped IPv6
	Prefix  netip.Prefix `json:"prefix,omitzero"`   // every address in it
	Network string       `json:"network,omitempty"` // "tcp", "udp", or "" for both
	Ports   []uint16     `json:"ports,omitempty"`   // none: every port
	Rules   []Rule       `json:"rules,omitempty"`   // of Exceptable; none: RuleGoogle
	Mode    Mode         `json:"mode,omitempty"`    // ModeOff or "": the rules are lifted; ModeReport: let through and reported
	Source  string       `json:"source,omitempty"`  // why it is on the list
}

// Exceptable are the rules that an Exception may name: those about a port and those about an address.
var Exceptable = []Rule{
	RulePort25, RuleFTP, RuleUnspecified, RuleLoopback, RulePrivate, RuleLinklocal, RuleMulticast, RuleBroadcast,
	RuleEmbedded, RuleReserved, RuleGoogle,
}

// Check returns what is wrong with the exception.
func (x Exception) Check() error {
	byAddr := x.Addr.IsValid() || x.Prefix.IsValid()
	switch {
	case x.Host != "" && byAddr || x.Addr.IsValid() && x.Prefix.IsValid():
		return errors.New("an exception names a host or an address, and not both; write two")
	case slices.Contains(x.Ports, 0):
		return errors.New("an exception names ports from 1 to 65535")
	case len(x.Ports) == 0 && x.Host == "" && !byAddr:
		return errors.New("an exception names a host, an address or ports from 1 to 65535; else it would be the rule's mode")
	case len(x.Ports) == 0 && len(x.Rules) == 0:
		return errors.New("an exception names ports from 1 to 65535, or the rules that it lifts on every port")
	case x.Network != "" && x.Network != tcp && x.Network != udp:
		return errors.New("an exception's network is tcp, udp, or none for both, not " + quote(x.Network))
	case x.Mode != "" && x.Mode != ModeOff && x.Mode != ModeReport:
		return errors.New("an exception's mode is off or report, not " + quote(string(x.Mode)))
	}
	for _, r := range x.Rules {
		if !slices.Contains(Exceptable, r) {
			return errors.New("an exception to rule " + quote(string(r)) + " cannot be; there are those to " + join(Exceptable))
		}
	}
	return errors.Join(x.checkHost(), x.checkAddr())
}

func (x Exception) checkHost() error {
	if x.Host == "" {
		return nil
	}
	if _, err := netip.ParseAddr(x.Host); err == nil {
		return errors.New("an exception's host is a name; write " + quote(x.Host) + " as its address")
	}
	if flaw := nameFlaw(strings.TrimPrefix(x.Host, "*.")); flaw != "" {
		return errors.New("an exception's host is a DNS name such as db.example.com or *.example.com, not " + quote(x.Host) + ": " + flaw)
	}
	return nil
}

func (x Exception) checkAddr() error {
	p := x.Prefix
	switch {
	case x.Addr.Zone() != "":
		return errors.New("an exception's address has no zone: " + x.Addr.WithZone("").String())
	case p.IsValid() && p.Masked() != p:
		return errors.New("an exception's prefix " + p.String() + " has bits behind its length; write " + p.Masked().String())
	case p.Addr().Is4In6():
		return errors.New("an exception's prefix " + p.String() + " is of IPv4 addresses inside IPv6; write it as one of IPv4")
	}
	return nil
}

func join(rules []Rule) string {
	var texts []string
	for _, r := range rules {
		texts = append(texts, string(r))
	}
	return strings.Join(texts, ", ")
}

// exception is an Exception as it is asked for.
type exception struct {
	host    string       // folded; "" names none
	below   string       // of a wildcard: ".example.com"
	prefix  netip.Prefix // invalid: it names no address
	network string
	ports   []uint16
	rules   []Rule
	report  bool
	source  string
}

func newException(x Exception) exception {
	e := exception{
		host: foldHost(x.Host), prefix: x.Prefix, network: x.Network, ports: slices.Clone(x.Ports), rules: slices.Clone(x.Rules),
		report: x.Mode == ModeReport, source: x.Source,
	}
	if below, ok := strings.CutPrefix(e.host, "*"); ok {
		e.host, e.below = "", below
	}
	if x.Addr.IsValid() {
		a := plain(x.Addr)
		e.prefix = netip.PrefixFrom(a, a.BitLen())
	}
	if len(e.rules) == 0 {
		e.rules = []Rule{RuleGoogle}
	}
	return e
}

// byName reports whether the exception names a host.
func (x *exception) byName() bool { return x.host != "" || x.below != "" }

// wildcard is a wildcard as it was written, "" when the exception has none.
func (x *exception) wildcard() string {
	if x.below == "" {
		return ""
	}
	return "*" + x.below
}

// fitsHost asks for a folded name.
func (x *exception) fitsHost(name string) bool {
	return x.host != "" && name == x.host || x.below != "" && len(name) > len(x.below) && strings.HasSuffix(name, x.below)
}

// fitsCall reports whether the exception is one to r for that network and port, whatever the host.
func (x *exception) fitsCall(r Rule, network string, port uint16) bool {
	return (x.network == "" || x.network == transport(network)) &&
		(len(x.ports) == 0 || slices.Contains(x.ports, port)) && slices.Contains(x.rules, r)
}

// A destination is what the rules about ports and addresses are asked about, and what exceptions made of it.
type destination struct {
	network string
	host    string         // the name that this process resolved to addr, "" when there is none
	addr    netip.AddrPort // IPv4 taken out of mapped IPv6, without its zone
	zone    bool           // it had one: then no exception holds
	lifted  Rule           // the first rule that an exception lifted
	by      *exception     // which
}

// exceptionTo returns the first exception to r that holds for the destination, nil when none does.
func (j *Judge) exceptionTo(r Rule, to *destination) *exception {
	if to.zone || len(j.exceptions) == 0 {
		return nil
	}
	name := foldHost(to.host)
	for i := range j.exceptions {
		x := &j.exceptions[i]
		if !x.fitsCall(r, to.network, to.addr.Port()) {
			continue
		}
		switch {
		case x.byName():
			if x.fitsHost(name) {
				return x
			}
		case x.prefix.IsValid():
			if x.prefix.Contains(to.addr.Addr()) {
				return x
			}
		default:
			return x
		}
	}
	return nil
}

// mayLift reports whether an exception to r could hold for a text once its address is known. A literal may be what
// a listed name led to.
func (j *Judge) mayLift(r Rule, network string, t text) bool {
	for i := range j.exceptions {
		x := &j.exceptions[i]
		if !x.fitsCall(r, network, t.Port) {
			continue
		}
		literal := t.Addr.IsValid()
		switch {
		case x.byName():
			if literal || x.fitsHost(foldHost(t.Host)) {
				return true
			}
		case !x.prefix.IsValid() || !literal || x.prefix.Contains(plain(t.Addr)):
			return true
		}
	}
	return false
}

// weigh asks a rule about a destination, unless an exception lifts it. It returns whether the call is denied.
func (j *Judge) weigh(d *Decision, r Rule, to *destination) bool {
	x := j.exceptionTo(r, to)
	switch {
	case x == nil:
		return j.ask(d, r)
	case !x.report:
		if to.by == nil {
			to.lifted, to.by = r, x
		}
	case d.Verdict == Allow && j.modes[r] != "":
		d.Verdict, d.Rule, d.lifted, d.by = Report, r, r, x
	}
	return false
}

// settle names the rule by which a call is allowed.
func (j *Judge) settle(d *Decision, to *destination) {
	switch {
	case d.Verdict != Allow:
	case to.by != nil:
		d.Rule, d.lifted, d.by = RuleWhitelist, to.lifted, to.by
	case to.addr.IsValid() && j.gce.contains(throughNAT64(to.addr.Addr())):
		d.Rule = RuleGCE
	}
}
