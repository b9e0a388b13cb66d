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
	File string // absolute; "" when there is none
	Settings
	Whole
	Apps []AppConfig
}

// Whole are the keys that hold for devserver as a whole. What is nil or empty is not said.
type Whole struct {
	Addr         string // of the first app
	Console      string
	Data         string   // absolute
	LogFormat    string   // text or json
	ReadyFile    string   // absolute
	Keep         []string // sizes, ages, all: as the flag is written
	JournalLimit string
	Capture      string
	CaptureLimit string
	Redact       []string
	KeyLog       string // absolute
	OTLP         string
	OTLPHeaders  []string // NAME=VALUE
}

// AppConfig is one entry of apps.
type AppConfig struct {
	Position
	Name string // "": the folder's base
	Path string // absolute
	Addr string // host:port, port 0 takes a free one; "" takes the flag's
	Settings
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
	dir := filepath.Dir(file)
	fields := append(c.Settings.fields(d, dir), c.noted("", c.Whole.fields(d, dir)...)...)
	fields = append(fields, yamlfile.Field{Key: "apps", Read: func(_, v ast.Node) error { return d.List(v, "apps", c.readApp(d)) }})
	if err := d.Mapping(root, ConfigName, fields...); err != nil {
		return nil, err
	}
	c.Settings.placed(file)
	return c, nil
}

// fields are the keys by which d fills w.
func (w *Whole) fields(d document, dir string) []yamlfile.Field {
	return []yamlfile.Field{
		d.address("addr", &w.Addr), d.address("console", &w.Console), d.path("data", &w.Data, dir),
		d.word("log_format", &w.LogFormat, "text", "json"), d.path("ready_file", &w.ReadyFile, dir),
		d.list("keep", &w.Keep), d.text("journal_limit", &w.JournalLimit),
		d.word("capture", &w.Capture, "none", "head", "full"), d.text("capture_limit", &w.CaptureLimit), d.list("redact", &w.Redact),
		d.path("keylog", &w.KeyLog, dir), d.text("otlp", &w.OTLP),
		{Key: "otlp_headers", Read: func(_, v ast.Node) error { return w.readHeaders(d, v) }},
	}
}

// readHeaders reads names with values.
func (w *Whole) readHeaders(d document, n ast.Node) error {
	entries, err := d.Pairs(n, "otlp_headers")
	errs := []error{err}
	for _, e := range entries {
		name := e.Key.GetToken().Value
		value, err := d.Scalar(e.Value, "otlp_headers."+name)
		errs = append(errs, err)
		w.OTLPHeaders = append(w.OTLPHeaders, name+"="+value)
	}
	return errors.Join(errs...)
}

// path is a field whose value is a file or a folder, named from dir.
func (d document) path(key string, to *string, dir string) yamlfile.Field {
	return yamlfile.Field{Key: key, Read: func(_, v ast.Node) error {
		text, err := d.Scalar(v, key)
		if err == nil && text == "" {
			err = d.Errorf(v, "%s: an empty path means nothing; leave it out", key)
		}
		if err == nil {
			*to = from(dir, text)
		}
		return err
	}}
}

// readProfile takes a built-in profile's name, or a file's path from the folder of devserver.yaml.
func (s *Settings) readProfile(d document, n ast.Node, dir string) error {
	name, err := d.Scalar(n, "profile")
	if err != nil {
		return err
	}
	var names []string
	for _, p := range profile.List() {
		names = append(names, p.Name)
	}
	if slices.Contains(names, name) {
		s.Profile = name
		return nil
	}
	if ext := filepath.Ext(name); !strings.ContainsRune(name, filepath.Separator) && ext != ".yaml" && ext != ".yml" {
		return d.Errorf(n, "profile %q does not exist; there are %s, and files such as ./mine.yaml", name, strings.Join(names, ", "))
	}
	name = from(dir, name)
	if _, err := os.Stat(name); err != nil {
		return d.Errorf(n, "profile %s: %s", shown(name), plain(err))
	}
	s.Profile = name
	return nil
}

// document reads what only settings of a project have.
type document struct{ *yamlfile.Document }

func (s *Settings) readStandin(d document) func(ast.Node) error {
	return func(n ast.Node) error {
		if text, ok := d.Value(n).(*ast.StringNode); ok { // as the flag is written
			st, err := ParseStandin(text.Value)
			return s.addStandin(d, n, st, err)
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
		st, err := newStandin(production, address, local)
		return s.addStandin(d, n, st, err)
	}
}

func (s *Settings) addStandin(d document, n ast.Node, st Standin, err error) error {
	if err != nil {
		return d.Errorf(n, "%s", strings.TrimPrefix(err.Error(), "--standin "))
	}
	if slices.ContainsFunc(s.Standins, func(o Standin) bool { return o.key() == st.key() }) {
		return d.Errorf(n, "a second stand-in for %s; keep one", strings.TrimPrefix(st.key(), "="))
	}
	s.Standins = append(s.Standins, st)
	if err := oneAddress(s.Standins); err != nil {
		return d.Errorf(n, "%s", err)
	}
	return nil
}

func (c *Config) readApp(d document) func(ast.Node) error {
	return func(n ast.Node) error {
		a := AppConfig{Position: d.Place(n)}
		own := a.noted("", d.text("name", &a.Name), d.text("path", &a.Path), d.address("addr", &a.Addr))
		err := d.Mapping(n, "an app", append(own, a.Settings.fields(d, filepath.Dir(c.File))...)...)
		if err == nil {
			err = d.checkApp(n, &a)
		}
		if err != nil {
			return err
		}
		if slices.ContainsFunc(c.Apps, func(o AppConfig) bool { return o.AppName() == a.AppName() }) {
			return d.Errorf(n, "a second app with the name %q; give it another name", a.AppName())
		}
		a.placed(c.File)
		c.Apps = append(c.Apps, a)
		return nil
	}
}

// AppName is what the app is called.
func (a AppConfig) AppName() string {
	if a.Name != "" {
		return a.Name
	}
	return filepath.Base(a.Path)
}

func (d document) checkApp(n ast.Node, a *AppConfig) error {
	if a.Path == "" {
		return d.Errorf(n, "an app wants path: its folder, from this file's folder")
	}
	a.Path = from(filepath.Dir(a.File), a.Path)
	if a.Name != "" && !goodName(a.Name) {
		return d.Errorf(n, "app name %q: letters, digits, -, _ and . only, and no dot at its start", a.Name)
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
// note is told where each stands.
func (d document) env(n ast.Node, where string, note func(key string, at Position)) (map[string]string, error) {
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
		note(where+"."+key, d.Place(e.Key))
		errs = append(errs, err)
	}
	return env, errors.Join(errs...)
}
