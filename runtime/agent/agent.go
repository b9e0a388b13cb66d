// Package agent runs inside the user's program: it installs the sandbox below the standard library and talks to
// the supervisor.
//
//	user code ─► net, net/http, syscall (hooked) ─► agent ─► sandbox (decides) ─► journal (a mapped file)
//	                                                  ▲
//	                                       supervisor: commands, connections of the app's own listener
//
// It is compiled into the copy of the user's standard library as internal/devserver/agent, where an added file
// joins it with package runtime. Its initialisation runs before any of the user's that can open a socket through
// package net. Without a configuration it is inert: [Get] returns nil and every hook takes the original path.
package agent

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// Socket is what the hooks keep with a descriptor.
type Socket = sandbox.Socket

// An Agent is the sandbox of one process and its line to the supervisor.
type Agent struct {
	Box     *sandbox.Box
	cfg     wire.Config
	journal *journal.Writer
	sites   sites
	site    func() string // a.callSite, made once

	sendMu sync.Mutex // keeps the lines on the control socket whole

	listenMu  sync.Mutex
	listening int  // guarded by listenMu: how many descriptors of the app's own listener are open
	accepting bool // guarded by listenMu: its first Accept has been told

	lentMu  sync.RWMutex
	lent    map[int]*Socket        // guarded by lentMu: descriptors whose number user code knows
	foreign map[int]bool           // guarded by lentMu: sockets that the process was started with
	owns    map[int]*Listener      // guarded by lentMu: descriptors of the app's own listener whose number user code knows
	bound   map[int]netip.AddrPort // guarded by lentMu: sockets that user code has bound to $PORT, and does not listen on yet
}

// installed is set before any user code runs, and never again.
var installed *Agent

// SocketOf finds the sandbox socket below a connection of package net, which sets it; nil when there is none.
var SocketOf = func(conn any) *Socket { return nil }

// IsOwn reports whether a listener of package net, which sets it, is the app's own.
var IsOwn = func(l any) bool { return false }

// goroutines is what package runtime does for the agent, in the patched copy.
type goroutines struct {
	enable  func()
	request func() uint64
	swap    func(id uint64) unsafe.Pointer
	restore func(unsafe.Pointer)
	stack   func(level int, pcs []uintptr) int
	callers func(pcs []uintptr) int             // return addresses of the calling goroutine
	expand  func(pc uintptr, pcs []uintptr) int // the frames at one of them
	loop    func(i int, f func())
	calls   func(*Agent)                       // has system calls of user code judged
	leaving func(func(fd int) (errno uintptr)) // has what child processes inherit judged
	see     func(fd int, on bool)              // has those on fd looked at
	output  func(func(fd int, b []byte))       // has what the program writes on 1 and 2 told before it is written
}

// machine stays as it is where the standard library is not patched: no goroutine knows its origin.
var machine = goroutines{
	enable:  func() {},
	request: func() uint64 { return 0 },
	swap:    func(uint64) unsafe.Pointer { return nil },
	restore: func(unsafe.Pointer) {},
	stack:   func(int, []uintptr) int { return 0 },
	callers: func(pcs []uintptr) int { return runtime.Callers(2, pcs) },
	expand:  func(pc uintptr, pcs []uintptr) int { return copy(pcs, []uintptr{pc}) },
	loop:    func(_ int, f func()) { go f() },
	calls:   func(*Agent) {},
	leaving: func(func(int) uintptr) {},
	see:     func(int, bool) {},
	output:  func(func(int, []byte)) {},
}

// Get returns the process's agent, nil when it is inert.
func Get() *Agent { return installed }

// boot installs the agent that path configures. A program that was meant to run under the rules must not run
// without them: an error ends the process.
func boot(path string) {
	if path == "" {
		return
	}
	a, err := open(path)
	if err != nil {
		os.Stderr.WriteString("devserver: " + path + ": " + err.Error() +
			"\ndevserver: unset " + wire.Env + " to run without the rules, or take its value from `devserver env` again\n")
		os.Exit(1)
	}
	machine.enable()
	machine.calls(a)
	machine.leaving(a.leaving)
	if a.cfg.Output && a.journal != nil {
		machine.output(a.output)
	}
	if a.cfg.Debugged {
		allowDebugger()
	}
	installed = a
	a.start()
}

func open(path string) (*Agent, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var cfg wire.Config
	if err := json.Unmarshal(text, &cfg); err != nil {
		return nil, err
	}
	if cfg.Version != wire.Version {
		return nil, errors.New("made for version " + strconv.Itoa(cfg.Version) + " of the agent, this is version " + strconv.Itoa(wire.Version))
	}
	return New(cfg)
}

// New makes the agent of a configuration without installing it.
func New(cfg wire.Config) (*Agent, error) {
	a := &Agent{cfg: cfg, lent: make(map[int]*Socket), foreign: make(map[int]bool), owns: make(map[int]*Listener), bound: make(map[int]netip.AddrPort)}
	a.site = a.callSite
	a.sites.init(cfg)
	for _, fd := range []int{cfg.ControlFD, cfg.ConnFD} {
		if fd > 0 {
			syscall.CloseOnExec(fd)
		}
	}
	box := sandbox.Config{Policy: &cfg.Policy, Standins: cfg.Standins, Capture: cfg.Capture}
	var err error
	if cfg.IDs != "" {
		mem, err := mapShared(cfg.IDs)
		if err != nil {
			return nil, err
		}
		box.IDs = sandbox.NewIDs(mem)
	}
	if cfg.Usage != "" {
		mem, err := mapShared(cfg.Usage)
		if err != nil {
			return nil, err
		}
		box.Usage = sandbox.NewUsage(mem)
	}
	if cfg.JournalDir != "" {
		if a.journal, err = journal.Create(cfg.JournalDir, a.journalName(), journal.Options{App: cfg.App, Run: cfg.Run, Limit: cfg.JournalLimit}); err != nil {
			return nil, err
		}
		box.Recorder = a.journal
	}
	if a.Box, err = sandbox.New(box); err != nil {
		return nil, err
	}
	a.Box.SetOffset(cfg.ClockOffset)
	return a, nil
}

func (a *Agent) journalName() string {
	if a.cfg.Journal != "" {
		return a.cfg.Journal
	}
	return "p" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
}

// mapShared maps the first page of a file that several workers share.
func mapShared(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() < SharedSize {
		return nil, errors.New(path + " is shorter than a page")
	}
	mem, err := syscall.Mmap(int(f.Fd()), 0, SharedSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: path, Err: err}
	}
	return mem, nil
}

// SharedSize is how many bytes of a shared file are mapped. The supervisor makes the files that long.
const SharedSize = 4096

// start tells the supervisor that the rules are in force, and begins the two loops.
func (a *Agent) start() {
	a.send(wire.Message{Type: wire.Hello, PID: os.Getpid(), Go: runtime.Version()})
	if a.cfg.ControlFD > 0 {
		machine.loop(0, a.obey)
	}
	machine.loop(1, a.sweep)
}

// sweep reclaims what has been idle for too long, for as long as the process lives.
func (a *Agent) sweep() {
	for {
		timer := time.NewTimer(max(a.Box.Sweep(), time.Millisecond))
		select {
		case <-timer.C:
		case <-a.Box.Moved():
			timer.Stop()
		}
	}
}

// Reclaims reports whether idle sockets are reclaimed here.
func (a *Agent) Reclaims() bool {
	return a.cfg.Policy.Reclaim > 0 && a.cfg.Policy.Mode(sandbox.RuleReclaimed) == sandbox.ModeEnforce
}

// Now is the time of events: nanoseconds since 1970 by the machine's clock, also inside a bubble of testing/synctest.
func (a *Agent) Now() int64 { return sandbox.Now() }

// Origin says which request and which line of user code led to the calling goroutine.
func (a *Agent) Origin() sandbox.Origin {
	return sandbox.Origin{Request: machine.request(), CallSite: a.site}
}

// Resolved records a look-up that began at start.
func (a *Agent) Resolved(host string, addrs []netip.Addr, start int64, err error) {
	a.Box.Resolved(host, addrs, start, time.Duration(a.Now()-start), err, a.Origin())
}
