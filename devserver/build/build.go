// Package build turns an app's folder into a program, with the patched toolchain's go build.
package build

import (
	"context"
	"errors"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// Request says what to build.
type Request struct {
	App   *project.App
	Go    project.Go
	Out   string // folder for the programs, made when missing; one for each app
	Debug bool   // keep DWARF: a debugger needs it, stack traces and call sites do not; linking takes a third longer
}

// Result is a finished build.
type Result struct {
	Binary   string        // absolute path; stays until Prune, whatever is built later
	ID       string        // equal for equal programs
	Form     project.Form  // what is served: it may have changed since Discover
	Duration time.Duration // of the whole call
	Output   string        // what go build said although it succeeded
}

// Error is one complaint about the user's code.
type Error struct {
	File         string // from the module's root, absolute when it lies elsewhere; "" when the complaint has no place
	Line, Column int    // from 1; 0 when unknown
	Message      string // may have several lines
}

// Failure is the error of a build that go build refused.
type Failure struct {
	Errors   []Error
	Output   string // go build's own words
	Duration time.Duration
}

// Error returns go build's own words.
func (f *Failure) Error() string { return f.Output }

// Build builds r.App. A *Failure is the user's to mend; a done ctx kills the whole go build and returns ctx's error.
func Build(ctx context.Context, r Request) (*Result, error) {
	return nil, errors.New("build: being written")
}

// Prune removes all programs in out but those of keep (paths as in Result.Binary). Running ones go on.
func Prune(out string, keep ...string) error { return errors.New("prune: being written") }

// SplitFlags splits one --build-flags argument as GOFLAGS is split: at spaces, quotes hold a flag together.
func SplitFlags(s string) ([]string, error) { return nil, errors.New("flags: being written") }
