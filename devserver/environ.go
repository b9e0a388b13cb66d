package devserver

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/seed-d81df0db/devserver/devserver/dotenv"
	"github.com/seed-d81df0db/devserver/devserver/project"
)

// dotEnv is the file with variables that is read in the app's folder where devserver.yaml names no other.
const dotEnv = ".env"

// Where a value comes from that no file says.
const (
	fromEnvironment = "environment"
	fromDefault     = "default"
)

// variable is one of an app's environment that a file says.
type variable struct {
	name, value string
	origin      string // of the value: file:line, or environment, where that wins
}

// variables gathers an app's environment. From the weakest: app.yaml, which is production's; .env, which is this
// machine's; the environment of devserver itself, so that one start can differ (DB=... devserver run), as for every tool
// that reads .env; and env of devserver.yaml, which is written for devserver alone.
type variables struct {
	base []string // the environment of devserver itself
	set  map[string]string
	all  map[string]variable
}

func newVariables(base []string) *variables {
	v := &variables{base: base, set: map[string]string{}, all: map[string]variable{}}
	for _, kv := range base {
		name, value, _ := strings.Cut(kv, "=")
		v.set[name] = value
	}
	return v
}

// below adds a variable of a file that the environment wins over.
func (v *variables) below(name, value, origin string) {
	if own, ok := v.set[name]; ok {
		value, origin = own, fromEnvironment
	}
	v.all[name] = variable{name, value, origin}
}

// above adds variables of devserver.yaml.
func (v *variables) above(s *project.Settings) {
	for name, value := range s.Env {
		v.all[name] = variable{name, value, placeText(s.At("env." + name))}
	}
}

// files adds those of .env files. One that does not exist is an error unless it is optional.
func (v *variables) files(files []string, optional bool) error {
	given := func(name string) (string, bool) { value, ok := v.set[name]; return value, ok }
	before := func(name string) (string, bool) { x, ok := v.all[name]; return x.value, ok }
	var errs []error
	for _, file := range files {
		vars, err := dotenv.Load(file, given, before)
		if optional && (errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.EISDIR)) { // Python has its environments in such a folder
			continue
		}
		errs = append(errs, err)
		for _, x := range vars {
			v.below(x.Name, x.Value, placeText(project.Position{File: file, Line: x.Line}))
		}
	}
	return errors.Join(errs...)
}

// list returns those of files in the order of their names, and the whole environment.
func (v *variables) list() (named []variable, env []string) {
	env = slices.Clone(v.base)
	for _, name := range slices.Sorted(maps.Keys(v.all)) {
		x := v.all[name]
		named = append(named, x)
		if x.origin != fromEnvironment {
			env = append(env, name+"="+x.value)
		}
	}
	return named, env
}

// placeText is file:line; the column of a key says nothing.
func placeText(at project.Position) string {
	at.Column = 0
	return at.String()
}

// environ reads an app's environment, and returns the files that it was or would be read from.
func environ(base []string, found *project.App, c *project.Config, a *project.Settings) (named []variable, env, files []string, err error) {
	v := newVariables(base)
	if y := found.YAML; y != nil {
		for name, value := range y.Env {
			v.below(name, value, placeText(y.EnvAt[name]))
		}
	}
	files = []string{filepath.Join(found.Dir, dotEnv)}
	by := saysKey("env_file", c, a)
	if by != nil {
		files = by.EnvFiles
	}
	if err = v.files(files, by == nil); err != nil && by != nil && errors.Is(err, os.ErrNotExist) {
		err = &project.FileError{Position: by.At("env_file"), Message: fmt.Sprintf("env_file: %v", err)}
	}
	v.above(&c.Settings)
	v.above(a)
	named, env = v.list()
	return named, env, files, err
}
