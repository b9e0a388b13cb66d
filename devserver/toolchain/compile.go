package toolchain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/seed-d81df0db/devserver/runtime/hook"
)

// compile has the copy's own go compile all that is patched, into the user's ordinary build cache. Besides the
// proof that the patches fit, it saves the first build most of its time.
func (m *maker) compile(ctx context.Context, goroot string) error {
	packages := m.patches.compiled(m.from.GOVERSION)
	t := &Toolchain{GOROOT: goroot}
	env := m.from.plainEnv(t)
	total, err := countDeps(ctx, t.Go(), goroot, env, packages)
	if err == nil {
		err = m.goBuild(ctx, t.Go(), goroot, env, packages, total)
	}
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	if text := err.Error(); strings.Contains(text, syscall.ENOSPC.Error()) {
		return fmt.Errorf("compile the patched Go: %s: free some space below GOCACHE (%s)", text, m.from.GOCACHE)
	}
	if own := m.compileOriginal(ctx); own != nil {
		return fmt.Errorf("%s cannot compile its own package net/http, even without patches: %w", m.from.GOROOT, own)
	}
	return &hook.UnfitError{GoVersion: m.from.GOVERSION, Changes: []string{"its patched standard library does not compile:\n" + err.Error()}}
}

// compiled are the packages whose compilation proves a copy: all that is patched, and what every web app needs.
func (p patches) compiled(goVersion string) []string {
	return slices.Compact(slices.Sorted(slices.Values(append(p.packages(goVersion), "net/http"))))
}

// plainEnv is the environment of a build with t that serves no app: without its flags, and for this machine.
func (g *goInfo) plainEnv(t *Toolchain) []string {
	return append(t.Env(os.Environ()), "GOFLAGS=-buildvcs=false", "GOWORK=off", "GOOS="+g.GOHOSTOS, "GOARCH="+g.GOHOSTARCH)
}

// compileOriginal tells whether the user's Go works at all here, without a C compiler for example.
func (m *maker) compileOriginal(ctx context.Context) error {
	t := &Toolchain{GOROOT: m.from.GOROOT}
	return m.goBuild(ctx, t.Go(), m.from.GOROOT, m.from.plainEnv(t), []string{"net/http"}, 0)
}

// goBuild runs go build in goroot's src. It reports progress when total, the number of packages, is known.
func (m *maker) goBuild(ctx context.Context, goCommand, goroot string, env, packages []string, total int) error {
	cmd := interruptible(exec.CommandContext(ctx, goCommand, append([]string{"build", "-v"}, packages...)...))
	cmd.Dir, cmd.Env = filepath.Join(goroot, "src"), env
	out := &buildOutput{}
	if total > 0 {
		out.built = func(n int) { m.progress("compiling the standard library", min(n, total), total) }
		out.built(0)
	}
	cmd.Stdout, cmd.Stderr = out, out // the same for both: os/exec then writes from one goroutine
	if err := cmd.Run(); err != nil {
		return errors.New(firstNonEmpty(out.complaints(), err.Error()))
	}
	if total > 0 {
		out.built(total) // what was in the build cache already is not printed
	}
	return nil
}

// countDeps returns how many packages the build has.
func countDeps(ctx context.Context, goCommand, goroot string, env, packages []string) (int, error) {
	cmd := interruptible(exec.CommandContext(ctx, goCommand, append([]string{"list", "-deps"}, packages...)...))
	cmd.Dir, cmd.Env = filepath.Join(goroot, "src"), env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, errors.New(firstNonEmpty(strings.TrimSpace(stderr.String()), err.Error()))
	}
	return bytes.Count(out, []byte("\n")), nil
}

// A buildOutput takes what go build -v prints: an import path when the package is being compiled, and complaints.
type buildOutput struct {
	built func(n int) // told how many packages so far; may be nil
	n     int
	line  []byte       // not ended yet
	rest  bytes.Buffer // what is no import path
}

func (o *buildOutput) Write(p []byte) (int, error) {
	o.line = append(o.line, p...)
	for {
		i := bytes.IndexByte(o.line, '\n')
		if i < 0 {
			return len(p), nil
		}
		o.take(string(o.line[:i]))
		o.line = o.line[i+1:]
	}
}

// complaints returns what is no import path, when all is written.
func (o *buildOutput) complaints() string {
	return strings.TrimSpace(o.rest.String() + string(o.line))
}

func (o *buildOutput) take(line string) {
	if line == "" || strings.ContainsAny(line, " \t:#") {
		o.rest.WriteString(line + "\n")
		return
	}
	if o.n++; o.built != nil {
		o.built(o.n)
	}
}
