package devserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	doors   doors // opened by listen
	data    string
	console string
	config  *project.Config
	keyLog  string  // an absolute path, "": none
	options Options // with what devserver.yaml says put under them
}

// plannedApp is an app before anything of it is opened.
type plannedApp struct {
	name     string
	project  *project.App
	addr     string
	listener net.Listener // see supervisor.listen
	files    project.AppConfig
	configured
	debugAt  string       // of settings.debug, which several apps may have been told, the one address of this app
	debugger net.Listener // for debugAt, nil without; see supervisor.listen
}

// configured is what the files say of an app, with the flags put on it: all that can change while it runs.
type configured struct {
	policy    *sandbox.Policy
	under     JudgeOptions // under which NewJudge judges as policy does
	standins  []project.Standin
	variables []variable
	env       []string
	watched   []string // files with variables that were read for it, there or not
	profiles  []string // files that its profile was read from
	settings  settings
	capture   sandbox.Capture
}

// settingsFiles are those that were read for the app alone, there or not.
func (c *configured) settingsFiles() []string { return slices.Concat(c.watched, c.profiles) }

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
func newPlan(ctx context.Context, given *Options) (*plan, error) {
	own := *given
	o := &own
	if err := o.check(); err != nil {
		return nil, err
	}
	config, err := locate(o)
	if err != nil {
		return nil, &UsageError{err}
	}
	if err := o.merge(config); err != nil {
		return nil, err
	}
	p := &plan{config: config, data: o.Data, console: cmp.Or(o.Console, defaultConsole)}
	if p.keep, err = parseKeep(o.Keep); err != nil {
		return nil, err
	}
	wanted, err := wantedApps(o, config)
	if err != nil {
		return nil, err
	}
	for _, w := range wanted {
		a, err := o.planApp(ctx, config, w)
		if err != nil {
			return nil, err
		}
		p.apps = append(p.apps, a)
	}
	if err := spreadDebuggers(p.apps); err != nil {
		return nil, err
	}
	if p.data == "" {
		p.data = filepath.Join(p.apps[0].project.Dir, ".devserver")
	}
	if err := checkNames(p.apps); err != nil {
		return nil, err
	}
	p.options = *o
	p.doors, err = newDoors(p.apps, config)
	return p, err
}

// locate finds devserver.yaml from the first app's folder.
func locate(o *Options) (*project.Config, error) { return project.Locate(o.Config, o.firstDir()) }

// candidates are the files that locate would read, there or not, absolute.
func candidates(o *Options) []string {
	if o.Config == "" {
		return project.Candidates(o.firstDir())
	}
	file, err := filepath.Abs(o.Config)
	if err != nil {
		return nil
	}
	return []string{file}
}

func (o *Options) firstDir() string {
	if len(o.Dirs) > 0 {
		return o.Dirs[0]
	}
	return "."
}

// wantedApps are the folders of the command line, with what devserver.yaml says about them, or else its apps, or
// else the current folder.
func wantedApps(o *Options, c *project.Config) ([]project.AppConfig, error) {
	var wanted []project.AppConfig
	for _, dir := range o.Dirs {
		wanted = append(wanted, folderOf(c, dir))
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
			a.Addr = c.Addr
			if o.given("addr", o.Addr) || a.Addr == "" {
				a.Addr = cmp.Or(o.Addr, defaultAddr)
			}
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

// folderOf is what devserver.yaml says about a folder.
func folderOf(c *project.Config, dir string) project.AppConfig {
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

// appOf is what devserver.yaml says about an app that runs, whose folder was named so at the start: several may have one.
func appOf(c *project.Config, name, path string) project.AppConfig {
	for _, a := range c.Apps {
		if a.Path == path && a.AppName() == name {
			return a
		}
	}
	return folderOf(c, path)
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
func (o *Options) planApp(ctx context.Context, c *project.Config, a project.AppConfig) (*plannedApp, error) {
	settings, err := o.settingsOf(c, &a.Settings)
	if err != nil {
		return nil, &UsageError{err}
	}
	found, err := project.Discover(ctx, project.Go{Tool: "go", Flags: settings.buildFlags}, a.Path)
	if err != nil {
		return nil, err
	}
	p := &plannedApp{name: cmp.Or(a.Name, found.Name), project: found, addr: a.Addr, files: a}
	p.configured, err = o.configure(c, &a, found)
	if err != nil {
		return nil, &UsageError{err}
	}
	return p, nil
}

// configure puts together what flags and files say of an app. All that is wrong is told at once.
func (o *Options) configure(c *project.Config, a *project.AppConfig, found *project.App) (configured, error) {
	var x configured
	var errs [5]error
	x.settings, errs[0] = o.settingsOf(c, &a.Settings)
	x.policy, x.under, x.profiles, errs[1] = newPolicy(o, c, a)
	x.standins, errs[2] = newStandins(o.Standins, c, a)
	x.variables, x.env, x.watched, errs[3] = environ(os.Environ(), found, c, &a.Settings)
	x.capture, errs[4] = newCapture(o)
	return x, errors.Join(errs[:]...)
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

// newStandins puts those of the flags on those of the app, and these on those of all apps.
func newStandins(flags []string, c *project.Config, a *project.AppConfig) ([]project.Standin, error) {
	var given []project.Standin
	for _, text := range flags {
		s, err := project.ParseStandin(text)
		if err != nil {
			return nil, err
		}
		given = append(given, s)
	}
	own, err := project.MergeStandins(c.Standins, a.Standins)
	if err != nil {
		return nil, err
	}
	return project.MergeStandins(own, given)
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
		if a.debugAt == "" {
			continue
		}
		if a.debugger, err = listen(a.name+"'s debugger", a.debugAt, "--debug"); err != nil {
			return nil, err
		}
		open = append(open, a.debugger)
	}
	for _, d := range p.doors {
		if err = d.open(); err != nil {
			return nil, err
		}
		open = append(open, d.listener)
	}
	return console, nil
}

// warnings are parts of the configuration that have no effect.
func (p *plan) warnings() []string {
	var all []string
	for _, a := range p.apps {
		for _, v := range a.variables {
			if v.name == "PORT" && v.origin != fromEnvironment {
				all = append(all, v.origin+": PORT has no effect here; addr in devserver.yaml, or --addr, says where the app answers")
			}
		}
		if a.project.YAML == nil {
			continue
		}
		for _, i := range a.project.YAML.Ignored {
			all = append(all, fmt.Sprintf("%s:%d: %s has no effect here", a.project.Rel(i.File), i.Line, i.Key))
		}
	}
	return all
}
