package devserver

import (
	"time"

	"github.com/seed-d81df0db/devserver/devserver/build"
)

// A Notice is something that a person at the terminal is told. The command line decides how it looks.
type Notice interface{ notice() }

// ToolchainProgress is a step of making the patched Go, once per Go version.
type ToolchainProgress struct {
	Step        string // "copying Go 1.26.8", "compiling the patched standard library"
	Done, Total int    // 0, 0: unknown
}

// BuildStarted says that an app is being built.
type BuildStarted struct {
	App   string
	Files []string // what was saved, relative to the app's root; none at the first build
	First bool
}

// BuildFailed says what the compiler said.
type BuildFailed struct {
	App      string
	Root     string       // the folder of the app's module: files of Errors are seen from there
	Output   string       // the compiler's words
	Errors   []BuildError // the same, taken apart
	Duration time.Duration
	Serving  bool // an older version goes on serving
}

// BuildError is one complaint of the compiler: File, Line, Column, Message.
type BuildError = build.Error

// Unchanged says that a build made the very program that serves already: nothing was swapped.
type Unchanged struct {
	App   string
	Files []string // what was saved
	Build time.Duration
}

// AppReady says that an app accepts requests: for the first time, after a reload or after a restart.
type AppReady struct {
	App, URL, Console, Profile string
	Debug                      string   // where Delve listens for an IDE, "": it is not debugged
	Reload                     int      // 0 at the first start, then counted
	Files                      []string // what was saved
	Build                      time.Duration
	Swap                       time.Duration // from the built program to the first request it may get
	First                      bool          // it answers for the first time in this devserver run
	Restarted                  bool          // the program is the one before, which had ended
}

// Denied is a denial, told once for each rule and call site.
type Denied struct {
	App, Rule, Network string
	Destination        string // as the program wrote it
	Addr               string // the IP address to which that led and which was denied, "" when there is none
	CallSite           string // path/from/module.go:42
	Reason             string
	Advice             string       // what to do about it
	Request            string       // "GET /orders/7", "" when no request led to it
	Report             bool         // let through: production would have denied it
	Under              JudgeOptions // by which NewJudge judges as the app's rules do
}

// WorkerExited says that an app's process ended by itself.
type WorkerExited struct {
	App, Exit string        // "exit status 2", "signal: killed"
	LastLines []string      // the end of its output
	RestartIn time.Duration // 0: it is not restarted before the next change
	Again     bool          // it had been restarted because of such an end, and it is the same program
	Serving   bool          // it had not accepted yet; the version before goes on serving
}

// DrainEnded says that a version was ended before it had finished all of its requests.
type DrainEnded struct {
	App      string
	Reload   int           // that had taken its place
	Requests int           // that it had left when its time was over; upgraded connections are among them
	Limit    time.Duration // how long it had had
}

// Escape is a package of an app that can open sockets which the rules do not see.
type Escape struct{ Package, Kind, Text string }

// Escapes says which packages of an app's build can open sockets that the rules do not see: told once for each change
// of the list. An empty list says that none can any more.
type Escapes struct {
	App      string
	Packages []Escape
}

// Recovered says that events of an earlier devserver, which was killed, are in the recording now.
type Recovered struct {
	Journals int
	Events   int64
	Lost     uint64 // events that there had been no room for
	Damaged  int64  // pieces of journals that were damaged, and passed over
}

// RecordingStopped says that what the apps do is not recorded for the moment. They go on.
type RecordingStopped struct{ Reason string } // ends in a way out

// RecordingResumed says that it is again.
type RecordingResumed struct{ Lost uint64 } // events in between that are missing

// Slowed says that an app waits for the recording, which is slower, since its journal has reached its limit.
type Slowed struct {
	App   string
	Limit int64 // bytes
}

// Note is something good to know, such as the end of a problem that was told.
type Note struct{ Text string }

// Trimmed says that the recording let go of its oldest runs.
type Trimmed struct {
	Runs   int
	Events int64
	Keep   string // what is kept: "2 GiB and 14d"
}

// Warning is a problem that devserver goes on with. Its text ends in a way out.
type Warning struct {
	App  string // whose build or start has come to nothing; "": it is about something else
	Text string
}

// Stopped is the last notice.
type Stopped struct {
	Sockets, Denials int64  // of this devserver run
	Recording        string // path of recording.db
}

func (ToolchainProgress) notice() {}
func (BuildStarted) notice()      {}
func (BuildFailed) notice()       {}
func (Unchanged) notice()         {}
func (AppReady) notice()          {}
func (Denied) notice()            {}
func (WorkerExited) notice()      {}
func (DrainEnded) notice()        {}
func (Escapes) notice()           {}
func (Recovered) notice()         {}
func (Note) notice()              {}
func (Trimmed) notice()           {}
func (RecordingStopped) notice()  {}
func (RecordingResumed) notice()  {}
func (Slowed) notice()            {}
func (Warning) notice()           {}
func (Stopped) notice()           {}
