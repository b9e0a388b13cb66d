package devserver

import (
	"context"
	"errors"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// errJoining stands where the rooms below are not joined yet.
var errJoining = errors.New("devserver: not joined yet")

// Run runs the apps until ctx ends, then stops cleanly and returns nil.
func Run(ctx context.Context, o Options) error { return errJoining }

// Recording is a recording.db opened for reading.
type Recording struct{}

// OpenRecording opens a recording for reading; a devserver may be writing it.
func OpenRecording(file string) (*Recording, error) { return nil, errJoining }

// Sockets returns the sockets that the filter selects, newest first.
func (r *Recording) Sockets(ctx context.Context, f record.SocketFilter) ([]record.Socket, error) {
	return nil, errJoining
}

// Events returns the events that the filter selects.
func (r *Recording) Events(ctx context.Context, f record.EventFilter) ([]record.Event, error) {
	return nil, errJoining
}

// Denials returns the denials that the filter selects, counted by rule, call site and destination.
func (r *Recording) Denials(ctx context.Context, f record.EventFilter) ([]record.Denial, error) {
	return nil, errJoining
}

// Runs returns the starts of workers, newest first.
func (r *Recording) Runs(ctx context.Context) ([]record.Run, error) { return nil, errJoining }

// Counts returns the numbers of the overview.
func (r *Recording) Counts(ctx context.Context) (record.Counts, error) {
	return record.Counts{}, errJoining
}

// Close closes the recording.
func (r *Recording) Close() error { return errJoining }

// ProfileInfo describes a built-in profile.
type ProfileInfo struct{ Name, Summary string }

// Profiles lists the built-in profiles.
func Profiles() []ProfileInfo { return nil }

// ProfileText returns a built-in profile's YAML.
func ProfileText(name string) (string, error) { return "", errJoining }

// DoctorOptions say what Doctor looks at.
type DoctorOptions struct {
	Dir           string // the app's folder; "": the current one
	Data          string // its data directory; "": .devserver in Dir
	Addr, Console string // as in Options
}

// Check is one thing that Doctor looked at.
type Check struct {
	Name   string `json:"name"`
	State  string `json:"state"` // ok, warn, fail
	Detail string `json:"detail"`
	Advice string `json:"advice,omitempty"` // the way out, "" when it is ok
}

// Doctor looks at the toolchain, the patches, the cache and the ports.
func Doctor(ctx context.Context, o DoctorOptions) []Check { return nil }

// EnvOptions say under which rules a go command is put.
type EnvOptions struct {
	Dir       string // the app's folder; "": the current one
	Data      string // "": .devserver in Dir
	Profile   string
	Standins  []string
	NoBilling bool
	Notify    func(Notice) // hears of the toolchain being made; nil: nobody does
}

// Env returns the variables, KEY=VALUE, that put any go command, debugger or IDE under the rules.
func Env(ctx context.Context, o EnvOptions) ([]string, error) { return nil, errJoining }
