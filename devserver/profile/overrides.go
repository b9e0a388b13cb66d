package profile

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/seed-d81df0db/devserver/devserver/yamlfile"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// All is the key under rules that sets the mode of every rule; those named beside it keep their own.
const All = "all"

// Overrides are the settings that a devserver.yaml and a profile share. What is not set stays as it was.
type Overrides struct {
	Billing  *bool
	Rules    map[sandbox.Rule]sandbox.RuleSetting // an empty field stays as it was; the rule All is every rule
	Quotas   map[sandbox.Resource]Quota
	Idle     *time.Duration // the limit of reclaim; 0 never
	Deadline *time.Duration // of an operation; 0 none
	Options  string         // how socket options are answered, see sandbox.Policy; "" stays as it was
	sources  map[sandbox.Rule]string
}

// A Quota changes a limit. What is nil or empty stays as it was.
type Quota struct {
	PerMinute, PerDay *int64 // below 0: unlimited
	Source            string
}

// Fields are the keys in YAML by which d fills o.
//
//	billing: true
//	rules: {listen: report, port25: {mode: enforce, source: "..."}}
//	quotas: {connect: {per_minute: 5, per_day: unlimited}, bytes_sent: {per_minute: 1MiB}}
//	reclaim: {idle: 2m}
//	deadline: 60s
//	options: real
func (o *Overrides) Fields(d *yamlfile.Document) []yamlfile.Field {
	return []yamlfile.Field{
		{Key: "billing", Read: func(_, v ast.Node) error { return readBool(d, v, "billing", &o.Billing) }},
		{Key: "rules", Read: func(_, v ast.Node) error { return o.readRules(d, v) }},
		{Key: "quotas", Read: func(_, v ast.Node) error { return o.readQuotas(d, v) }},
		{Key: "reclaim", Read: func(_, v ast.Node) error {
			return o.readLimit(d, v, "reclaim", "idle", sandbox.RuleReclaimed, &o.Idle)
		}},
		{Key: "options", Read: func(_, v ast.Node) error {
			return readWord(d, v, "options", []string{sandbox.OptionsReal, sandbox.OptionsMock, sandbox.OptionsMockRaw}, &o.Options)
		}},
		{Key: "deadline", Read: func(_, v ast.Node) error {
			return o.readLimit(d, v, "deadline", "after", sandbox.RuleDeadline, &o.Deadline)
		}},
	}
}

// Apply changes the policy.
func (o *Overrides) Apply(p *sandbox.Policy) {
	if o.Billing != nil {
		p.Billing = *o.Billing
	}
	if p.Rules == nil {
		p.Rules = make(map[sandbox.Rule]sandbox.RuleSetting)
	}
	if all, ok := o.Rules[All]; ok {
		for _, r := range sandbox.Rules {
			if !r.Allows() {
				p.Rules[r] = changed(p.Rules[r], all)
			}
		}
	}
	for r, s := range o.Rules {
		if r != All {
			p.Rules[r] = changed(p.Rules[r], s)
		}
	}
	for r, source := range o.sources {
		p.Rules[r] = changed(p.Rules[r], sandbox.RuleSetting{Source: source})
	}
	o.applyQuotas(p)
	if o.Idle != nil {
		p.Reclaim = *o.Idle
	}
	if o.Deadline != nil {
		p.Deadline = *o.Deadline
	}
	if o.Options != "" {
		p.Options = o.Options
	}
}

func (o *Overrides) applyQuotas(p *sandbox.Policy) {
	if p.Quotas == nil {
		p.Quotas = make(map[sandbox.Resource]sandbox.Limit)
	}
	for r, q := range o.Quotas {
		l := p.Limit(r)
		if q.PerMinute != nil {
			l.PerMinute = *q.PerMinute
		}
		if q.PerDay != nil {
			l.PerDay = *q.PerDay
		}
		if q.Source != "" {
			l.Source = q.Source
		}
		p.Quotas[r] = l
	}
}

func changed(old, s sandbox.RuleSetting) sandbox.RuleSetting {
	if s.Mode != "" {
		old.Mode = s.Mode
	}
	if s.Source != "" {
		old.Source = s.Source
	}
	return old
}

func (o *Overrides) readRules(d *yamlfile.Document, n ast.Node) error {
	fields := []yamlfile.Field{{Key: All, Read: o.readRule(d, All)}}
	for _, r := range sandbox.Rules {
		fields = append(fields, yamlfile.Field{Key: string(r), Read: o.readRule(d, r)})
	}
	o.Rules = make(map[sandbox.Rule]sandbox.RuleSetting)
	return d.Mapping(n, "rules", fields...)
}

// readRule reads a mode, or a mapping of mode and source. The rules that allow have a source only.
func (o *Overrides) readRule(d *yamlfile.Document, r sandbox.Rule) func(key, v ast.Node) error {
	return func(_, v ast.Node) error {
		var s sandbox.RuleSetting
		mode := yamlfile.Field{Key: "mode", Read: func(_, v ast.Node) error { return readMode(d, v, r, &s.Mode) }}
		var err error
		if isMapping(d, v) {
			err = d.Mapping(v, "rule "+string(r), mode, text(d, "source", &s.Source))
		} else {
			err = mode.Read(nil, v)
		}
		o.Rules[r] = s
		return err
	}
}

func readMode(d *yamlfile.Document, n ast.Node, r sandbox.Rule, to *sandbox.Mode) error {
	text, err := d.Scalar(n, "rule "+string(r))
	if err != nil {
		return err
	}
	if r.Allows() {
		return d.Errorf(n, "rule %s allows; it has no mode", r)
	}
	switch m := sandbox.Mode(text); m {
	case sandbox.ModeEnforce, sandbox.ModeReport, sandbox.ModeOff:
		*to = m
		return nil
	}
	return d.Errorf(n, "rule %s: %q is no mode; accepted: enforce, report, off", r, text)
}

func (o *Overrides) readQuotas(d *yamlfile.Document, n ast.Node) error {
	o.Quotas = make(map[sandbox.Resource]Quota)
	var fields []yamlfile.Field
	for _, r := range sandbox.Resources {
		fields = append(fields, yamlfile.Field{Key: string(r), Read: func(_, v ast.Node) error {
			var q Quota
			err := d.Mapping(v, "quota "+string(r),
				amount(d, "per_minute", r, &q.PerMinute), amount(d, "per_day", r, &q.PerDay), text(d, "source", &q.Source))
			o.Quotas[r] = q
			return err
		}})
	}
	return d.Mapping(n, "quotas", fields...)
}

func amount(d *yamlfile.Document, key string, r sandbox.Resource, to **int64) yamlfile.Field {
	return yamlfile.Field{Key: key, Read: func(_, v ast.Node) error {
		text, err := d.Scalar(v, key)
		if err != nil {
			return err
		}
		n, err := ParseAmount(text, strings.HasPrefix(string(r), "bytes_"))
		if err != nil {
			return d.Errorf(v, "quota %s: %s: %s", r, key, err)
		}
		*to = &n
		return nil
	}}
}

// readLimit reads a duration, or a mapping of it and its source, which becomes that of the rule.
func (o *Overrides) readLimit(d *yamlfile.Document, n ast.Node, where, key string, r sandbox.Rule, to **time.Duration) error {
	limit := yamlfile.Field{Key: key, Read: func(_, v ast.Node) error {
		text, err := d.Scalar(v, where)
		if err != nil {
			return err
		}
		span, err := parseDuration(text)
		if err != nil {
			return d.Errorf(v, "%s: %s", where, err)
		}
		*to = &span
		return nil
	}}
	if !isMapping(d, n) {
		return limit.Read(nil, n)
	}
	var source string
	err := d.Mapping(n, where, limit, text(d, "source", &source))
	if source != "" {
		o.sources = maps.Clone(o.sources)
		if o.sources == nil {
			o.sources = make(map[sandbox.Rule]string)
		}
		o.sources[r] = source
	}
	return err
}

func isMapping(d *yamlfile.Document, n ast.Node) bool {
	switch d.Value(n).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

func readBool(d *yamlfile.Document, n ast.Node, where string, to **bool) error {
	text, err := d.Scalar(n, where)
	if err != nil {
		return err
	}
	i := slices.Index([]string{"false", "true"}, text)
	if i < 0 {
		return d.Errorf(n, "%s: %q is neither true nor false", where, text)
	}
	b := i == 1
	*to = &b
	return nil
}

// readWord reads one of the accepted words.
func readWord(d *yamlfile.Document, n ast.Node, where string, accepted []string, to *string) error {
	text, err := d.Scalar(n, where)
	if err != nil {
		return err
	}
	if !slices.Contains(accepted, text) {
		return d.Errorf(n, "%s: %q is not known; accepted: %s", where, text, strings.Join(accepted, ", "))
	}
	*to = text
	return nil
}

// text is a field whose value is one text.
func text(d *yamlfile.Document, key string, to *string) yamlfile.Field {
	return yamlfile.Field{Key: key, Read: func(_, v ast.Node) (err error) {
		*to, err = d.Scalar(v, key)
		return err
	}}
}
