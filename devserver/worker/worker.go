// Package worker runs a built program under an agent and speaks to it (see runtime/wire).
//
// A Worker is one process in a group of its own. It is ready once the program has accepted on $PORT, which only
// Hand leads to: the front proxy asks for a connection, Hand makes a loopback TCP pair and sends one end into the
// process.
//
//	Start ─► Hello ─► Listening ─► Accepting (Ready) ─► Hand, SetClock, CloseSocket … ─► Stop or its own end (Done)
//
// When the process ends, whatever it started in its group is killed too, and Done is closed after all of its output
// has been read.
package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/wire"
)

// The descriptors of Config.Agent in the process: exec.Cmd puts ExtraFiles behind the standard three.
const (
	controlFD = 3
	connFD    = 4
)

// ErrGone says that the process has ended. A connection or a command that met it was not carried out.
var ErrGone = errors.New("the app's process has ended")

// Config says what a worker runs.
type Config struct {
	Binary     string
	Args       []string
	Dir        string   // the program's working directory
	Env        []string // its whole environment; Start adds PORT and the agent's variable
	Agent      wire.Config
	ConfigFile string // where Start writes Agent, for the process alone to read; removed at its end

	Output func(Line)         // hears every line the program writes, one at a time; nil: dropped
	Said   func(wire.Message) // hears what the agent says, but for answers to commands, one at a time; nil: nobody
}

// A Worker is a running program. Its methods may be called from any goroutine.
type Worker struct {
	cmd     *exec.Cmd
	conf    Config
	control *net.UnixConn
	conns   *net.UnixConn
	out     *output

	ready chan struct{} // closed at the first Accept on $PORT
	gone  chan struct{} // closed when the process has ended: nothing can be asked of it any more
	done  chan struct{} // closed when its group is dead and its output is read
	err   error         // of the process; set before gone is closed

	mu       sync.Mutex
	dead     bool                     // the process has ended: its id may become another's; guarded by mu
	lastID   uint64                   // guarded by mu
	commands map[uint64]chan error    // waiting for Done; guarded by mu
	handed   map[uint64]chan struct{} // waiting for ConnTaken; guarded by mu
}

// Start starts the program. Stop or the process's own end releases everything.
func Start(c Config) (*Worker, error) {
	w := &Worker{
		conf: c, out: newOutput(c.Output),
		ready: make(chan struct{}), gone: make(chan struct{}), done: make(chan struct{}),
		commands: map[uint64]chan error{}, handed: map[uint64]chan struct{}{},
	}
	if err := w.start(); err != nil {
		return nil, fmt.Errorf("start the app: %w", err)
	}
	return w, nil
}

func (w *Worker) start() error {
	w.conf.Agent.ControlFD, w.conf.Agent.ConnFD = controlFD, connFD
	if err := w.writeConfig(); err != nil {
		return err
	}
	theirs, err := w.openSockets()
	if err != nil {
		return err
	}
	defer closeAll(theirs)
	w.cmd = exec.Command(w.conf.Binary, w.conf.Args...)
	w.cmd.Dir = w.conf.Dir
	w.cmd.Env = append(w.conf.Env[:len(w.conf.Env):len(w.conf.Env)],
		"PORT="+strconv.Itoa(w.conf.Agent.Port), wire.Env+"="+w.conf.ConfigFile)
	w.cmd.ExtraFiles = theirs
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := w.run(); err != nil {
		w.closeSockets()
		os.Remove(w.conf.ConfigFile)
		return err
	}
	return nil
}

// writeConfig writes the agent's configuration, which names files that only this user may see.
func (w *Worker) writeConfig() error {
	text, err := json.Marshal(w.conf.Agent)
	if err != nil {
		return err
	}
	return os.WriteFile(w.conf.ConfigFile, text, 0o600)
}

// openSockets makes both sockets and returns the process's ends.
func (w *Worker) openSockets() (theirs []*os.File, err error) {
	control, controlEnd, err := socketpair(syscall.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	conns, connsEnd, err := socketpair(connSocketType)
	if err != nil {
		control.Close()
		controlEnd.Close()
		return nil, err
	}
	w.control, w.conns = control, conns
	return []*os.File{controlEnd, connsEnd}, nil
}

func (w *Worker) closeSockets() {
	w.control.Close()
	w.conns.Close()
}

// run starts the process and everything that listens to it.
func (w *Worker) run() error {
	stdout, outEnd, err := os.Pipe()
	if err != nil {
		return err
	}
	stderr, errEnd, err := os.Pipe()
	if err != nil {
		closeAll([]*os.File{stdout, outEnd})
		return err
	}
	w.cmd.Stdout, w.cmd.Stderr = outEnd, errEnd
	err = w.cmd.Start()
	closeAll([]*os.File{outEnd, errEnd})
	if err != nil {
		closeAll([]*os.File{stdout, stderr})
		return err
	}
	var heard, read sync.WaitGroup
	heard.Go(w.hear)
	heard.Go(w.hearTaken)
	read.Go(func() { w.out.read(Stdout, stdout) })
	read.Go(func() { w.out.read(Stderr, stderr) })
	go w.watch(&heard, &read, stdout, stderr)
	return nil
}

// watch waits for the end of the process, then for the end of all that listens to it.
func (w *Worker) watch(heard, read *sync.WaitGroup, pipes ...*os.File) {
	defer close(w.done)
	awaitExit(w.cmd.Process.Pid)
	w.Kill() // its children, while its id is still its own
	w.mu.Lock()
	w.dead = true
	w.mu.Unlock()
	w.err = w.cmd.Wait()
	// A child that left the group may hold the pipes and the control socket open: what comes over them from now on
	// is nobody's. What the process itself said is there already.
	late := time.AfterFunc(time.Second, func() { closeAll(pipes) })
	w.control.SetReadDeadline(time.Now().Add(time.Second))
	w.conns.SetReadDeadline(time.Now())
	heard.Wait()
	close(w.gone)
	w.closeSockets()
	read.Wait()
	late.Stop()
	closeAll(pipes)
	awaitGroup(w.cmd.Process.Pid)
	os.Remove(w.conf.ConfigFile)
}

// PID returns the process's id.
func (w *Worker) PID() int { return w.cmd.Process.Pid }

// Ready is closed once the program accepts requests. A program that never does never closes it.
func (w *Worker) Ready() <-chan struct{} { return w.ready }

// Gone is closed when the process has ended and nothing can be asked of it any more, a little before Done.
func (w *Worker) Gone() <-chan struct{} { return w.gone }

// Done is closed when the process and its group are dead and all output is read.
func (w *Worker) Done() <-chan struct{} { return w.done }

// Exit says how the process ended, "exit status 2" or "signal: killed". It waits for Done.
func (w *Worker) Exit() string {
	<-w.done
	if w.err != nil {
		return w.err.Error()
	}
	return "exit status 0"
}

// Killed tells whether the process was killed (SIGKILL): somebody else ended it, or the system did for lack of memory.
// It waits for Done.
func (w *Worker) Killed() bool {
	<-w.done
	var exit *exec.ExitError
	if !errors.As(w.err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// LastLines returns the end of what the program wrote, at most 50 lines.
func (w *Worker) LastLines() []string { return w.out.last() }

// Stop asks the process to end (SIGTERM) and kills its group after the grace or when ctx ends. It returns after
// Done.
func (w *Worker) Stop(ctx context.Context, grace time.Duration) {
	w.cmd.Process.Signal(syscall.SIGTERM)
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-w.done:
		return
	case <-patience.C:
	case <-ctx.Done():
	}
	w.Kill()
	<-w.done
}

// Kill ends the process and its group at once. It does not wait.
func (w *Worker) Kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.dead {
		killGroup(w.cmd.Process.Pid)
	}
}

// hear reads the control socket until the process has closed its end.
func (w *Worker) hear() {
	dec := json.NewDecoder(w.control)
	for {
		var m wire.Message
		if err := dec.Decode(&m); err != nil {
			if !ended(err) {
				w.say(wire.Message{Type: Garbled, Error: err.Error()})
				io.Copy(io.Discard, w.control) // keeps the process from blocking
			}
			return
		}
		switch m.Type {
		case wire.Done:
			w.answer(m)
		case wire.Accepting:
			w.say(m)
			w.markReady()
		default:
			w.say(m)
		}
	}
}

// Garbled is the type of a Message that this package makes itself: the control socket held what is no message.
const Garbled = "garbled"

func (w *Worker) say(m wire.Message) {
	if w.conf.Said != nil {
		w.conf.Said(m)
	}
}

// markReady closes ready once. Only hear calls it.
func (w *Worker) markReady() {
	select {
	case <-w.ready:
	default:
		close(w.ready)
	}
}

// ended tells whether a read error is the other end's death.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, os.ErrDeadlineExceeded)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
