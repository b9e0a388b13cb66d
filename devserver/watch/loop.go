package watch

import (
	"context"
	"slices"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

const (
	quiet   = 15 * time.Millisecond  // the default: an editor's write, rename and chmod come within one
	longest = 500 * time.Millisecond // a burst without end (git checkout, a generator) is told in parts
	grace   = 50 * time.Millisecond  // for a file that is missing or empty: most editors write it next
)

// loop owns all that changes in time. No other goroutine touches it, so no lock guards it.
type loop struct {
	*Watcher
	tree     *tree
	debounce time.Duration
	timer    *time.Timer
	dirty    map[string]bool // had an event, not told yet
	first    time.Time       // the first event of the burst
	graced   bool            // the burst has waited for a missing or empty file
	pending  Change          // not taken yet
}

func (l *loop) run(ctx context.Context, u update, built []project.Package) {
	defer close(l.changes)
	defer close(l.ended)
	defer l.tree.close()
	l.mark(l.tree.use(u))
	l.mark(l.tree.missing(built))
	for {
		var out chan Change
		if len(l.pending.Files) > 0 {
			out = l.changes
		}
		select {
		case <-ctx.Done():
			return
		case n := <-l.tree.notifier.Notices():
			l.mark(l.tree.notice(n))
		case u := <-l.updates:
			l.mark(l.tree.use(u))
		case <-l.timer.C:
			l.settle()
		case out <- l.pending:
			l.pending = Change{}
		}
	}
}

// mark notes files that may have changed and waits for quiet, but not for ever.
func (l *loop) mark(files []string) {
	if len(files) == 0 {
		return
	}
	if len(l.dirty) == 0 {
		l.first, l.graced = time.Now(), false
	}
	for _, f := range files {
		l.dirty[f] = true
	}
	l.timer.Reset(max(0, min(l.debounce, longest-time.Since(l.first))))
}

// settle looks at the dirty files and tells those that have another content.
func (l *loop) settle() {
	c := Change{At: l.first}
	var looks []look
	for file := range l.dirty {
		k := l.tree.look(file)
		if k.doubtful && !l.graced {
			l.graced = true
			l.timer.Reset(grace)
			return
		}
		looks = append(looks, k)
	}
	for _, k := range looks {
		if k.changed {
			l.tree.accept(k)
			c.add(k.file, k.kind)
		}
	}
	clear(l.dirty)
	if len(c.Files) > 0 {
		slices.Sort(c.Files)
		slices.Sort(c.Assets)
		l.pending.merge(c)
	}
}
