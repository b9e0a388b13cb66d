package devserver

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// The defaults of Options.
const (
	defaultAddr    = "127.0.0.1:8080"
	defaultConsole = "127.0.0.1:8000"
)

// plan is what is to be run: Options and devserver.yaml, put together and checked.
type plan struct {
	keep    keep
	apps    []*plannedApp
	data    string
	console string
	config  *project.Config
	capture sandbox.Capture
	keyLog  string       // an absolute path, "": none
	under   JudgeOptions // under which NewJudge judges as all apps' policy does
}

// plannedApp is an app before anything of it is opened.
type plannedApp struct {
	name     string
	project  *project.App
	addr     string
	listener net.Listener // see supervisor.listen
	policy   *sandbox.Policy
	standins []project.Standin
	env      []string
	settings settings
	debugger net.Listener // for settings.debug, nil without; see supervisor.listen
}

// given tells whether the user gave a flag, which then wins over devserver.yaml.
func (o *Options) given(flag, value string) bool {
	if o.Set == nil {
		return value != ""
	}
	return o.Set(flag)
}

// check refuses options that cannot be meant.
func (o *Options) check() error {
	switch o.OnBuild {
	case "", "wait", "serve-old":
	default:
		return usagef("--on-build: %q is neither wait nor serve-old", o.OnBuild)
	}
	for flag, addr := range map[string]string{"--addr": o.Addr, "--console": o.Console, "--debug": o.Debug} {
		if addr == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return usagef("%s %s: %v; write HOST:PORT, as in 127.0.0.1:8080", flag, addr, err)
		}
	}
	for flag, limit := range map[string]time.Duration{"--wait-limit": o.WaitLimit, "--drain": o.Drain} {
		if limit < 0 {
			return usagef("%s: %v is less than nothing; write a duration such as 30s", flag, limit)
		}
	}
	_, err := o.journalLimit()
	return err
}

// newPlan reads devserver.yaml and looks at the apps with the user's own go.
func newPlan(ctx context.Context, o *Options) (*plan, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	config, err := locate(o)
	if err != nil {
		return nil, &UsageError{err}
	}
	keep, err := parseKeep(o.Keep)
	if err != nil {
		return nil, err
	}
	p := &plan{config: config, data: o.Data, keep: keep, console: cmp.Or(o.Console, defaultConsole)}
	if p.capture, err = newCapture(o); err != nil {
		return nil, err
	}
	if p.keyLog, err = newKeyLog(o.KeyLog); err != nil {
		return nil, err
	}
	wanted, err := wantedApps(o, config)
	if err != nil {
		return nil, err
	}
	policy, under, err := newPolicy(o, config)
	if err != nil {
		return nil, &UsageError{err}
	}
	p.under = under
	standins, err := newStandins(o.Standins, config)
	if err != nil {
		return nil, &UsageError{err}
	}
	for _, w := range wanted {
		a, err := o.planApp(ctx, w)
		if err != nil {
			return nil, err
		}
		a.policy, a.standins = policy, standins
		p.apps = append(p.apps, a)
	}
	if err := spreadDebuggers(p.apps); err != nil {
		return nil, err
	}
	if p.data == "" {
		p.data = filepath.Join(p.apps[0].project.Dir, ".devserver")
	}
	return p, checkNames(p.apps)
}

// locate finds devserver.yaml from the first app's folder.
func locate(o *Options) (*project.Config, error) {
	dir := "."
	if len(o.Dirs) > 0 {
		dir = o.Dirs[0]
	}
	return project.Locate(o.Config, dir)
}

// wantedApps are the folders of the command line, with what devserver.yaml says about them, or else its apps, or
// else the current folder.
func wantedApps(o *Options, c *project.Config) ([]project.AppConfig, error) {
	var wanted []project.AppConfig
	for _, dir := range o.Dirs {
		wanted = append(wanted, configured(c, dir))
	}
	switch {
	case len(wanted) > 0:
	case len(c.Apps) > 0:
		wanted = slices.Clone(c.Apps)
	default:
		wanted = []project.AppConfig{{Path: "."}}
	}
	for i := range wanted {
		a := &wanted[i]
		if i == 0 && (o.given("addr", o.Addr) || a.Addr == "") {
			a.Addr = cmp.Or(o.Addr, defaultAddr)
		}
		if a.Addr == "" {
			var err error
			if a.Addr, err = nextAddr(wanted[i-1].Addr); err != nil {
				return nil, err
			}
		}
	}
	return wanted, nil
}

// configured is what devserver.yaml says about a folder.
func configured(c *project.Config, dir string) project.AppConfig {
	abs, err := filepath.Abs(dir)
	if err == nil {
		for _, a := range c.Apps {
			if filepath.Clean(a.Path) == abs {
				return a
			}
		}
	}
	return project.AppConfig{Path: dir}
}

// nextAddr is the address of an app that has none of its own: the port behind that of the app before it.
func nextAddr(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", usagef("--addr %s: %v; write HOST:PORT, as in 127.0.0.1:8080", addr, err)
	}
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		return "", usagef("--addr %s: %v", addr, err)
	}
	if n != 0 {
		n++
	}
	return net.JoinHostPort(host, fmt.Sprint(n)), nil
}

// planApp looks at an app's folder.
func (o *Options) planApp(ctx context.Context, c project.AppConfig) (*plannedApp, error) {
	found, err := project.Discover(ctx, project.Go{Tool: "go", Flags: o.BuildFlags}, c.Path)
	if err != nil {
		return nil, err
	}
	a := &plannedApp{name: cmp.Or(c.Name, found.Name), project: found, addr: c.Addr, settings: o.settings()}
	a.env = os.Environ()
	if found.YAML != nil {
		a.env = with(a.env, found.YAML.Env)
	}
	a.env = with(a.env, c.Env)
	return a, nil
}

// with adds variables to an environment; a later one wins.
func with(env []string, more map[string]string) []string {
	for _, name := range slices.Sorted(maps.Keys(more)) {
		env = append(env, name+"="+more[name])
	}
	return env
}

func checkNames(apps []*plannedApp) error {
	seen := map[string]string{}
	for _, a := range apps {
		if other, ok := seen[a.name]; ok {
			return usagef("%s and %s are both called %q; give them names in devserver.yaml (apps: name, path)", other, a.project.Dir, a.name)
		}
		seen[a.name] = a.project.Dir
	}
	return nil
}

// newStandins puts those of the flags on those of devserver.yaml.
func newStandins(flags []string, c *project.Config) ([]project.Standin, error) {
	var given []project.Standin
	for _, text := range flags {
		s, err := project.ParseStandin(text)
		if err != nil {
			return nil, err
		}
		given = append(given, s)
	}
	return project.MergeStandins(c.Standins, given)
}

// listen takes all ports before anything slow is done.
func (p *plan) listen(o *Options) (console net.Listener, err error) {
	var open []net.Listener
	defer func() {
		if err != nil {
			for _, ln := range open {
				ln.Close()
			}
		}
	}()
	if console, err = listen("console", p.console, "--console"); err != nil {
		return nil, err
	}
	open = append(open, console)
	for _, a := range p.apps {
		if a.listener, err = listen(a.name, a.addr, "--addr"); err != nil {
			return nil, err
		}
		open = append(open, a.listener)
		if a.settings.debug == "" {
			continue
		}
		if a.debugger, err = listen(a.name+"'s debugger", a.settings.debug, "--debug"); err != nil {
			return nil, err
		}
		open = append(open, a.debugger)
	}
	return console, nil
}

// warnings are parts of the configuration that have no effect.
func (p *plan) warnings() []string {
	var all []string
	for _, a := range p.apps {
		if a.project.YAML == nil {
			continue
		}
		for _, i := range a.project.YAML.Ignored {
			all = append(all, fmt.Sprintf("%s:%d: %s has no effect here", a.project.Rel(i.File), i.Line, i.Key))
		}
	}
	return all
}
