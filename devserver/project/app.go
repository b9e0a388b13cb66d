package project

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
)

// Go is the go command that an app is listed and built with: the patched toolchain's.
type Go struct {
	Tool  string   // path of the go command
	Env   []string // its whole environment, KEY=VALUE (GOROOT, PATH, GOTOOLCHAIN=local, ...); nil is this process's
	Flags []string // the user's build flags (--build-flags), one argument each: -race, -tags=dev
}

// Form says what of a package is served.
type Form string

// The forms of an app.
const (
	FormMain    Form = "main"    // package main: run as it is
	FormVar     Form = "var"     // var Handler http.Handler
	FormMake    Form = "make"    // func Handler() http.Handler
	FormFunc    Form = "func"    // func Handler(http.ResponseWriter, *http.Request)
	FormDefault Form = "default" // what the package registers on http.DefaultServeMux
)

// Module is a module whose code is the user's.
type Module struct {
	Path  string // import path
	Dir   string // absolute folder
	GoMod string // absolute path of its go.mod
}

// App is a folder that can be run: what Discover found out about it.
type App struct {
	Name       string   // the folder's base name
	Dir        string   // absolute
	ImportPath string   // of the package in Dir
	Package    string   // the package's name
	Form       Form     // what is served
	Handler    Position // where Handler is declared; zero for FormMain and FormDefault
	Module     Module   // the main module, or the workspace module that holds Dir
	Others     []Module // further modules of the user: the workspace's and replaced local ones
	GoWork     string   // absolute path of the go.work in use; "" when none is
	GoVersion  string   // go env GOVERSION: go1.26.8
	GoFlags    []string // go env GOFLAGS, split
	YAML       *AppYAML // app.yaml beside the app; nil when there is none
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
	rel, err := filepath.Rel(a.Module.Dir, file)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return file
	}
	return rel
}

// Discover finds out what the folder dir holds and how it is served.
func Discover(ctx context.Context, g Go, dir string) (*App, error) {
	return nil, errors.New("discover: being written")
}

// AppYAML is what devserver takes from an App Engine app.yaml.
type AppYAML struct {
	File    string            // absolute
	Runtime string            // as written: go122
	Env     map[string]string // env_variables
	Ignored []Ignored         // parts that have no effect here
}

// Ignored is a part of an app.yaml that has no effect here.
type Ignored struct {
	Position
	Key string
}
