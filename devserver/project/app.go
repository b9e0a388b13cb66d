package project

import (
	"context"
	"errors"
	"fmt"
	"go/build"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Module is a module whose code is the user's.
type Module struct {
	Path  string // import path
	Dir   string // absolute folder
	GoMod string // absolute path of its go.mod
}

// App is a folder that can be run: what Discover found out about it. It is not changed afterwards.
type App struct {
	Name       string    // the folder's base name
	Dir        string    // absolute
	ImportPath string    // of the package in Dir
	Package    string    // the package's name; "" when it does not parse
	Form       Form      // what is served
	Handler    Position  // where Handler is declared; zero for FormMain, FormDefault and FormUnknown
	Module     Module    // the main module, or the workspace module that holds Dir
	Others     []Module  // further modules of the user that the app is made of: the workspace's and replaced local ones
	GoWork     string    // absolute path of the go.work in use; "" when none is
	GoVersion  string    // go env GOVERSION: go1.26.8
	GoFlags    []string  // go env GOFLAGS, split
	Packages   []Package // all it is made of but the standard library, itself last
	YAML       *AppYAML  // app.yaml beside the app; nil when there is none

	files build.Context // which files belong to this build
}

// UserPaths returns the folders of the user's modules besides the app's own.
func (a *App) UserPaths() []string {
	var dirs []string
	for _, m := range a.Others {
		dirs = append(dirs, m.Dir)
	}
	return dirs
}

// Rel returns file as it is shown to a person: from the module's root, or absolute when it lies elsewhere.
func (a *App) Rel(file string) string {
	if rel, ok := below(a.Module.Dir, file); ok {
		return rel
	}
	return file
}

// Discover finds out what the folder dir holds and how it is served. Code that does not compile is no error: Build
// tells about it, and the user mends it while devserver runs.
func Discover(ctx context.Context, g Go, dir string) (*App, error) {
	dir, err := folder(dir)
	if err != nil {
		return nil, err
	}
	env, err := g.environ(ctx, dir)
	if err == nil && env.GOMOD == os.DevNull { // perhaps a symbolic link into a module
		if real, linkErr := filepath.EvalSymlinks(dir); linkErr == nil && real != dir {
			dir = real
			env, err = g.environ(ctx, dir)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(dir), err)
	}
	if env.GOMOD == "" || env.GOMOD == os.DevNull {
		return nil, fmt.Errorf("%s: no go.mod here or in a folder above; make one with: go mod init example.com/%s", shown(dir), filepath.Base(dir))
	}
	pkgs, err := List(ctx, g, dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(dir), err)
	}
	a := &App{Name: filepath.Base(dir), Dir: dir, GoVersion: env.GOVERSION, Packages: pkgs}
	if env.GOWORK != "" && env.GOWORK != "off" {
		a.GoWork = env.GOWORK
	}
	if err := a.describe(env, g.Flags); err != nil {
		return nil, err
	}
	a.YAML, err = LoadAppYAML(dir)
	return a, err
}

// folder returns dir made absolute, if it is one.
func folder(dir string) (string, error) {
	if strings.HasSuffix(dir, "...") {
		return "", fmt.Errorf("%s: a pattern of packages cannot be run; name each app's folder", dir)
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("%s: no such folder; name the folder of the app", dir)
	case err != nil:
		return "", fmt.Errorf("%s: %w", dir, plain(err))
	case !info.IsDir():
		return "", fmt.Errorf("%s is a file; name its folder: %s", dir, filepath.Dir(dir))
	}
	return filepath.Abs(dir)
}

// describe fills in what the go command said.
func (a *App) describe(env environ, flags []string) (err error) {
	if a.GoFlags, err = SplitFlags(env.GOFLAGS); err != nil {
		return fmt.Errorf("GOFLAGS: %w", err)
	}
	a.files = selection(env, append(slices.Clone(a.GoFlags), flags...))
	if len(a.Packages) == 0 {
		return fmt.Errorf("%s: go list names no package here", shown(a.Dir))
	}
	p := a.Packages[len(a.Packages)-1]
	a.ImportPath, a.Package = p.ImportPath, p.Name
	if err := a.check(p); err != nil {
		return err
	}
	if p.Module == nil {
		return fmt.Errorf("%s is no package of a module: %s", shown(a.Dir), listError(p))
	}
	a.Module = Module{p.Module.Path, p.Module.Dir, p.Module.GoMod}
	a.Others = others(a.Packages, a.Module)
	a.Form, a.Package, a.Handler, err = a.Scan()
	return err
}

// check refuses what no build could mend.
func (a *App) check(p Package) error {
	sources := len(p.GoFiles) + len(p.CgoFiles)
	switch {
	case sources == 0 && len(p.IgnoredGoFiles) > 0:
		return fmt.Errorf("%s: build constraints exclude all Go files (%s); give the tags with --build-flags, such as --build-flags=-tags=NAME",
			shown(a.Dir), strings.Join(p.IgnoredGoFiles, ", "))
	case sources == 0 && len(p.TestGoFiles)+len(p.XTestGoFiles) > 0:
		return fmt.Errorf("%s holds only tests; an app wants package main or a Handler", shown(a.Dir))
	case sources == 0 && p.Error != nil && !strings.HasPrefix(p.Error.Err, "no Go files"):
		return fmt.Errorf("%s: %s", shown(a.Dir), p.Error.Err)
	case sources == 0:
		return fmt.Errorf("%s: no Go files here; name the folder of package main, or of a package with a Handler", shown(a.Dir))
	}
	return nil
}

func listError(p Package) string {
	if p.Error == nil {
		return "it lies outside every module"
	}
	return p.Error.Err
}

// UserModules returns the app's own module and the user's others, those of Discover and what pkgs, a newer list, has besides.
func (a *App) UserModules(pkgs []Package) []Module {
	mods := slices.Concat([]Module{a.Module}, a.Others)
	for _, m := range others(pkgs, a.Module) {
		if !slices.Contains(mods, m) {
			mods = append(mods, m)
		}
	}
	return mods
}

// others returns the user's modules besides own: main modules of a workspace, and modules replaced by a folder.
func others(pkgs []Package, own Module) []Module {
	var mods []Module
	for _, p := range pkgs {
		m, ok := local(p)
		if ok && m.Dir != own.Dir && !slices.Contains(mods, m) {
			mods = append(mods, m)
		}
	}
	return mods
}

// local returns the module of p if its code is the user's to edit. In vendor mode a replaced module is not: its copy is built.
func local(p Package) (Module, bool) {
	m := p.Module
	if m == nil {
		return Module{}, false
	}
	mod := Module{m.Path, m.Dir, m.GoMod}
	if m.Main {
		return mod, true
	}
	if m.Replace == nil || m.Replace.Version != "" || m.Dir == "" {
		return Module{}, false
	}
	_, inside := below(m.Dir, p.Dir)
	return mod, inside
}

// Local tells whether the code of p is the user's to edit: of a main, workspace or locally replaced module.
func (p Package) Local() bool {
	_, ok := local(p)
	return ok
}

// Scan looks at the app's folder as it is now: how it is served, and the package's name. The error is the user's to mend: a FileError
// when it has a place.
func (a *App) Scan() (Form, string, Position, error) {
	p, err := a.files.ImportDir(a.Dir, 0)
	switch {
	case err != nil: // go build says it better, and with all places
		return FormUnknown, a.Package, Position{}, nil
	case p.Name == "main":
		return FormMain, p.Name, Position{}, nil
	}
	form, pos, err := handlerIn(a.Dir, append(p.GoFiles, p.CgoFiles...))
	return form, p.Name, pos, err
}

// selection returns what chooses the files of a build: system, tags, the language versions that the toolchain knows.
func selection(env environ, flags []string) build.Context {
	c := build.Default
	c.GOOS, c.GOARCH, c.CgoEnabled = env.GOOS, env.GOARCH, env.CGO_ENABLED == "1"
	if tags := FlagValues(flags, "tags"); len(tags) > 0 {
		c.BuildTags = strings.FieldsFunc(tags[len(tags)-1], func(r rune) bool { return r == ',' || r == ' ' })
	}
	if slices.ContainsFunc(flags, func(f string) bool { return strings.TrimLeft(f, "-") == "race" }) {
		c.BuildTags = append(c.BuildTags, "race")
	}
	c.ReleaseTags = nil
	for minor := 1; minor <= goMinor(env.GOVERSION); minor++ {
		c.ReleaseTags = append(c.ReleaseTags, fmt.Sprintf("go1.%d", minor))
	}
	return c
}

// goMinor returns 26 for go1.26.8, go1.26rc1 and "devel go1.26-abc".
func goMinor(version string) int {
	_, rest, _ := strings.Cut(version, "go1.")
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	n, err := strconv.Atoi(rest[:end])
	if err != nil {
		return 99 // an unknown version knows everything
	}
	return n
}

// Compiles tells whether a .go file belongs to this build by its name and constraints: system, architecture, tags. One that
// cannot be read does not.
func (a *App) Compiles(file string) bool {
	ok, err := a.files.MatchFile(filepath.Dir(file), filepath.Base(file))
	return ok && err == nil
}
