package devserver

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// A Setting is one value by which Run goes, and where it comes from.
type Setting struct {
	App    string `json:"app,omitempty"` // "": devserver as a whole
	Key    string `json:"key"`           // as in devserver.yaml, with dots between: "env.DB"
	Value  string `json:"value"`
	Origin string `json:"origin"` // "--drain", "devserver.yaml:3", "app.yaml:4", ".env:1", "environment", "default"
	Secret bool   `json:"-"`      // it may be one: a variable, a header
}

// Effective returns all settings by which Run would go with these options, in the order of docs/config.md. Its errors are
// those of Run. Nothing is opened or written.
func Effective(ctx context.Context, o Options) ([]Setting, error) {
	p, err := newPlan(ctx, &o)
	if err != nil {
		return nil, err
	}
	e := &effective{given: &o, plan: p}
	e.addWhole()
	for _, a := range p.apps {
		e.addApp(a)
	}
	return e.all, nil
}

// effective gathers settings.
type effective struct {
	given *Options // the flags
	plan  *plan
	app   *plannedApp // nil: devserver as a whole
	all   []Setting
}

// add adds a setting that flag gives ("": none does), or a key of devserver.yaml.
func (e *effective) add(flag, key, value string) {
	e.addFrom(key, value, e.origin(flag, key))
}

func (e *effective) addFrom(key, value, origin string) {
	s := Setting{Key: key, Value: value, Origin: origin}
	if e.app != nil {
		s.App = e.app.name
	}
	s.Secret = strings.HasPrefix(key, "env.") || strings.HasPrefix(key, "otlp_headers.")
	e.all = append(e.all, s)
}

// origin says who gives a setting.
func (e *effective) origin(flag, key string) string {
	if flag != "" && e.given.Set != nil && e.given.Set(flag) {
		return "--" + flag
	}
	own := new(project.Settings)
	if e.app != nil {
		own = &e.app.files.Settings
	}
	if by := saysKey(key, e.plan.config, own); by != nil {
		return placeText(by.At(key))
	}
	return fromDefault
}

// addWhole adds what holds for devserver as a whole.
func (e *effective) addWhole() {
	o, p := &e.plan.options, e.plan
	e.add("console", "console", p.console)
	e.add("data", "data", project.Position{File: p.data}.String())
	e.add("log-format", "log_format", valueOr(o.LogFormat, "text"))
	e.add("ready-file", "ready_file", o.ReadyFile)
	e.add("keep", "keep", valueOr(p.keep.text(), "all"))
	e.add("journal-limit", "journal_limit", valueOr(o.JournalLimit, "1GiB"))
	e.add("capture", "capture", valueOr(o.Capture, "none"))
	if c := p.apps[0].capture; c.Limit > 0 {
		e.add("capture-limit", "capture_limit", bytesText(c.Limit))
		e.add("redact", "redact", strings.Join(c.Redact, " "))
	}
	e.add("keylog", "keylog", o.KeyLog)
	e.add("otlp", "otlp", o.OTLP)
	for _, h := range o.OTLPHeaders {
		name, value, _ := strings.Cut(h, "=")
		origin := e.origin("otlp-header", "otlp_headers")
		if slices.Contains(p.config.OTLPHeaders, h) {
			origin = placeText(p.config.At("otlp_headers"))
		} else if origin != "--otlp-header" {
			origin = fromEnvironment
		}
		e.addFrom("otlp_headers."+name, value, origin)
	}
}

// addApp adds what holds for an app.
func (e *effective) addApp(a *plannedApp) {
	e.app = a
	s := &a.settings
	e.add("", "path", project.Position{File: a.project.Dir}.String())
	e.addAddr()
	e.addRules()
	e.addStandins()
	for _, v := range a.variables {
		e.addFrom("env."+v.name, v.value, v.origin)
	}
	var files []string
	for _, f := range a.watched {
		files = append(files, project.Position{File: f}.String())
	}
	e.add("", "env_file", strings.Join(files, " "))
	e.add("build-flags", "build_flags", strings.Join(s.buildFlags, " "))
	e.add("on-build", "on_build", onBuildWord(s.serveOld))
	e.add("wait-limit", "wait_limit", s.waitLimit.String())
	e.add("drain", "drain", s.drain.String())
	e.add("no-reload", "reload", strconv.FormatBool(!s.noReload))
	e.add("live-reload", "live_reload", strconv.FormatBool(s.liveReload))
	e.add("tls", "tls", strconv.FormatBool(s.tls))
	e.add("debug", "debug", s.debug)
	e.add("", "assets.templates", valueOr(string(s.assets.Templates), "restart"))
	e.add("", "assets.static", valueOr(string(s.assets.Static), "reload"))
	e.add("", "watch.extra", strings.Join(s.assets.Extra, " "))
	e.add("", "watch.ignore", strings.Join(s.assets.Ignore, " "))
}

// addAddr: the flag and the key at the top are the first app's.
func (e *effective) addAddr() {
	origin := fromDefault
	switch own := &e.app.files.Settings; {
	case e.app == e.plan.apps[0]:
		origin = e.origin("addr", "addr")
	case own.Has("addr"):
		origin = placeText(own.At("addr"))
	}
	e.addFrom("addr", e.app.addr, origin)
}

// addRules adds the profile and what is changed of it.
func (e *effective) addRules() {
	policy := e.app.policy
	e.add("profile", "profile", policy.Profile)
	e.add("no-billing", "billing", strconv.FormatBool(policy.Billing))
	plain, err := plainPolicy(e.given, e.plan.config, &e.app.files)
	if err != nil {
		return // it was read a moment ago
	}
	for _, r := range sandbox.Rules {
		if was, now := plain.Mode(r), policy.Mode(r); was != now {
			e.addFrom("rules."+string(r), string(now), e.origin("", "rules"))
		}
	}
	for _, r := range sandbox.Resources {
		if was, now := plain.Limit(r), policy.Limit(r); was.PerMinute != now.PerMinute || was.PerDay != now.PerDay {
			text := fmt.Sprintf("%s a minute, %s a day", AmountText(string(r), now.PerMinute), AmountText(string(r), now.PerDay))
			e.addFrom("quotas."+string(r), text, e.origin("", "quotas"))
		}
	}
	for _, x := range []struct {
		key, value string
		differs    bool
	}{
		{"reclaim", limitText(policy.Reclaim), plain.Reclaim != policy.Reclaim},
		{"deadline", limitText(policy.Deadline), plain.Deadline != policy.Deadline},
		{"errors", policy.Errors, plain.Errors != policy.Errors},
		{"options", policy.Options, plain.Options != policy.Options},
		{"exceptions", fmt.Sprint(len(policy.Exceptions)), !reflect.DeepEqual(plain.Exceptions, policy.Exceptions)},
	} {
		if x.differs {
			e.add("", x.key, x.value)
		}
	}
}

// plainPolicy is that of the app's profile as it is.
func plainPolicy(o *Options, c *project.Config, a *project.AppConfig) (*sandbox.Policy, error) {
	p, err := profile.Load(profileName(o, c, a))
	if err != nil {
		return nil, err
	}
	return p.Policy()
}

// addStandins: each with who names it.
func (e *effective) addStandins() {
	for _, s := range e.app.standins {
		origin := ""
		for _, text := range e.given.Standins {
			if flag, err := project.ParseStandin(text); err == nil && flag.Production() == s.Production() && flag.Label == s.Label {
				origin = "--standin"
			}
		}
		if origin == "" {
			origin = e.standinOrigin(s)
		}
		e.addFrom("standins", strings.TrimPrefix(s.Production()+"="+s.Label, "="), origin)
	}
}

func (e *effective) standinOrigin(s project.Standin) string {
	own := &e.app.files.Settings
	if slices.Contains(own.Standins, s) {
		return placeText(own.At("standins"))
	}
	return placeText(e.plan.config.At("standins"))
}
