package project

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Go is the go command that an app is listed and built with: the patched toolchain's.
type Go struct {
	Tool  string   // path of the go command
	Env   []string // its whole environment, KEY=VALUE (GOROOT, PATH, GOTOOLCHAIN=local, ...); nil is this process's
	Flags []string // the user's build flags (--build-flags), one argument each: -race, -tags=dev
}

// Command prepares the go command for dir, in a process group of its own that dies as a whole when ctx is done:
// compilers and linkers would go on otherwise. The build cache stands that.
func (g Go) Command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, g.Tool, args...)
	cmd.Dir = dir
	env := g.Env
	if env == nil {
		env = os.Environ()
	}
	cmd.Env = append(slices.Clone(env), "PWD="+dir) // keeps the user's way through symbolic links
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second // for a grandchild that left the group and kept our pipe
	return cmd
}

// Package is what go list says about one package.
type Package struct {
	Dir, ImportPath, Name string
	Standard              bool
	Module                *ListModule

	GoFiles, CgoFiles, CFiles, CXXFiles, MFiles, HFiles, FFiles, SFiles []string
	SwigFiles, SwigCXXFiles, SysoFiles, EmbedFiles, EmbedPatterns       []string
	IgnoredGoFiles, TestGoFiles, XTestGoFiles                           []string

	Imports []string
	Error   *ListError
}

// ListModule is the module of a listed package.
type ListModule struct {
	Path, Version, Dir, GoMod, GoVersion string

	Main    bool
	Replace *ListModule
}

// ListError is what go list found wrong with a package.
type ListError struct{ Pos, Err string }

const listFields = "-json=Dir,ImportPath,Name,Standard,Module,GoFiles,CgoFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles," +
	"SFiles,SwigFiles,SwigCXXFiles,SysoFiles,EmbedFiles,EmbedPatterns,IgnoredGoFiles,TestGoFiles,XTestGoFiles,Imports,Error"

// List returns the package in dir, last, after all it depends on but the standard library. Code that does not compile is listed as
// far as it goes.
func List(ctx context.Context, g Go, dir string) ([]Package, error) {
	args := append([]string{"list", "-e", "-deps", listFields}, g.Flags...)
	out, err := g.output(ctx, dir, append(args, ".")...)
	if err != nil {
		return nil, err
	}
	var pkgs []Package
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p Package
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if !p.Standard {
			pkgs = append(pkgs, p)
		}
	}
}

// output runs the go command and returns what it wrote; its error is the command's own words.
func (g Go) output(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := g.Command(ctx, dir, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && stderr.Len() > 0:
		return nil, errors.New(strings.TrimSpace(stderr.String()))
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", g.Tool, args[0], err)
	}
	return out, nil
}

// environ is the part of go env that matters here.
type environ struct{ GOFLAGS, GOWORK, GOMOD, GOVERSION, GOOS, GOARCH, CGO_ENABLED string }

func (g Go) environ(ctx context.Context, dir string) (environ, error) {
	var e environ
	out, err := g.output(ctx, dir, "env", "-json", "GOFLAGS", "GOWORK", "GOMOD", "GOVERSION", "GOOS", "GOARCH", "CGO_ENABLED")
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(out, &e)
}
