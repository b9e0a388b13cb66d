package project

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/yamlfile"
)

// AppYAMLName is the file that App Engine's own tools read.
const AppYAMLName = "app.yaml"

// AppYAML is what devserver takes from an App Engine app.yaml. What it does not know there is no error: the file is
// production's, and production has parts that mean nothing here.
type AppYAML struct {
	File    string            // absolute
	Runtime string            // as written: go122
	Env     map[string]string // env_variables
	EnvAt   map[string]Position

	Handlers          []URLHandler   // in the file's order
	DefaultExpiration *time.Duration // of files whose handler says none; nil: not said

	Ignored []Ignored // parts that have no effect here, in the file's order
}

// Ignored is a part of an app.yaml that has no effect here.
type Ignored struct {
	Position
	Key string // inbound_services, or what of handlers: "handlers: login"
}

// String says it for a person.
func (i Ignored) String() string { return fmt.Sprintf("%s: %s has no effect here", i.Position, i.Key) }

// LoadAppYAML reads the app.yaml in dir; nil when there is none.
func LoadAppYAML(dir string) (*AppYAML, error) {
	file := filepath.Join(dir, AppYAMLName)
	if _, err := os.Lstat(file); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	open, root, err := yamlfile.Open(file)
	if err != nil {
		return nil, err
	}
	d := document{open}
	entries, err := d.Pairs(root, AppYAMLName)
	if err != nil {
		return nil, err
	}
	y := &AppYAML{File: file}
	var errs []error
	for _, e := range entries {
		switch key := e.Key.GetToken().Value; key {
		case "runtime":
			y.Runtime, err = d.Scalar(e.Value, key)
		case "env_variables":
			y.EnvAt = map[string]Position{}
			y.Env, err = d.env(e.Value, key, func(name string, at Position) { y.EnvAt[strings.TrimPrefix(name, key+".")] = at })
		case "handlers":
			err = y.readHandlers(d, e.Value)
		case "default_expiration":
			y.DefaultExpiration, err = d.expiration(e.Value, key)
		default:
			y.Ignored, err = append(y.Ignored, Ignored{d.Place(e.Key), key}), nil
		}
		errs = append(errs, err)
	}
	return y, errors.Join(errs...)
}
