package devserver

import (
	"slices"

	"github.com/seed-d81df0db/devserver/devserver/build"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// The shapes of a recording and the filters that select them, so that a command needs this package alone.
type (
	Socket       = record.Socket
	SocketFilter = record.SocketFilter
	Event        = record.Event
	EventFilter  = record.EventFilter
	Denial       = record.Denial

	WorkerRun     = record.Run // a start of a worker
	Request       = record.Request
	RequestFilter = record.RequestFilter
	RunFilter     = record.RunFilter
	Build         = record.Build
	BuildFilter   = record.BuildFilter
	Log           = record.Log
	LogFilter     = record.LogFilter
	Found[T any]  = record.Found[T]
	Payload       = record.Payload
	PayloadFilter = record.PayloadFilter
	Gap           = record.Gap
	RunCounts     = record.RunCounts
)

// ErrNotFound is returned for an id that the recording does not hold.
var ErrNotFound = record.ErrNotFound

// What the rules say, see Judge.
type (
	Rule        = sandbox.Rule
	Mode        = sandbox.Mode
	Explanation = sandbox.Explanation
)

// Rules are all rules in the order in which they are asked.
func Rules() []Rule { return slices.Clone(sandbox.Rules) }

// SplitFlags splits one --build-flags argument as the go command splits GOFLAGS.
func SplitFlags(s string) ([]string, error) { return build.SplitFlags(s) }
