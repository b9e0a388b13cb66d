// Package wire holds what the supervisor and the agent in a worker say to each other.
//
//	supervisor                                   worker (agent)
//	    │  Config, a file named by $DEVSERVER_AGENT  │
//	    ├───────────────────────────────────────────►│  read once, before the first init of user code
//	    │  Config.ControlFD, a stream socket         │
//	    │◄── Hello, Listening, Accepting ────────────┤  one JSON object a line, both ways
//	    ├─── Clock, CloseSocket ────────────────────►│
//	    │◄── Done (with the command's id) ───────────┤
//	    │  Config.ConnFD, a datagram socketpair      │
//	    ├─── Conn + one descriptor (SCM_RIGHTS) ────►│  a client's connection to the app's own listener
//	    │◄── ConnTaken ──────────────────────────────┤  once the app's Accept has returned it
//
// Events do not pass here: they are in the journal, which outlives a killed worker. Either end treats the
// closing of the control socket as the other's death.
package wire

import (
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// Env names the variable that holds the path of a Config. The agent takes it out of the environment
// before any user code runs; without it the agent is inert.
const Env = "DEVSERVER_AGENT"

// Version is raised when Config or a message changes its meaning. An agent refuses another version's Config.
const Version = 1

// Config is all that an agent is told at its start.
type Config struct {
	Version     int               `json:"version"`
	App         string            `json:"app"`
	Run         int64             `json:"run"`          // runs.id; 0 when no supervisor started this process (devserver env)
	Policy      sandbox.Policy    `json:"policy"`       // finished: nothing is looked up any more
	Standins    []sandbox.Standin `json:"standins"`     // builtin peers already have their loopback address
	ClockOffset time.Duration     `json:"clock_offset"` // how far the sandbox's clock is ahead
	JournalDir  string            `json:"journal_dir"`  // each process makes a journal of its own in it
	Journal     string            `json:"journal"`      // the journal's name; "" makes one up from the process id
	IDs         string            `json:"ids"`          // file with the counters of socket and request ids, shared by a data directory's workers
	Usage       string            `json:"usage"`        // file with the quota usage, shared by an app's workers
	ControlFD   int               `json:"control_fd"`   // inherited descriptor, 0: none
	ConnFD      int               `json:"conn_fd"`      // inherited descriptor, 0: $PORT is an ordinary listener on loopback
	Port        int               `json:"port"`         // the app's $PORT: a listen on it is the app's own listener
	Root        string            `json:"root"`         // folder of the app's main module: call sites are relative to it
	UserPaths   []string          `json:"user_paths"`   // further folders whose code is the user's (workspace and replaced modules)
	Debugged    bool              `json:"debugged"`     // the supervisor attaches a debugger
	Output      bool              `json:"output"`       // record what is written on standard output and standard error
	Capture     sandbox.Capture   `json:"capture"`      // which bytes of the sockets go into the journal
	KeyLog      string            `json:"key_log"`      // file to which crypto/tls adds its keys, an absolute path; "": none
	Modules     []string          `json:"modules"`      // paths of those modules, the main one first: how files are named in builds with -trimpath

	JournalLimit int64 `json:"journal_limit"` // bytes of the journal; beyond them the program waits for its reader. 0: no limit
}

// VirtualMain begins the name of the folder that holds the generated main of an app that is no package main: its
// frames are not the user's.
const VirtualMain = "devserver_main_"

// Message types, in the field Type of a Message.
const (
	// from the worker
	Hello     = "hello"     // PID and Go set: the agent is installed
	Listening = "listening" // the app listens on $PORT; Addr is what it asked for, TLS that it will serve that
	Accepting = "accepting" // the app's first Accept on $PORT: it is ready
	Done      = "done"      // the command with this ID is carried out; Error says why not
	// from the supervisor
	Clock       = "clock"        // Offset is the clock's new offset; Done comes when all that fell due is done
	CloseSocket = "close_socket" // close Socket by hand
)

// Message is one line on the control socket.
type Message struct {
	Type   string        `json:"type"`
	ID     uint64        `json:"id,omitempty"` // of a command and of its Done
	PID    int           `json:"pid,omitempty"`
	Go     string        `json:"go,omitempty"` // runtime.Version()
	Addr   string        `json:"addr,omitempty"`
	Offset time.Duration `json:"offset,omitempty"`
	Socket uint64        `json:"socket,omitempty"`
	TLS    bool          `json:"tls,omitempty"`
	Error  string        `json:"error,omitempty"`
}

// Conn goes with a descriptor over ConnFD: one end of a loopback TCP pair whose other end the front proxy holds.
type Conn struct {
	ID     uint64 `json:"id"`
	Remote string `json:"remote"` // the client's real address
	Local  string `json:"local"`  // the address that the client connected to
}

// ConnTaken comes back over ConnFD when the app's Accept has returned the connection. One that was
// handed over and not taken when the worker ends goes to the next worker.
type ConnTaken struct {
	ID uint64 `json:"id"`
}
