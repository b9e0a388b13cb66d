// Package watch tells when what an app is made of has changed.
package watch

import (
	"context"
	"errors"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// Kind says what a change asks for; a greater one includes the smaller ones.
type Kind int

// The kinds.
const (
	Static   Kind = iota // style sheets, scripts, pictures: the browser loads them again
	Template             // a file that the program reads at its start: restart, nothing to build
	Source               // part of the build
	Settings             // devserver.yaml, app.yaml
)

// Change is a burst of changed files.
type Change struct {
	Files []string  // absolute, sorted
	Kind  Kind      // the greatest of its files
	At    time.Time // the first event
}

// Files is what an app is made of: from List.
type Files struct{}

// List asks the go command what the app is made of. It works for code that does not compile, too.
func List(ctx context.Context, g project.Go, a *project.App, extra ...string) (*Files, error) {
	return nil, errors.New("list: being written")
}

// Config says what a Watcher watches.
type Config struct {
	Files    *Files
	Since    time.Time     // when the first build began: what changed since is told at once; zero: nothing is
	Debounce time.Duration // quiet after the last event; 0 is 15 ms
	Warn     func(string)  // told of limits and what to do; nil discards
}

// Watcher tells of changes until it is closed.
type Watcher struct{}

// New starts to watch.
func New(c Config) (*Watcher, error) { return nil, errors.New("watch: being written") }

// Changes delivers bursts; what the receiver has not taken yet is merged with what comes later. It is closed by Close.
func (w *Watcher) Changes() <-chan Change { return nil }

// Update replaces the list. since is when the build began that read these files: of those not watched so far, what
// changed after it is told.
func (w *Watcher) Update(f *Files, since time.Time) {}

// Close ends the watching and returns when it has ended.
func (w *Watcher) Close() error { return nil }
