// Package watch tells when what an app is made of has changed.
//
// List asks the go command what that is. A Watcher watches the folders of these files and waits after an event until
// it is quiet; then it looks at the content: a save that changes nothing is not told, and how an editor saves (in place,
// over a temporary file, with a backup) makes no difference. The list is renewed by Update, after a build
// and beside it: go list takes as long as a small build.
//
//	events ─► of interest? ─► dirty files ─ quiet ─► another content? ─► Change
//	               ▲                                       ▲
//	             Files ◄────────── Update                contents as they were built
package watch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// Kind says what a change asks for; a greater one includes the smaller ones, where the build makes another program.
type Kind int

// The kinds.
const (
	Reload   Kind = iota // the program reads it by itself, as style sheets, scripts, pictures: the browser loads it again
	Restart              // a file that the program may read at its start only, as templates: nothing to build
	Source               // part of the build
	Settings             // devserver.yaml, app.yaml
)

// Change is a burst of changed files.
type Change struct {
	Files []string  // absolute, sorted; removed ones too
	Kind  Kind      // the greatest of its files
	At    time.Time // the first event

	Assets []string // those of Files that ask for Reload, sorted
	Reread bool     // some of Files ask for Restart
}

// add adds a file.
func (c *Change) add(file string, k Kind) {
	c.Files, c.Kind = append(c.Files, file), max(c.Kind, k)
	switch k {
	case Reload:
		c.Assets = append(c.Assets, file)
	case Restart:
		c.Reread = true
	}
}

// merge adds a later change.
func (c *Change) merge(later Change) {
	if len(c.Files) == 0 {
		*c = later
		return
	}
	c.Files = merged(c.Files, later.Files)
	c.Assets = merged(c.Assets, later.Assets)
	c.Kind, c.Reread = max(c.Kind, later.Kind), c.Reread || later.Reread
}

// merged are both, sorted.
func merged(a, b []string) []string {
	all := append(a, b...)
	slices.Sort(all)
	return slices.Compact(all)
}

// Config says what a Watcher watches.
type Config struct {
	Files    *Files
	Since    time.Time         // when the first build began, by Now: what changed since is told at once; zero: nothing is
	Built    []project.Package // what the first build may have been made of: which of their files have gone is told at once too
	Debounce time.Duration     // quiet after the last event; 0 is 15 ms
	Poll     time.Duration     // look so often instead of letting the system tell; 0: only when the system cannot
	Warn     func(string)      // told of limits and what to do about them; nil discards
}

// Watcher tells of changes until it is closed.
type Watcher struct {
	changes chan Change
	updates chan update
	stop    context.CancelFunc
	ended   chan struct{}
	running sync.WaitGroup
}

// update is a new list, and when the build began that read its files.
type update struct {
	files *Files
	since time.Time
}

// New starts to watch. It returns before all folders are watched; what changes meanwhile is found by the files' times.
func New(c Config) (*Watcher, error) { return newWatcher(c, openSystem) }

// newWatcher is New with the way to the system's notifier given.
func newWatcher(c Config, system func() (notifier, error)) (*Watcher, error) {
	if c.Files == nil {
		return nil, errors.New("watch: Config.Files is nil")
	}
	if c.Debounce <= 0 {
		c.Debounce = quiet
	}
	if c.Warn == nil {
		c.Warn = func(string) {}
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &Watcher{changes: make(chan Change), updates: make(chan update), stop: stop, ended: make(chan struct{})}
	l := &loop{
		Watcher: w, debounce: c.Debounce, dirty: make(map[string]bool), timer: time.NewTimer(0),
		tree: newTree(c, system),
	}
	l.timer.Stop()
	w.running.Go(func() { l.run(ctx, update{c.Files, c.Since}, c.Built) })
	return w, nil
}

// Changes delivers bursts; what the receiver has not taken yet is merged with what comes later. Close closes it.
func (w *Watcher) Changes() <-chan Change { return w.changes }

// Update replaces the list. since is when the build began that read these files, by Now: of those not watched so far, what
// changed after it is told. A list of code that could not be read in full is added to the one before.
func (w *Watcher) Update(f *Files, since time.Time) {
	select {
	case w.updates <- update{f, since}:
	case <-w.ended:
	}
}

// Close ends the watching and returns when it has ended.
func (w *Watcher) Close() error {
	w.stop()
	w.running.Wait()
	return nil
}
