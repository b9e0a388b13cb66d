// Package build turns an app's folder into a program with the patched toolchain's go build.
//
// A package that is not main gets a virtual main: a file that exists only in a build overlay, inside the user's module, so
// that vendor folders, workspaces and internal packages mean what they always mean.
//
// Programs are kept under their content's name: equal ones are recognised, and the one that serves
// can be started again whatever was built since.
package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// Request says what to build.
type Request struct {
	App   *project.App
	Go    project.Go
	Out   string // folder for the programs, made when missing; each app has its own, with one build at a time
	Debug bool   // for a debugger: keep symbols and DWARF, and leave the user's packages as they were written; linking takes a third longer
}

// Result is a finished build.
type Result struct {
	Binary   string        // absolute path; stays until Prune, whatever is built later
	ID       string        // equal for equal programs
	Form     project.Form  // what is served: it may have changed since Discover
	Duration time.Duration // of the whole call
	Output   string        // what go build said although it succeeded
}

// Failure is the error of a build that the user's code is to blame for.
type Failure struct {
	Errors   []Error
	Output   string // go build's own words
	Duration time.Duration
}

// Error returns go build's own words.
func (f *Failure) Error() string { return f.Output }

// Build builds r.App as its folder is now. The error is a *Failure when the user's code has to be mended; ctx's own when
// ctx is done, and then the whole of go build is dead.
func Build(ctx context.Context, r Request) (*Result, error) {
	start := time.Now()
	result, err := r.build(ctx)
	if err == nil && result.Form == project.FormUnknown { // the folder was being written when it was scanned
		result, err = r.build(ctx)
	}
	if err == nil && result.Form == project.FormUnknown {
		err = r.scanFailure(errors.New("go build takes the app's folder, but its files cannot be told apart; is the package overlaid?"))
	}
	if f := (*Failure)(nil); errors.As(err, &f) {
		f.Duration = time.Since(start)
	}
	if err != nil {
		return nil, err
	}
	result.Duration = time.Since(start)
	return result, nil
}

func (r Request) build(ctx context.Context) (*Result, error) {
	if err := CheckFlags(r.Go.Flags); err != nil {
		return nil, err
	}
	form, pkg, pos, err := r.App.Scan()
	if err != nil {
		return nil, r.scanFailure(err)
	}
	out, err := openStore(r.Out, r.App.Name)
	if err != nil {
		return nil, err
	}
	defer out.close()
	args, virtual, err := r.arguments(out, form, pkg)
	if err != nil {
		return nil, err
	}
	cmd := r.Go.Command(ctx, r.App.Dir, args...)
	cmd.Env = append(cmd.Env, "GOTMPDIR="+out.tmp) // on out's file system: the program is moved there, not copied
	cmd.Env = append(cmd.Env, generous(cmd.Env)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && said.Len() == 0:
		return nil, fmt.Errorf("go build: %w", err)
	case err != nil:
		return nil, r.failure(said.String(), virtual, pos)
	}
	result := &Result{Form: form, Output: said.String()}
	result.Binary, result.ID, err = out.keep()
	return result, err
}

// arguments returns go build's, and the paths that the virtual main has in its words, none for a program.
func (r Request) arguments(out *store, form project.Form, pkg string) (args, virtual []string, err error) {
	all := append(slices.Clone(r.App.GoFlags), r.Go.Flags...)
	args = []string{"build", "-o", out.target}
	if len(project.FlagValues(all, "buildvcs")) == 0 && !slices.Contains(all, "-buildvcs") {
		args = append(args, "-buildvcs=false") // asks git about the whole tree
	}
	_, rest := project.TakeFlag(r.Go.Flags, "ldflags")
	args = append(args, ldflags(project.FlagValues(all, "ldflags"), r.Debug)...)
	if r.Debug {
		args = append(args, plainCode(r.App)...)
	} else {
		args = append(args, leanCode(r.App, all)...)
	}
	args = append(args, rest...)
	if form == project.FormMain || form == project.FormUnknown {
		return append(args, "."), nil, nil
	}
	v := newVirtual(r.App, form, pkg)
	main, overlay, err := v.write(out, project.FlagValues(all, "overlay"))
	if err != nil {
		return nil, nil, err
	}
	return append(args, "-overlay="+overlay, v.dir), []string{main, v.file()}, nil
}

// scanFailure makes what Scan found the same as what go build would have found.
func (r Request) scanFailure(err error) error {
	e := Error{Message: err.Error()}
	if fe := (*project.FileError)(nil); errors.As(err, &fe) {
		e = Error{File: r.App.Rel(fe.File), Line: fe.Line, Column: fe.Column, Message: fe.Message}
	}
	return &Failure{Errors: []Error{e}, Output: e.String() + "\n"}
}

// Prune removes all programs in out but those of keep (paths as in Result.Binary), and what a killed devserver left.
// Running ones go on. It must not run during a build in out.
func Prune(out string, keep ...string) error {
	entries, err := os.ReadDir(out)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, e := range entries {
		path := filepath.Join(out, e.Name())
		if kept, _ := filepath.Match("*"+keptMark+"*", e.Name()); kept && !slices.Contains(keep, path) {
			errs = append(errs, os.Remove(path))
		}
		if left, _ := filepath.Match(tmpPattern, e.Name()); left && e.IsDir() { // an app may be called so
			errs = append(errs, os.RemoveAll(path))
		}
	}
	return errors.Join(errs...)
}
