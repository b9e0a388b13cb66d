package devserver

import (
	"context"
	"crypto/sha256"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/build"
	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/devserver/watch"
)

// builder builds an app and keeps its file list, one build at a time. Its methods are called by the app's loop.
type builder struct {
	app      *project.App
	tool     project.Go
	out      string
	warn     func(format string, args ...any)
	extra    []string // further files to watch
	assets   watch.Assets
	noReload bool
	debug    bool
	escaped  func([]project.Escape) // told after each build what can escape
	finder   project.EscapeFinder   // owned by the build goroutines, which come one after the other
	pkgs     []project.Package      // the newest list; owned by them too, and to be dropped when tool, app or extra change
	modules  [sha256.Size]byte      // what the modules' files were when it was made

	made     madeFrom // of the next build; owned by the loop
	newest   int      // number of the newest build; owned by the loop
	busy     bool     // the newest build has not been delivered; owned by the loop
	cancel   context.CancelFunc
	last     chan struct{}              // closed when the goroutine of the newest build has ended
	calm     chan struct{}              // closed when the newest build's program serves, or never will; owned by the loop
	built    chan built                 // the result of the newest build
	watching chan (<-chan watch.Change) // delivered once, after the first build
	watcher  *watch.Watcher             // owned by the build goroutines, which come one after the other
	all      sync.WaitGroup
}

type built struct {
	number int // of the build: an older one's may still arrive
	result *build.Result
	err    error
	start  time.Time
	took   time.Duration
}

func newBuilder(a *app) *builder {
	s, tool := a.sup, a.sup.tool
	none := make(chan struct{})
	close(none)
	b := &builder{
		tool: tool, out: filepath.Join(s.data, "bin", a.name), warn: s.notices.warnf, noReload: a.settings.noReload, debug: a.debugger != nil,
		cancel: func() {}, last: none, built: make(chan built), watching: make(chan (<-chan watch.Change), 1),
	}
	b.configure(a.project, &a.configured, s.watched)
	return b
}

// madeFrom is what a build is made from that a change of settings may change.
type madeFrom struct {
	app    *project.App
	flags  []string
	extra  []string // further files to watch
	assets watch.Assets
}

// configure says what the next build is made from.
func (b *builder) configure(app *project.App, c *configured, watched []string) {
	b.made = madeFrom{app, c.settings.buildFlags, slices.Concat(watched, c.settingsFiles()), c.settings.assets}
}

// start begins a build and gives up the one before, whose result is not delivered.
func (b *builder) start(ctx context.Context, since time.Time) {
	b.cancel()
	ctx, b.cancel = context.WithCancel(ctx)
	before := b.last
	b.last, b.calm = make(chan struct{}), make(chan struct{})
	b.busy = true
	b.newest++
	number, last, calm, made := b.newest, b.last, b.calm, b.made
	b.all.Go(func() { b.build(ctx, number, before, last, calm, made) })
}

// settle says that nobody waits for the newest build's program any more.
func (b *builder) settle() {
	if b.calm != nil && isOpen(b.calm) {
		close(b.calm)
	}
}

const (
	calmLimit = 2 * time.Second        // a program that does not accept by then may be made of files that are not watched yet
	calmPause = 100 * time.Millisecond // from the swap on: the requests that waited come first
)

// awaitCalm keeps go list, which needs all cores, off the start of the program that was built and its first responses.
func awaitCalm(ctx context.Context, calm <-chan struct{}) {
	limit := time.NewTimer(calmLimit)
	defer limit.Stop()
	select {
	case <-calm:
		limit.Reset(calmPause)
	case <-limit.C:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-limit.C:
	case <-ctx.Done():
	}
}

// build waits for the end of the build before it, builds, and brings the file list up to date.
func (b *builder) build(ctx context.Context, number int, before, last, calm chan struct{}, made madeFrom) {
	defer close(last)
	<-before
	b.take(made)
	start, since := time.Now(), watch.Now()
	result, err := build.Build(ctx, build.Request{App: b.app, Go: b.tool, Out: b.out, Debug: b.debug})
	select {
	case b.built <- built{number, result, err, start, time.Since(start)}:
	case <-ctx.Done():
		return
	}
	awaitCalm(ctx, calm)
	listErr := b.relist(ctx, since)
	if ctx.Err() == nil && err == nil && listErr == nil {
		b.findEscapes(ctx, b.pkgs)
	}
}

// take has the build be made from made. A list that was made from something else is dropped.
func (b *builder) take(made madeFrom) {
	if b.app != made.app || !slices.Equal(b.tool.Flags, made.flags) || !slices.Equal(b.extra, made.extra) || !b.assets.Same(made.assets) {
		b.pkgs = nil
	}
	b.app, b.tool.Flags, b.extra, b.assets = made.app, made.flags, made.extra, made.assets
}

// relist asks the go command what the app is made of, unless that is known.
func (b *builder) relist(ctx context.Context, since time.Time) error {
	modules := b.app.Modules(b.pkgs)         // before the list: what changes meanwhile is seen next time
	served := b.noReload || b.watcher != nil // or the watcher could not be made the last time
	if served && b.pkgs != nil && modules == b.modules && b.app.Current(b.tool, b.pkgs) {
		return nil
	}
	pkgs, err := project.List(ctx, b.tool, b.app.Dir)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	b.pkgs, b.modules = pkgs, modules // none when it failed
	if !b.noReload {
		b.list(pkgs, err, since)
	}
	return err
}

// list brings the file list up to date: the build may have read other files than the one before. Where the go command could
// not make a list, the one before stays, of the first build that of the app's start.
func (b *builder) list(pkgs []project.Package, err error, since time.Time) {
	if err != nil {
		b.warn("%v; changes of some files may go unseen until it is mended", err)
		if b.watcher != nil {
			return
		}
		pkgs = b.app.Packages
	}
	files := watch.FilesOf(b.app, pkgs, b.extra...).With(b.assets)
	if b.watcher != nil {
		b.watcher.Update(files, since)
		return
	}
	built := b.app.Packages
	if b.app.Overlaid(b.tool) { // some of their files may be nowhere else
		built = nil
	}
	b.watcher, err = watch.New(watch.Config{Files: files, Since: since, Built: built, Warn: func(text string) { b.warn("%s", text) }})
	if err != nil {
		b.warn("%v; changes are not seen: start devserver again, or use --no-reload", err)
		return
	}
	b.watching <- b.watcher.Changes()
}

// prune removes programs that are not needed any more. Running ones go on.
func (b *builder) prune(keep string) {
	if b.busy {
		return
	}
	if err := build.Prune(b.out, keep); err != nil {
		b.warn("%v; old programs stay in %s", err, b.out)
	}
}

// stop gives up the build under way and ends the watching.
func (b *builder) stop() {
	b.cancel()
	b.all.Wait()
	if b.watcher != nil {
		b.watcher.Close()
	}
}
