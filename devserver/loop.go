package devserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/build"
	"github.com/seed-d81df0db/devserver/devserver/delve"
	"github.com/seed-d81df0db/devserver/devserver/livereload"
	"github.com/seed-d81df0db/devserver/devserver/proxy"
	"github.com/seed-d81df0db/devserver/devserver/watch"
	"github.com/seed-d81df0db/devserver/web"
)

const (
	stopGrace  = 5 * time.Second  // from SIGTERM to SIGKILL
	wellAfter  = 10 * time.Second // of running: what happened before does not count any more
	maxBackoff = 30 * time.Second
)

// loop owns the workers of an app. Only run touches its fields.
type loop struct {
	*app
	builder        *builder
	changes        <-chan watch.Change // nil: nothing is watched yet
	pending        []string            // files changed since the last version that was started
	reread         bool                // among them are some that a program reads at its start
	code           bool                // among them are others than style sheets
	assets         []string            // those of them that browsers load by themselves
	brokenSettings bool                // what was saved of the settings cannot be read
	failed         *livereload.Problem // of the newest build; nil: it is good
	live           *version            // serves; nil: none does
	next           *version            // has not accepted yet; nil: none is starting
	trial          trial               // of next
	good           *build.Result       // what live or next runs, or ran
	goodID         int64               // of good, in the table builds
	building       underWay            // the build that is under way
	reload         int                 // of live
	lost           string              // why nothing serves
	backoff        time.Duration       // before the last restart
	restart        *time.Timer
	silent         *time.Timer
	retired        sync.WaitGroup // versions that drain
	debugger       *delve.Server  // of live; nil: it is not debugged
}

// trial is what a version that is starting was started for.
type trial struct {
	files   []string
	built   time.Time
	counted bool     // it is a reload, or the first start
	code    bool     // others than style sheets have changed since the version that served
	reread  bool     // some have that a program reads at its start
	assets  []string // that browsers load by themselves and that changed with it
	silent  bool     // it has not accepted for a while: no request waits for it any more
}

// run builds, starts, swaps and restarts until ctx ends; then everything has ended.
func (l *loop) run(ctx context.Context) error {
	l.openDebugger()
	defer l.stop()
	l.rebuild(ctx, watch.Change{At: time.Now()})
	for {
		select {
		case changes := <-l.builder.watching:
			l.changes = changes
		case c, ok := <-l.changes:
			if !ok {
				l.changes = nil
				continue
			}
			l.changed(ctx, c)
		case b := <-l.builder.built:
			if b.number != l.builder.newest {
				continue
			}
			if err := l.built(b); err != nil {
				return err
			}
		case <-l.asked:
			l.rebuildAll(ctx)
		case <-ready(l.next):
			l.swap(ctx)
		case <-ended(l.next):
			l.nextEnded()
		case <-done(l.live):
			l.liveEnded()
		case <-l.restart.C:
			l.startAgain()
		case <-l.silent.C:
			l.isSilent()
		case <-ctx.Done():
			return nil
		}
	}
}

func newLoop(a *app, b *builder) *loop {
	l := &loop{app: a, builder: b, restart: time.NewTimer(time.Hour), silent: time.NewTimer(time.Hour)}
	l.restart.Stop()
	l.silent.Stop()
	b.escaped = a.showEscapes
	return l
}

// ready is closed once v accepts. One that has ended since is not swapped in: ended tells of it.
func ready(v *version) <-chan struct{} {
	if v == nil || !isOpen(v.Gone()) {
		return nil
	}
	return v.Ready()
}

func done(v *version) <-chan struct{} {
	if v == nil {
		return nil
	}
	return v.Done()
}

// ended is closed a moment after done, when all that the version recorded is known.
func ended(v *version) <-chan struct{} {
	if v == nil {
		return nil
	}
	return v.ended
}

// changed takes in what was saved.
func (l *loop) changed(ctx context.Context, c watch.Change) {
	if c.Kind == watch.Reload {
		l.pages.Changed(c.Files) // the app reads it anew by itself
		return
	}
	known := make(map[string]bool) // a checkout has thousands
	for _, name := range l.pending {
		known[name] = true
	}
	if c.Kind == watch.Settings {
		switch took := l.settingsChanged(ctx, c); {
		case took == (effort{}):
			return
		case !took.build:
			c.Kind = watch.Restart
		case !took.restart:
			c.Kind = watch.Source
		}
	}
	for _, f := range c.Files {
		if name := l.project.Rel(f); !known[name] {
			known[name] = true
			l.pending = append(l.pending, name)
		}
	}
	l.reread = l.reread || c.Reread || c.Kind != watch.Source
	l.assets = append(l.assets, c.Assets...)
	l.code = l.code || !livereload.OnlyStyles(c.Files)
	l.backoff = 0 // whatever made the app end before, this may have mended it
	l.proxy.Hold()
	if c.Kind == watch.Restart && l.good != nil && !l.builder.busy {
		l.restart.Stop()
		l.try(l.good, true)
		return
	}
	l.rebuild(ctx, c)
}

// rebuild begins a build; one that is under way is given up.
func (l *loop) rebuild(ctx context.Context, c watch.Change) {
	l.begin()
	l.sup.notices.tell(BuildStarted{App: l.name, Files: l.pending, First: l.good == nil})
	l.show(func(w *web.App) { w.Building = time.Now() })
	l.builder.start(ctx, c.At)
}

// built takes in the result of the newest build. The error ends devserver: nothing would ever change.
func (l *loop) built(b built) error {
	l.builder.busy = false
	l.show(func(w *web.App) { w.Building = time.Time{} })
	if b.err != nil {
		l.builder.settle()
		return l.buildFailed(b)
	}
	l.failed = nil
	if b.result.Output != "" {
		l.sup.notices.warnf("go build: %s", strings.TrimSpace(b.result.Output))
	}
	if l.runs(b.result) && !l.reread {
		id := l.recordBuild(buildUnchanged, b.start, b.took)
		if l.good.ID != b.result.ID { // what was built in between has ended
			l.good, l.goodID = b.result, id
		}
		l.sup.notices.tell(Unchanged{App: l.name, Files: l.pending, Build: b.result.Duration})
		l.builder.settle()
		if len(l.assets) > 0 {
			l.pages.Changed(l.assets)
		}
		l.pending, l.code, l.assets = nil, false, nil
		switch {
		case l.next == nil:
			l.release(nil)
		case l.trial.silent:
			l.release(l.silence())
		}
		return nil
	}
	l.good, l.goodID = b.result, l.recordBuild(buildOK, b.start, b.took)
	l.try(b.result, true)
	return nil
}

// runs tells whether the newest version is this very program.
func (l *loop) runs(b *build.Result) bool {
	newest := cmp.Or(l.next, l.live)
	return newest != nil && newest.build.ID == b.ID
}

func (l *loop) buildFailed(b built) error {
	problem := &proxy.Problem{Title: "The app does not compile", Text: b.err.Error(), Advice: "Save a version that compiles, and it is served."}
	notice := BuildFailed{App: l.name, Root: l.project.Module.Dir, Output: b.err.Error(), Duration: b.took, Serving: l.live != nil}
	var failure *build.Failure
	if errors.As(b.err, &failure) {
		notice.Output, notice.Errors, notice.Duration = failure.Output, failure.Errors, failure.Duration
	} else {
		problem.Title, problem.Advice = "The app cannot be built", "The terminal of devserver says more."
	}
	shown := web.Build{Number: l.reload, At: time.Now(), Files: l.pending, Build: notice.Duration, Serving: l.live != nil}
	for _, e := range notice.Errors {
		shown.Errors = append(shown.Errors, e.String())
	}
	if len(shown.Errors) == 0 {
		shown.Errors = []string{notice.Output}
	}
	l.recordBuild(buildFailed, b.start, b.took, shown.Errors...)
	if l.settings.noReload && l.good == nil {
		return fmt.Errorf("%s does not compile:\n%s\nmend it and start again, or leave --no-reload out", l.name, strings.TrimSpace(notice.Output))
	}
	l.sup.notices.tell(notice)
	if l.live == nil {
		l.lost = "it does not compile"
	}
	l.showBuild(shown)
	l.show(func(w *web.App) { w.Down = l.lost })
	l.failed = overPages(problem, notice.Errors...)
	l.pages.Show(l.failed)
	if l.next == nil || l.trial.silent {
		l.proxy.Release(problem)
	}
	if l.live == nil && l.next == nil && l.good != nil { // it ended while this was being built
		l.restart.Reset(minBackoff)
	}
	return nil
}

// try starts a version. One that has not accepted yet is given up.
func (l *loop) try(b *build.Result, counted bool) {
	if l.next != nil {
		l.owe()
	}
	l.dismiss()
	start := time.Now()
	v, err := l.startVersion(b, l.goodID)
	if err != nil {
		l.builder.settle()
		l.warnf("%v; it is tried again after the next change", err)
		l.release(&proxy.Problem{Title: "The app cannot be started", Text: err.Error()})
		return
	}
	l.next, l.trial = v, trial{files: l.pending, built: start, counted: counted, code: l.code, reread: l.reread, assets: l.assets}
	l.pending, l.reread, l.code, l.assets = nil, false, false, nil
	l.silent.Reset(l.settings.listenLimit)
}

// owe notes what next was started for and does not live to do.
func (l *loop) owe() {
	l.code, l.reread = l.code || l.trial.code, l.reread || l.trial.reread
	l.assets = append(l.assets, l.trial.assets...)
}

// dismiss stops next, which nobody has been served by.
func (l *loop) dismiss() {
	if l.next == nil {
		return
	}
	v := l.next
	l.next = nil
	l.silent.Stop()
	l.retired.Go(func() { v.stop(l.sup.work, stopGrace) })
}

// swap moves the traffic to next, which accepts now.
func (l *loop) swap(ctx context.Context) {
	v, old := l.next, l.live
	v.page = l.pages.Next(l.stylesOnly())
	l.live, l.next = v, nil
	l.silent.Stop()
	drained := l.proxy.Use(v)
	l.pages.Swapped(v.page, l.failed)
	l.builder.settle()
	l.debug(v)
	first := isOpen(l.ready)
	if l.trial.counted && !first {
		l.reload++
	}
	if old != nil {
		d := drain{old, l.reload, l.settings.drain}
		l.retired.Go(func() { d.run(ctx, drained) })
	}
	swap := time.Since(l.trial.built)
	l.lost = ""
	l.show(func(w *web.App) { w.Reload, w.Down = l.reload+1, "" })
	if l.trial.counted {
		l.showBuild(web.Build{Number: l.reload + 1, At: time.Now(), Files: l.trial.files, Build: v.build.Duration, Swap: swap})
	}
	l.sup.notices.tell(AppReady{
		App: l.name, URL: l.url, Console: l.sup.consoleURL, Profile: l.policy.Profile,
		Debug: l.debugAddr(), Reload: l.reload, Files: l.trial.files, Build: v.build.Duration, Swap: swap, First: first, Restarted: !l.trial.counted,
	})
	if first {
		close(l.ready)
	}
	l.builder.prune(v.build.Binary)
}

func isOpen(c <-chan struct{}) bool {
	select {
	case <-c:
		return false
	default:
		return true
	}
}

// stop ends all that the loop has started.
func (l *loop) stop() {
	l.giveUp()
	l.closeDebugger()
	l.builder.stop()
	l.restart.Stop()
	l.silent.Stop()
	l.dismiss()
	if l.live != nil {
		l.live.stop(context.Background(), stopGrace)
	}
	l.retired.Wait()
}
