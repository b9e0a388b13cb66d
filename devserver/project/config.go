// Package project reads what the user's folder says: devserver.yaml, app.yaml, and which app lies in it.
//
// Locate finds and reads the devserver.yaml; what its author has to mend is a FileError with line and column, all of
// them at once. Discover asks the go command about a folder and finds out how its package is served.
package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/devserver/yamlfile"
)

// ConfigName is the file that Locate looks for.
const ConfigName = "devserver.yaml"

// Config is a devserver.yaml. Its zero value is that of a project without one.
type Config struct {
	File      string // absolute; "" when there is none
	Profile   string // a built-in profile's name, or a file's absolute path; "" when none is named
	Overrides profile.Overrides
	Standins  []Standin
	Apps      []AppConfig
}

// AppConfig is one entry of apps.
type AppConfig struct {
	Position
	Name string            // "": the folder's base
	Path string            // absolute
	Addr string            // host:port, port 0 takes a free one; "" takes the flag's
	Env  map[string]string // added to the app's environment
}

// Locate reads the file that --config names or, when that is empty, the devserver.yaml nearest to dir, looked for
// in dir and in the folders above it up to the module's root. Without one it returns an empty Config.
func Locate(flag, dir string) (*Config, error) {
	if flag != "" {
		return Load(flag)
	}
	for _, file := range Candidates(dir) {
		if _, err := os.Lstat(file); err == nil {
			return Load(file)
		} else if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			return nil, fmt.Errorf("%s: %w", shown(file), plain(err))
		}
	}
	return new(Config), nil
}

// Candidates returns the absolute paths at which Locate looks for a devserver.yaml, the nearest first. Outside a
// module that is dir alone: a file further up belongs to something else.
func Candidates(dir string) []string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil
	}
	var files []string
	for d := dir; ; d = filepath.Dir(d) {
		files = append(files, filepath.Join(d, ConfigName))
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return files
		}
		if d == filepath.Dir(d) {
			return files[:1]
		}
	}
}

// Load reads a devserver.yaml.
func Load(file string) (*Config, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	d, root, err := yamlfile.Open(abs)
	if err != nil {
		return nil, err
	}
	return read(abs, document{d}, root)
}

// read reads the file's only mapping.
func read(file string, d document, root ast.Node) (*Config, error) {
	c := &Config{File: file}
	fields := append([]yamlfile.Field{
		{Key: "profile", Read: func(_, v ast.Node) error { return c.readProfile(d, v) }},
	}, c.Overrides.Fields(d.Document)...)
	fields = append(fields,
		yamlfile.Field{Key: "standins", Read: func(_, v ast.Node) error { return d.List(v, "standins", c.readStandin(d)) }},
		yamlfile.Field{Key: "apps", Read: func(_, v ast.Node) error { return d.List(v, "apps", c.readApp(d)) }},
	)
	if err := d.Mapping(root, ConfigName, fields...); err != nil {
		return nil, err
	}
	return c, nil
}

// readProfile takes a built-in profile's name, or a file's path from the folder of devserver.yaml.
func (c *Config) readProfile(d document, n ast.Node) error {
	name, err := d.Scalar(n, "profile")
	if err != nil {
		return err
	}
	var names []string
	for _, p := range profile.List() {
		names = append(names, p.Name)
	}
	if slices.Contains(names, name) {
		c.Profile = name
		return nil
	}
	if ext := filepath.Ext(name); !strings.ContainsRune(name, filepath.Separator) && ext != ".yaml" && ext != ".yml" {
		return d.Errorf(n, "profile %q does not exist; there are %s, and files such as ./mine.yaml", name, strings.Join(names, ", "))
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(c.File), name)
	}
	if _, err := os.Stat(name); err != nil {
		return d.Errorf(n, "profile %s: %s", shown(name), plain(err))
	}
	c.Profile = name
	return nil
}

// document reads what only settings of a project have.
type document struct{ *yamlfile.Document }

func (c *Config) readStandin(d document) func(ast.Node) error {
	return func(n ast.Node) error {
		if text, ok := d.Value(n).(*ast.StringNode); ok { // as the flag is written
			s, err := ParseStandin(text.Value)
			return c.addStandin(d, n, s, err)
		}
		var production, address, local string
		err := d.Mapping(n, "a stand-in",
			d.text("production", &production), d.text("address", &address), d.text("local", &local))
		switch {
		case err != nil:
			return err
		case local == "":
			return d.Errorf(n, "a stand-in wants local: 127.0.0.1:5432, or one of %s", builtinList())
		case production == "" && (address != "" || noAddress(local)):
			return d.Errorf(n, "a stand-in wants production: the host:port that the app dials")
		}
		s, err := newStandin(production, address, local)
		return c.addStandin(d, n, s, err)
	}
}

func (c *Config) addStandin(d document, n ast.Node, s Standin, err error) error {
	if err != nil {
		return d.Errorf(n, "%s", strings.TrimPrefix(err.Error(), "--standin "))
	}
	if slices.ContainsFunc(c.Standins, func(o Standin) bool { return o.key() == s.key() }) {
		return d.Errorf(n, "a second stand-in for %s; keep one", strings.TrimPrefix(s.key(), "="))
	}
	c.Standins = append(c.Standins, s)
	if err := oneAddress(c.Standins); err != nil {
		return d.Errorf(n, "%s", err)
	}
	return nil
}

func (c *Config) readApp(d document) func(ast.Node) error {
	return func(n ast.Node) error {
		a := AppConfig{Position: d.Place(n)}
		err := d.Mapping(n, "an app", d.text("name", &a.Name), d.text("path", &a.Path), d.text("addr", &a.Addr),
			yamlfile.Field{Key: "env", Read: func(_, v ast.Node) (err error) { a.Env, err = d.env(v, "env"); return err }})
		if err == nil {
			err = d.checkApp(n, &a)
		}
		if err != nil {
			return err
		}
		if slices.ContainsFunc(c.Apps, func(o AppConfig) bool { return o.name() == a.name() }) {
			return d.Errorf(n, "a second app with the name %q; give it another name", a.name())
		}
		c.Apps = append(c.Apps, a)
		return nil
	}
}

func (a AppConfig) name() string {
	if a.Name != "" {
		return a.Name
	}
	return filepath.Base(a.Path)
}

func (d document) checkApp(n ast.Node, a *AppConfig) error {
	if a.Path == "" {
		return d.Errorf(n, "an app wants path: its folder, from this file's folder")
	}
	if !filepath.IsAbs(a.Path) {
		a.Path = filepath.Join(filepath.Dir(a.File), a.Path)
	}
	if a.Name != "" && !goodName(a.Name) {
		return d.Errorf(n, "app name %q: letters, digits, -, _ and . only, and no dot at its start", a.Name)
	}
	if a.Addr == "" || strings.HasSuffix(a.Addr, ":0") && len(a.Addr) > 2 {
		return nil
	}
	if _, _, err := splitHostPort(a.Addr); err != nil {
		return d.Errorf(n, "addr: %s; write something like 127.0.0.1:8080", err)
	}
	return nil
}

// goodName tells whether an app's name can be part of a file's name and of a command line.
func goodName(name string) bool {
	return name[0] != '.' && strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r))
	}) < 0
}

// text is a field whose value is one text.
func (d document) text(key string, to *string) yamlfile.Field {
	return yamlfile.Field{Key: key, Read: func(_, v ast.Node) (err error) {
		*to, err = d.Scalar(v, key)
		return err
	}}
}

// env reads variables; what a value's text is, its author wrote: 08 stays 08, yes stays yes.
func (d document) env(n ast.Node, where string) (map[string]string, error) {
	entries, err := d.Pairs(n, where)
	if err != nil {
		return nil, err
	}
	env := make(map[string]string)
	var errs []error
	for _, e := range entries {
		key := e.Key.GetToken().Value
		if key == "" || strings.ContainsAny(key, "=\x00") {
			errs = append(errs, d.Errorf(e.Key, "%s: %q cannot be a variable's name", where, key))
			continue
		}
		text, err := d.Scalar(e.Value, where+"."+key)
		if strings.Contains(text, "\x00") {
			err = d.Errorf(e.Value, "%s.%s: a variable cannot hold a NUL", where, key)
		}
		env[key] = text
		errs = append(errs, err)
	}
	return env, errors.Join(errs...)
}
