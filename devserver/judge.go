package devserver

import (
	"cmp"
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// JudgeOptions say by whose rules a Judge answers. They are the flags of `devserver explain`; their zero value is the
// profile appengine as it is.
type JudgeOptions struct {
	Profile   string // a built-in profile's name or a file; "": the one that Config names, else appengine
	Config    string // a devserver.yaml whose rules hold; "": none
	App       string // whose rules hold, of the apps of Config; "": those of all of them
	NoBilling bool   // as an app without billing
}

// Flags are those of the command explain by which it decides so.
func (o JudgeOptions) Flags() []string {
	flags := []string{}
	if o.Profile != "" {
		flags = append(flags, "--profile", o.Profile)
	}
	if o.Config != "" {
		flags = append(flags, "--config", o.Config)
	}
	if o.App != "" {
		flags = append(flags, "--app", o.App)
	}
	if o.NoBilling {
		flags = append(flags, "--no-billing")
	}
	return flags
}

// absolute names files by their whole path, for a reader who stands in another folder.
func (o JudgeOptions) absolute() JudgeOptions {
	builtin := slices.ContainsFunc(Profiles(), func(p ProfileInfo) bool { return p.Name == o.Profile })
	for _, file := range []*string{&o.Profile, &o.Config} {
		if abs, err := filepath.Abs(*file); err == nil && *file != "" && !(builtin && file == &o.Profile) {
			*file = abs
		}
	}
	return o
}

// A Judge answers by the rules of a profile, with what a devserver.yaml changes in it. It looks nothing up and opens no
// socket, and is safe for concurrent use.
type Judge struct {
	judge    *sandbox.Judge
	policy   *sandbox.Policy
	standins []project.Standin // of the devserver.yaml
}

// NewJudge returns what decides by these options. Its errors are those of a profile or a devserver.yaml.
func NewJudge(o JudgeOptions) (*Judge, error) {
	config := new(project.Config)
	if o.Config != "" {
		var err error
		if config, err = project.Load(o.Config); err != nil {
			return nil, err
		}
	}
	app, err := appNamed(config, o.App)
	if err != nil {
		return nil, err
	}
	options := &Options{Profile: o.Profile, NoBilling: o.NoBilling}
	policy, _, _, err := newPolicy(options, config, app)
	if err != nil {
		return nil, err
	}
	standins, err := newStandins(nil, config, app)
	if err != nil {
		return nil, err
	}
	judge, err := policy.Compile()
	if err != nil {
		return nil, err
	}
	return &Judge{judge, policy, standins}, nil
}

// appNamed is an app of the devserver.yaml; "" is one of which it says nothing.
func appNamed(c *project.Config, name string) (*project.AppConfig, error) {
	if name == "" {
		return new(project.AppConfig), nil
	}
	var names []string
	for i := range c.Apps {
		if c.Apps[i].AppName() == name {
			return &c.Apps[i], nil
		}
		names = append(names, c.Apps[i].AppName())
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("--app: no devserver.yaml with apps is given; name it with --config")
	}
	return nil, fmt.Errorf("--app: %s has no app %q; it has %s", c.File, name, strings.Join(names, ", "))
}

// profileName is whose rules hold for an app, "" those of the default.
func profileName(o *Options, c *project.Config, a *project.AppConfig) string {
	if o.given("profile", o.Profile) {
		return o.Profile
	}
	return cmp.Or(a.Profile, c.Profile)
}

// newPolicy is the profile with what devserver.yaml and the flags change in it for an app, and the options under which
// NewJudge decides the same way: no more of them than it takes. files are those that the profile was read from.
func newPolicy(o *Options, c *project.Config, a *project.AppConfig) (policy *sandbox.Policy, under JudgeOptions, files []string, err error) {
	under = JudgeOptions{NoBilling: o.NoBilling}
	name := profileName(o, c, a)
	if o.given("profile", o.Profile) {
		under.Profile = name
	}
	p, err := profile.Load(name)
	if err != nil {
		return nil, under, nil, err
	}
	plain, err := p.Policy()
	if err != nil {
		return nil, under, p.Files, err
	}
	policy, err = p.Policy()
	if err != nil {
		return nil, under, p.Files, err
	}
	c.Overrides.Apply(policy)
	a.Overrides.Apply(policy)
	switch changed := !reflect.DeepEqual(plain, policy); {
	case changed:
		under.Config = c.File
		if a.Judges() {
			under.App = a.AppName()
		}
	case name != profile.Default:
		under.Profile = name
	default:
		under.Profile = ""
	}
	if o.NoBilling {
		policy.Billing = false
	}
	if _, err := policy.Compile(); err != nil {
		return nil, under, p.Files, err
	}
	return policy, under, p.Files, nil
}

// Profile is the name of the profile by which it answers.
func (j *Judge) Profile() string { return j.policy.Profile }

// Explain answers for an address without looking anything up. answers are what a resolver says about a name: nil when
// it was not asked, and then the address that devserver.yaml gives the name counts.
func (j *Judge) Explain(network, address string, answers []netip.Addr) Explanation {
	if answers == nil && len(j.standins) > 0 {
		answers = j.given(network, address)
	}
	return j.judge.Explain(network, address, answers)
}

// given is the address that a stand-in says the name of address has in production.
func (j *Judge) given(network, address string) []netip.Addr {
	t, _ := j.judge.Text(network, address)
	host := strings.ToLower(strings.TrimSuffix(t.Host, "."))
	for _, s := range j.standins {
		if s.Host == host && s.Address.IsValid() {
			return []netip.Addr{s.Address}
		}
	}
	return nil
}
