package devserver

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/seed-d81df0db/devserver/devserver/build"
	"github.com/seed-d81df0db/devserver/devserver/livereload"
	"github.com/seed-d81df0db/devserver/devserver/worker"
	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// version is a build of an app, the worker that runs it, and the worker's journal.
type version struct {
	*worker.Worker
	app     *app
	build   *build.Result
	run     int64 // runs.id
	started time.Time
	journal *ingester
	lines   *lines
	sent    *sentRequests
	page    livereload.Version // what pages call it; set before it gets a request
	stopped atomic.Bool        // it was asked to end while it ran
	helpers sync.WaitGroup     // what speaks to the worker for a while
	ended   chan struct{}      // closed when the worker is dead and all of its journal is in the recording

	mu    sync.Mutex
	other string // where else it asked to listen; guarded by mu
}

// startVersion starts a worker for a build, which has that id in the recording. The worker's end is there when ended is
// closed.
func (a *app) startVersion(b *build.Result, id int64) (*version, error) {
	s := a.sup
	v := &version{app: a, build: b, started: time.Now(), ended: make(chan struct{})}
	run := record.Run{
		App: a.name, StartedAt: v.started.UnixNano(), GoVersion: a.project.GoVersion, Revision: b.ID, BuildMS: b.Duration.Milliseconds(),
		Profile: a.policy.Profile, BuildID: id,
	}
	var err error
	if v.run, err = s.db.StartRun(run); err != nil {
		return nil, fmt.Errorf("start the app: %w", err)
	}
	v.lines = newLines(s.db, v.run, a.name, s.notices.warnOnce)
	v.sent = newSentRequests(s.requests, v.run, a.name)
	offset, _ := s.fleet.clock()
	v.Worker, err = worker.Start(worker.Config{
		Binary: b.Binary, Dir: a.project.Dir, Env: s.trusting(a.env), Agent: a.agentConfig(v.run, offset),
		ConfigFile: filepath.Join(s.data, "agent-"+strconv.FormatInt(v.run, 10)+".json"),
		Output: func(l worker.Line) {
			v.lines.hear(l)
			a.output(l)
		},
		Said: v.said,
	})
	if err != nil {
		s.db.EndRun(v.run, time.Now().UnixNano(), err.Error())
		return nil, err
	}
	if err := s.db.FinishRun(record.Run{ID: v.run, PID: v.PID()}); err != nil {
		s.notices.warnf("%v", err)
	}
	v.followJournal()
	v.helpers.Go(v.noteReady)
	s.fleet.add(v, offset)
	go v.watchEnd()
	return v, nil
}

// agentConfig is what the agent of a run is told.
func (a *app) agentConfig(run int64, offset time.Duration) wire.Config {
	return wire.Config{
		Version: wire.Version, App: a.name, Run: run,
		Policy: *a.policy, Standins: a.standins, ClockOffset: offset, Capture: a.capture, KeyLog: a.sup.keyLog,
		JournalDir: a.sup.journals, Journal: journalName(run), JournalLimit: a.sup.journalLimit,
		IDs: a.sup.ids.path, Usage: a.usage.path,
		Port: a.port, Root: a.project.Module.Dir, UserPaths: a.project.UserPaths(), Output: true, Debugged: a.debugger != nil,
	}
}

// journalName is unlike the names that processes make up for themselves.
func journalName(run int64) string { return journalPrefix + strconv.FormatInt(run, 10) }

const journalPrefix = "run-"

// followJournal reads the worker's journal into the recording.
func (v *version) followJournal() {
	s := v.app.sup
	seen := newObserver(v.app.name, s.notices, &s.fleet.reclaimed)
	seen.listens = v.listensOn
	v.journal = &ingester{
		db: s.db, dir: s.journals, name: journalName(v.run), app: v.app.name, run: v.run, writer: v.Done(),
		written: func(events []sandbox.Event) {
			seen.see(events)
			v.lines.journaled(events)
			v.sent.journaled(events)
			s.otlp.see(events)
			s.touch()
		},
		quiet: v.quiet,
		warn:  s.notices.warnOnce, notices: s.notices, room: s.room, limit: s.journalLimit, changed: s.touch, ending: s.stopping,
	}
	s.strays.claim(v.journal.name)
	s.readers.add(v.journal)
	v.journal.start(s.work)
}

// quiet is called when all that the worker's journal held is in the recording.
func (v *version) quiet() {
	v.lines.quiet()
	v.sent.quiet()
}

// watchEnd writes down how the worker ended, after everything that it had recorded.
func (v *version) watchEnd() {
	defer close(v.ended)
	s := v.app.sup
	<-v.Done()
	at := time.Now().UnixNano()
	s.fleet.remove(v)
	<-v.journal.done
	s.readers.remove(v.journal)
	v.lines.end(v.journal.whole)
	v.sent.end(v.journal.whole)
	v.helpers.Wait()
	v.noteLastWords()
	s.strays.forget(v.journal.name)
	if err := s.db.EndRun(v.run, at, v.Exit()); err != nil {
		s.notices.warnOnce("%v", err)
	}
	s.otlp.look() // what the run left open has ended with it
	s.touch()
}

// noteReady writes down when the app accepted for the first time.
func (v *version) noteReady() {
	select {
	case <-v.Ready():
	case <-v.Done():
		if isOpen(v.Ready()) {
			return
		}
	}
	if err := v.app.sup.db.FinishRun(record.Run{ID: v.run, ReadyAt: time.Now().UnixNano()}); err != nil {
		v.app.sup.notices.warnOnce("%v", err)
	}
}

// noteLastWords writes down the end of what the app wrote, where it ended by itself or before it was ready.
func (v *version) noteLastWords() {
	words := strings.ToValidUTF8(strings.Join(v.LastLines(), "\n"), "\uFFFD")
	if v.stopped.Load() && !isOpen(v.Ready()) || words == "" {
		return
	}
	if err := v.app.sup.db.FinishRun(record.Run{ID: v.run, LastWords: words}); err != nil {
		v.app.sup.notices.warnOnce("%v", err)
	}
}

// said hears the agent.
func (v *version) said(m wire.Message) {
	if m.TLS {
		v.app.sup.notices.warnOnce("%s serves TLS on $PORT; production ends TLS in front of the app: serve plain HTTP there", v.app.name)
	}
	if m.Type == worker.Garbled {
		v.app.sup.notices.warnf("the agent in %s speaks another language (%s); remove the patched Go with devserver doctor's advice, and start again", v.app.name, m.Error)
	}
}

// listensOn notes where the app listens besides $PORT.
func (v *version) listensOn(addr string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.other == "" {
		v.other = addr
	}
}

// elsewhere says where the app listens instead of on $PORT, "" when it has not asked to.
func (v *version) elsewhere() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.other
}

// stop ends the worker within the grace, or sooner when ctx ends, and waits until its end is in the recording.
func (v *version) stop(ctx context.Context, grace time.Duration) {
	if isOpen(v.Done()) {
		v.stopped.Store(true)
	}
	v.Stop(ctx, grace)
	<-v.ended
}

// label is the app's name, as wide as the longest of all.
func (a *app) label(stderr bool) string {
	wide, at := 0, 0
	for i, o := range a.sup.apps {
		wide = max(wide, utf8.RuneCountInString(o.name))
		if o == a {
			at = i
		}
	}
	name := a.name + strings.Repeat(" ", wide-utf8.RuneCountInString(a.name))
	if dress := a.sup.opts.Label; dress != nil {
		return dress(name, at, stderr)
	}
	return name
}

// output passes a line of the app on, with the app's name in front when there are several. Lines come one at a time.
func (a *app) output(l worker.Line) {
	s := a.sup
	w := s.opts.Stdout
	if l.Stream == worker.Stderr {
		w = s.opts.Stderr
	}
	if w == nil {
		return
	}
	text := l.Text + "\n"
	if len(s.apps) > 1 {
		text = a.label(l.Stream == worker.Stderr) + " | " + text
	}
	s.outMu.Lock()
	defer s.outMu.Unlock()
	io.WriteString(w, text)
}
