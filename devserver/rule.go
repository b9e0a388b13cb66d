package devserver

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// A RuleExplanation tells of a rule by itself: what production does, and how the profile asks it.
type RuleExplanation struct {
	Rule     Rule          `json:"rule"`
	Title    string        `json:"title"` // what it is about: "a private address"
	Profile  string        `json:"profile"`
	Mode     Mode          `json:"mode,omitempty"`  // enforce, report, off; "" of a rule that allows
	Error    string        `json:"error,omitempty"` // what a program is told that breaks it, where it is enforced
	Reason   string        `json:"reason"`          // what production does
	Source   string        `json:"source,omitempty"`
	Advice   string        `json:"advice,omitempty"`
	Limit    time.Duration `json:"limit_ns,omitempty"` // of reclaimed and deadline; 0: none
	Settings []string      `json:"settings,omitempty"` // the numbers and addresses of the profile that it goes by
	Example  *Example      `json:"example,omitempty"`  // a connection by which it speaks; nil when an address alone does not lead to it
}

// An Example is a connection that explain can be asked about.
type Example struct {
	Network string       `json:"network"`
	Address string       `json:"address"`
	Answers []netip.Addr `json:"answers,omitempty"` // of a resolver for its name; empty and not nil: it knows none
}

// examples break one rule each. Those of the rules that go by tables are taken from the tables, see example.
var examples = map[Rule]Example{
	sandbox.RuleBilling:     {Network: "tcp", Address: "93.184.216.34:443"},
	sandbox.RuleNetwork:     {Network: "unix", Address: "/run/postgresql/.s.PGSQL.5432"},
	sandbox.RuleInvalid:     {Network: "tcp", Address: "db.example.com"},
	sandbox.RulePort25:      {Network: "tcp", Address: "smtp.example.com:25"},
	sandbox.RuleFTP:         {Network: "tcp", Address: "ftp.example.com:21"},
	sandbox.RuleUnresolved:  {Network: "tcp", Address: "nosuch.example:443", Answers: []netip.Addr{}},
	sandbox.RuleUnspecified: {Network: "tcp", Address: "0.0.0.0:8080"},
	sandbox.RuleLoopback:    {Network: "tcp", Address: "127.0.0.1:5432"},
	sandbox.RulePrivate:     {Network: "tcp", Address: "10.0.0.7:5432"},
	sandbox.RuleLinklocal:   {Network: "tcp", Address: "169.254.169.254:80"},
	sandbox.RuleMulticast:   {Network: "udp", Address: "224.0.0.251:5353"},
	sandbox.RuleBroadcast:   {Network: "udp", Address: "255.255.255.255:9"},
	sandbox.RuleEmbedded:    {Network: "tcp", Address: "[2002:a00:7::1]:443"},
	sandbox.RuleReserved:    {Network: "tcp", Address: "192.0.2.1:443"},
	sandbox.RulePublic:      {Network: "tcp", Address: "93.184.216.34:443"},
}

// Rule explains a rule by itself. It must be a known one.
func (j *Judge) Rule(r Rule) RuleExplanation {
	e := RuleExplanation{
		Rule: r, Title: r.Title(), Profile: j.policy.Profile, Source: j.policy.Rules[r].Source, Settings: j.settings(r),
		Reason: j.judge.Reason(sandbox.Decision{Rule: r}, "", ""),
	}
	switch r {
	case sandbox.RuleReclaimed:
		e.Limit = j.policy.Reclaim
	case sandbox.RuleDeadline:
		e.Limit = j.policy.Deadline
	}
	x, known := j.example(r)
	if !r.Allows() {
		e.Mode, e.Advice = j.policy.Mode(r), r.Advice()
		told, why := rehearse(j.policy, r, x)
		e.Error = told
		if r == sandbox.RuleOption { // it names the options that there are
			e.Reason = cmp.Or(why, e.Reason)
		}
	}
	alone, err := only(j.policy, r).Compile()
	if !known || err != nil {
		return e
	}
	if told := alone.Explain(x.Network, x.Address, x.Answers); told.Rule == r {
		e.Reason, e.Example, e.Error = told.Reason, &x, cmp.Or(e.Error, told.Error)
	}
	return e
}

// only is the policy with r as its only rule, enforced.
func only(p *sandbox.Policy, r Rule) *sandbox.Policy {
	own := *p
	own.Billing = r != sandbox.RuleBilling
	own.Rules = map[Rule]sandbox.RuleSetting{r: {Mode: sandbox.ModeEnforce, Source: p.Rules[r].Source}}
	own.Quotas = nil
	if r.Allows() {
		own.Rules = nil
	} else {
		own.Exceptions = nil
	}
	return &own
}

// example is a connection by which r speaks.
func (j *Judge) example(r Rule) (Example, bool) {
	ranges := map[Rule][]netip.Prefix{sandbox.RuleGoogle: j.policy.Google, sandbox.RuleGCE: j.policy.GCE}[r]
	if len(ranges) > 0 {
		return Example{Network: "tcp", Address: netip.AddrPortFrom(ranges[0].Addr(), 443).String()}, true
	}
	if r == sandbox.RuleWhitelist {
		for _, x := range j.policy.Exceptions {
			if x.Addr.IsValid() && len(x.Ports) > 0 {
				return Example{Network: cmp.Or(x.Network, "tcp"), Address: netip.AddrPortFrom(x.Addr, x.Ports[0]).String()}, true
			}
		}
	}
	x, ok := examples[r]
	return x, ok
}

// settings are what the profile sets for a rule besides its mode.
func (j *Judge) settings(r Rule) []string {
	p := j.policy
	switch r {
	case sandbox.RuleBilling:
		if p.Billing {
			return []string{"the app has billing, so the rule does not speak"}
		}
		return []string{"the app has no billing"}
	case sandbox.RuleQuota:
		return quotaSettings(p)
	case sandbox.RuleReclaimed:
		return []string{"idle for more than " + limitText(p.Reclaim)}
	case sandbox.RuleDeadline:
		return []string{"an operation of more than " + limitText(p.Deadline)}
	case sandbox.RuleOption:
		return []string{"supported options are answered: " + cmp.Or(p.Options, sandbox.OptionsReal)}
	case sandbox.RuleGoogle:
		return []string{fmt.Sprintf("%d ranges of addresses", len(p.Google))}
	case sandbox.RuleGCE:
		return []string{fmt.Sprintf("%d ranges of addresses", len(p.GCE))}
	case sandbox.RuleWhitelist:
		var all []string
		for _, x := range p.Exceptions {
			all = append(all, exceptionText(x))
		}
		return all
	}
	return nil
}

func quotaSettings(p *sandbox.Policy) []string {
	var all []string
	for _, r := range sandbox.Resources {
		l := p.Limit(r)
		all = append(all, fmt.Sprintf("%s: %s a minute, %s a day", r, AmountText(string(r), l.PerMinute), AmountText(string(r), l.PerDay)))
	}
	return all
}

// exceptionText is who is excepted, and from what where that is not rule google alone: smtp.gmail.com port 465, 587 tcp.
// It reads the exception's JSON, in which what does not apply is left out.
func exceptionText(x sandbox.Exception) string {
	var said struct {
		Host, Addr, Prefix, Network, Mode string
		Ports                             []int
		Rules                             []string
	}
	text, err := json.Marshal(x)
	if err != nil || json.Unmarshal(text, &said) != nil {
		return string(text)
	}
	words := []string{cmp.Or(said.Host, said.Addr, said.Prefix, "any address")}
	if len(said.Ports) > 0 {
		words = append(words, "port", strings.Join(strings.Fields(strings.Trim(fmt.Sprint(said.Ports), "[]")), ", "))
	}
	words = append(words, said.Network)
	if len(said.Rules) > 0 {
		words = append(words, "from rule", strings.Join(said.Rules, ", "))
	}
	if said.Mode != "" {
		words = append(words, "("+said.Mode+")")
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}
