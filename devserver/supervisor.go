package devserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/control"
	"github.com/seed-d81df0db/devserver/devserver/localca"
	"github.com/seed-d81df0db/devserver/devserver/otlp"
	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/devserver/toolchain"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
	"github.com/seed-d81df0db/devserver/web"
)

// supervisor joins all rooms for one Run. Its fields are set before its goroutines start, and not changed afterwards.
type supervisor struct {
	opts     Options // with what devserver.yaml said at the start put under them
	files    *configFiles
	notices  *notifier
	data     string // absolute
	journals string // folder
	watched  []string
	owner    *control.Owner
	db       *storage.DB
	ids      *ids
	peers    peers
	doors    doors
	doorCA   *localca.CA // nil: there are none
	requests *requestLog
	strays   *strays
	fleet    *fleet
	quotas   *quotaBook
	tool     project.Go
	apps     []*app
	dlv      string      // path of Delve, "": nothing is debugged
	ca       *localca.CA // nil: no app speaks TLS
	keyLog   string      // an absolute path, "": none
	otlp     *otlpOut    // nil: nothing is sent

	readers      readers
	room         *room
	journalLimit int64 // of each journal, bytes; 0: none

	live       web.Live
	touched    chan struct{}
	token      string
	consoleURL string
	keep       keep          // of the recording
	before     record.Counts // what the recording held at the start

	// work ends when even the last journal must not be read any further; it outlives Run's own context.
	work     context.Context
	stopping <-chan struct{} // closed when Run is to end
	stopWork context.CancelFunc

	outMu sync.Mutex // held while a line of an app is written

	closers []func() error // in the order in which things were opened
}

// Run runs the apps until ctx ends, then stops them, writes down what they did last, and returns nil. Every error
// ends in a way out; a *UsageError is one of options or configuration.
func Run(ctx context.Context, o Options) error {
	p, err := newPlan(ctx, &o)
	if err != nil {
		return stopped(ctx, err)
	}
	files := &configFiles{given: o, start: p}
	o = p.options
	target, err := otlpTarget(o.OTLP, o.OTLPHeaders)
	if err != nil {
		return err
	}
	if p.keyLog, err = newKeyLog(o.KeyLog); err != nil {
		return err
	}
	s := &supervisor{opts: o, files: files, notices: newNotifier(o.Notify), touched: make(chan struct{}, 1), token: control.NewToken()}
	s.files.notices = s.notices
	s.keep = p.keep
	s.room = newRoom(s.notices)
	if s.journalLimit, err = o.journalLimit(); err != nil {
		return err
	}
	s.stopping = ctx.Done()
	s.fleet = &fleet{changed: s.clockMoved}
	s.work, s.stopWork = context.WithCancel(context.Background())
	defer s.stopWork()
	err = s.start(ctx, p, target)
	return errors.Join(stopped(ctx, err), s.close())
}

// stopped is err unless the user's own stop is the reason for it.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (s *supervisor) closing(f func() error) { s.closers = append(s.closers, f) }

// close closes what was opened, the last first.
func (s *supervisor) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	return errors.Join(errs...)
}

// start opens everything and runs it until ctx ends. What is opened, close closes.
func (s *supervisor) start(ctx context.Context, p *plan, target *otlp.Target) error {
	for _, w := range p.warnings() {
		s.notices.warnf("%s", w)
	}
	if err := s.openData(p.data); err != nil {
		return err
	}
	if s.opts.ReadyFile != "" {
		os.Remove(s.opts.ReadyFile) // an earlier run's would be taken for ours; that of one which runs stays
	}
	if err := s.findDebugger(ctx, p); err != nil {
		return err
	}
	consoleLn, err := p.listen(&s.opts)
	if err != nil {
		return err
	}
	s.closing(func() error { return p.hangUp(consoleLn) })
	if err := s.openRecording(ctx); err != nil {
		return err
	}
	s.watched = candidates(&s.opts)
	s.closing(s.peers.Close)
	if err := s.openDoors(p.doors); err != nil {
		return err
	}
	s.quotas = newQuotaBook(s)
	s.keyLog = p.keyLog
	if err := s.openOTLP(ctx, target); err != nil {
		return err
	}
	s.consoleURL = urlOf("http", consoleLn)
	for _, a := range p.apps {
		if err := s.addApp(a); err != nil {
			return err
		}
	}
	return s.run(ctx, p, consoleLn)
}

// hangUp closes the listeners; most are closed already by what served on them.
func (p *plan) hangUp(console net.Listener) error {
	console.Close()
	for _, a := range p.apps {
		a.listener.Close()
		if a.debugger != nil {
			a.debugger.Close()
		}
	}
	for _, d := range p.doors {
		d.listener.Close()
	}
	return nil
}

// openData takes the data directory.
func (s *supervisor) openData(data string) (err error) {
	if s.owner, err = control.Own(data); err != nil {
		return err
	}
	s.closing(s.owner.Close)
	s.data = s.owner.Data
	s.journals = filepath.Join(s.data, "journal")
	if err := os.MkdirAll(s.journals, 0o700); err != nil {
		return fmt.Errorf("data directory: %w; choose another with --data", err)
	}
	return s.sweepData()
}

// rootsFolder is the folder in the data directory with certificates that apps trust.
const rootsFolder = "roots"

// sweepData removes what a devserver that was killed has left: configurations of its workers, and what they trusted.
func (s *supervisor) sweepData() error {
	left, err := filepath.Glob(filepath.Join(s.data, "agent-*.json"))
	err = errors.Join(err, os.RemoveAll(filepath.Join(s.data, rootsFolder)))
	for _, file := range left {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

// openRecording opens the recording and brings in what was left behind.
func (s *supervisor) openRecording(ctx context.Context) (err error) {
	path := filepath.Join(s.data, "recording.db")
	s.db, err = storage.Open(path, storage.Options{})
	var damaged *storage.DamagedError
	if errors.As(err, &damaged) {
		aside, moved := storage.SetAside(path, time.Now())
		if moved != nil {
			return errors.Join(err, moved)
		}
		s.notices.warnf("%v; it is kept as %s, and a new recording is begun", err, aside)
		s.db, err = storage.Open(path, storage.Options{})
	}
	if err != nil {
		return err
	}
	s.closing(s.db.Close)
	s.strays = &strays{sup: s, claimed: map[string]bool{}}
	if err := s.strays.recover(ctx); err != nil {
		return err
	}
	if err := s.openIDs(ctx); err != nil {
		return err
	}
	s.requests = newRequestLog(s.db, s.ids, s.notices.warnOnce, func(id uint64) {
		s.otlp.request(id)
		s.touch()
	})
	s.closing(func() error { s.requests.Close(); return nil })
	s.before, err = s.db.Counts(ctx, 0)
	return err
}

// openIDs makes sure that no id of the recording is given out again, whatever happened to the file that counts them.
func (s *supervisor) openIDs(ctx context.Context) (err error) {
	if s.ids, err = openIDs(filepath.Join(s.data, "ids")); err != nil {
		return err
	}
	s.closing(s.ids.Close)
	socket, request, err := s.db.MaxIDs(ctx)
	if err != nil {
		return err
	}
	s.ids.SetFloor(uint64(socket), uint64(request))
	return nil
}

func (s *supervisor) addApp(p *plannedApp) error {
	a, err := s.newApp(p)
	if err != nil {
		return err
	}
	s.closing(a.usage.Close)
	s.apps = append(s.apps, a)
	return nil
}

// openToolchain makes the patched Go, or finds it. All apps are built with that of the first one's folder.
func (s *supervisor) openToolchain(ctx context.Context, dir string) (*toolchain.Toolchain, error) {
	t, err := toolchain.Ensure(ctx, toolchain.Config{Dir: dir, Progress: func(step string, done, total int) {
		s.notices.tell(ToolchainProgress{Step: step, Done: done, Total: total})
	}})
	if err != nil {
		return nil, err
	}
	s.tool = project.Go{Tool: t.Go(), Env: t.Env(os.Environ())}
	return t, nil
}
