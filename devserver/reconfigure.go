package devserver

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/devserver/proxy"
	"github.com/seed-d81df0db/devserver/devserver/watch"
	"github.com/seed-d81df0db/devserver/web"
)

// effort is what it takes to apply a changed setting; nothing where it holds already.
type effort struct {
	restart bool // the worker starts again
	build   bool // the app is built again
}

func (e effort) and(o effort) effort { return effort{e.restart || o.restart, e.build || o.build} }

// settingsChanged takes in a change among whose files are those with settings, and says what is left to do about it.
func (l *loop) settingsChanged(ctx context.Context, c watch.Change) effort {
	var took effort
	for _, f := range c.Files {
		if !l.holdsSettings(f) {
			took = effort{restart: true, build: true} // it may be a template or code
		}
	}
	now, found, err := l.readSettings(ctx)
	if ctx.Err() != nil {
		return took
	}
	var more effort
	if err == nil {
		more, err = l.apply(c, now, found)
	}
	switch {
	case err != nil:
		l.settingsBroken(c, err)
	case l.brokenSettings:
		l.brokenSettings = false
		l.sup.files.broken("")
		l.showProblem(nil)
	}
	return took.and(more)
}

// showProblem shows what is wrong with the settings where an old version serves; nil: nothing is any more. Where none serves,
// what is shown already is why.
func (l *loop) showProblem(problem *proxy.Problem) {
	if l.live != nil && l.next == nil && !l.builder.busy {
		l.release(problem)
	}
}

// holdsSettings tells whether a file is one of those that readSettings reads.
func (l *loop) holdsSettings(file string) bool {
	return file == filepath.Join(l.project.Dir, project.AppYAMLName) || slices.Contains(l.settingsFiles(), file) ||
		slices.Contains(l.sup.watched, file) || slices.Contains(project.Candidates(l.project.Dir), file)
}

// readSettings reads all that is said of the app. With new build flags the go command is asked about the app again: tags
// choose its files.
func (l *loop) readSettings(ctx context.Context) (configured, *project.App, error) {
	var none configured
	o, config, err := l.sup.files.read()
	if err != nil {
		return none, nil, err
	}
	found := *l.project
	if found.YAML, err = project.LoadAppYAML(found.Dir); err != nil {
		return none, nil, err
	}
	said := appOf(config, l.name, l.files.Path)
	now, err := o.configure(config, &said, &found)
	if err != nil || slices.Equal(now.settings.buildFlags, l.settings.buildFlags) {
		return now, &found, err
	}
	tool := l.sup.tool
	tool.Flags = now.settings.buildFlags
	other, err := project.Discover(ctx, tool, found.Dir)
	return now, other, err
}

// settingsBroken: what was in force goes on, and what is wrong is told with its place.
func (l *loop) settingsBroken(c watch.Change, err error) {
	l.brokenSettings = true
	var files []string
	for _, f := range c.Files {
		files = append(files, l.project.Rel(f))
	}
	l.showBuild(web.Build{Number: l.reload, At: time.Now(), Files: files, Errors: strings.Split(err.Error(), "\n"), Serving: l.live != nil})
	l.sup.files.broken(fmt.Sprintf("%v; what was set before goes on", err))
	l.showProblem(&proxy.Problem{Title: "The settings cannot be read", Text: err.Error(), Advice: "What was set before goes on. Save settings that can be read."})
}

// apply has the app run by what is new, says what that is, and returns what is left to do. An error changes nothing.
func (l *loop) apply(c watch.Change, now configured, found *project.App) (effort, error) {
	was := l.configured
	changed, took := difference(&was, &now)
	took.build = took.build || !slices.Equal(was.settingsFiles(), now.settingsFiles()) // the build brings the list of files up to date
	if !project.SameHandlers(l.project.YAML, found.YAML) {
		changed = append(changed, "handlers")
	}
	fixed := keepFixed(&was, &now)
	if len(fixed) > 0 {
		l.sup.notices.warnOnce("%s: start devserver again to apply what has changed of %s", l.name, strings.Join(fixed, ", "))
	}
	if len(changed) > 0 || !slices.Equal(was.settingsFiles(), now.settingsFiles()) {
		if err := l.use(now); err != nil {
			return effort{}, err
		}
		l.useFiles(found)
		l.proxy.Configure(now.settings.serveOld, now.settings.waitLimit)
		l.project = found
		l.builder.configure(found, &now, l.sup.watched)
	}
	if len(changed) > 0 {
		var files []string
		for _, f := range c.Files {
			if l.holdsSettings(f) {
				files = append(files, l.project.Rel(f))
			}
		}
		l.sup.notices.tell(Note{fmt.Sprintf("%s: %s gets %s", strings.Join(files, ", "), l.name, strings.Join(changed, ", "))})
	}
	return took, nil
}

// keepFixed leaves in now what cannot change while the app runs, and names what would have.
func keepFixed(was, now *configured) (keys []string) {
	a, b := &was.settings, &now.settings
	for _, x := range []struct {
		key    string
		differ bool
	}{
		{"reload", a.noReload != b.noReload}, {"live_reload", a.liveReload != b.liveReload}, {"tls", a.tls != b.tls}, {"debug", a.debug != b.debug},
	} {
		if x.differ {
			keys = append(keys, x.key)
		}
	}
	b.noReload, b.liveReload, b.tls, b.debug = a.noReload, a.liveReload, a.tls, a.debug
	return keys
}

// difference says what differs of what can change, and what it takes.
func difference(was, now *configured) (changed []string, took effort) {
	restart, build, nothing := effort{restart: true}, effort{build: true}, effort{}
	note := func(differs bool, e effort, format string, args ...any) {
		if differs {
			changed, took = append(changed, fmt.Sprintf(format, args...)), took.and(e)
		}
	}
	names := differentVariables(was.variables, now.variables)
	note(len(names) > 0, restart, "env %s", strings.Join(names, " "))
	switch {
	case was.policy.Profile != now.policy.Profile:
		note(true, restart, "profile %s", now.policy.Profile)
	case !reflect.DeepEqual(was.policy, now.policy):
		note(true, restart, "other rules")
	}
	note(!slices.Equal(was.standins, now.standins), restart, "stand-ins: %d", len(now.standins))
	note(!reflect.DeepEqual(was.capture, now.capture), restart, "capture")
	a, b := &was.settings, &now.settings
	note(!slices.Equal(a.buildFlags, b.buildFlags), build, "build_flags %s", strings.Join(b.buildFlags, " "))
	note(a.serveOld != b.serveOld, nothing, "on_build %s", onBuildWord(b.serveOld))
	note(a.waitLimit != b.waitLimit, nothing, "wait_limit %v", b.waitLimit)
	note(a.drain != b.drain, nothing, "drain %v", b.drain)
	note(!a.assets.Same(b.assets), build, "assets") // for the list of files
	return changed, took
}

func onBuildWord(serveOld bool) string {
	if serveOld {
		return "serve-old"
	}
	return "wait"
}

// differentVariables are the names of those that are new, have gone, or have another value.
func differentVariables(was, now []variable) []string {
	values := func(all []variable) map[string]string {
		m := map[string]string{}
		for _, v := range all {
			m[v.name] = v.value
		}
		return m
	}
	a, b := values(was), values(now)
	names := map[string]bool{}
	for name, value := range b {
		if old, ok := a[name]; !ok || old != value {
			names[name] = true
		}
	}
	for name := range a {
		if _, ok := b[name]; !ok {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
