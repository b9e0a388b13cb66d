package project

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/devserver/yamlfile"
)

// Settings are the keys that may stand at the top of a devserver.yaml, for all its apps, and in an app, where they win.
// What is nil or empty is not said, unless Has knows the key.
type Settings struct {
	Profile    string // a built-in profile's name, or a file's absolute path
	Overrides  profile.Overrides
	Standins   []Standin
	Env        map[string]string // added to the app's environment
	EnvFiles   []string          // absolute; said and empty: none is read, the app's .env neither
	BuildFlags []string          // as the go command splits them
	OnBuild    string            // wait or serve-old
	WaitLimit  *time.Duration
	Drain      *time.Duration
	Reload     *bool
	LiveReload *bool
	TLS        *bool
	Debug      string // HOST:PORT; said and "": no debugger
	Templates  string // restart, reload or ignore, as Static; see package watch
	Static     string
	Extra      []string // globs
	Ignore     []string

	at map[string]Position
}

// Has tells whether the file says a key, and At where: "drain", "assets.static", "env.DB".
func (s *Settings) Has(key string) bool { return s.at[key].Line > 0 }

// At is where the file says a key; it has no line when it does not.
func (s *Settings) At(key string) Position { return s.at[key] }

// Judges tells whether the settings change by which rules an app is judged.
func (s *Settings) Judges() bool {
	return slices.ContainsFunc(judging, s.Has)
}

// judging are the keys of profile.Overrides, and profile.
var judging = []string{"profile", "billing", "rules", "quotas", "reclaim", "options", "deadline", "errors", "exceptions"}

// fields are the keys by which d fills s; dir is the folder from which it names files.
func (s *Settings) fields(d document, dir string) []yamlfile.Field {
	fields := []yamlfile.Field{{Key: "profile", Read: func(_, v ast.Node) error { return s.readProfile(d, v, dir) }}}
	fields = append(fields, s.Overrides.Fields(d.Document)...)
	fields = append(fields,
		yamlfile.Field{Key: "standins", Read: func(_, v ast.Node) error { return d.List(v, "standins", s.readStandin(d)) }},
		yamlfile.Field{Key: "env", Read: func(_, v ast.Node) (err error) { s.Env, err = d.env(v, "env", s.note); return err }},
		yamlfile.Field{Key: "env_file", Read: func(_, v ast.Node) (err error) {
			s.EnvFiles, err = d.texts(v, "env_file")
			for i, f := range s.EnvFiles {
				s.EnvFiles[i] = from(dir, f)
			}
			return err
		}},
		yamlfile.Field{Key: "build_flags", Read: func(_, v ast.Node) (err error) { s.BuildFlags, err = d.buildFlags(v); return err }},
		d.word("on_build", &s.OnBuild, "wait", "serve-old"),
		d.duration("wait_limit", &s.WaitLimit), d.duration("drain", &s.Drain),
		d.boolean("reload", &s.Reload), d.boolean("live_reload", &s.LiveReload), d.boolean("tls", &s.TLS),
		d.debug(&s.Debug),
		yamlfile.Field{Key: "assets", Read: func(_, v ast.Node) error {
			actions := []string{"restart", "reload", "ignore"}
			return d.Mapping(v, "assets", s.noted("assets.", d.word("templates", &s.Templates, actions...), d.word("static", &s.Static, actions...))...)
		}},
		yamlfile.Field{Key: "watch", Read: func(_, v ast.Node) error {
			return d.Mapping(v, "watch", s.noted("watch.", d.list("extra", &s.Extra), d.list("ignore", &s.Ignore))...)
		}},
	)
	return s.noted("", fields...)
}

// note remembers where a key stands.
func (s *Settings) note(key string, at Position) {
	if s.at == nil {
		s.at = map[string]Position{}
	}
	s.at[key] = at
}

// noted are the fields that also remember where their keys stand.
func (s *Settings) noted(prefix string, fields ...yamlfile.Field) []yamlfile.Field {
	for i, f := range fields {
		read := f.Read
		fields[i].Read = func(key, value ast.Node) error {
			t := key.GetToken()
			s.note(prefix+f.Key, Position{Line: t.Position.Line, Column: t.Position.Column})
			return read(key, value)
		}
	}
	return fields
}

// placed gives all that was noted its file.
func (s *Settings) placed(file string) {
	for key, at := range s.at {
		at.File = file
		s.at[key] = at
	}
}

// from makes a path absolute that a file in dir names.
func from(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// buildFlags reads a text, which is split as the flag is, or a list of flags.
func (d document) buildFlags(n ast.Node) ([]string, error) {
	if _, list := d.Value(n).(*ast.SequenceNode); list {
		return d.texts(n, "build_flags")
	}
	text, err := d.Scalar(n, "build_flags")
	if err != nil {
		return nil, err
	}
	flags, err := SplitFlags(text)
	if err != nil {
		return nil, d.Errorf(n, "build_flags: %s", strings.TrimPrefix(err.Error(), "build flags: "))
	}
	return flags, nil
}

// texts reads a text, or a list of them.
func (d document) texts(n ast.Node, where string) ([]string, error) {
	if text, err := d.Scalar(n, where); err == nil {
		return []string{text}, notEmpty(d, n, where, text)
	}
	all := []string{}
	err := d.List(n, where, func(n ast.Node) error {
		text, err := d.Scalar(n, where)
		all = append(all, text)
		return errors.Join(err, notEmpty(d, n, where, text))
	})
	return all, err
}

func notEmpty(d document, n ast.Node, where, text string) error {
	if _, read := d.Value(n).(*ast.StringNode); read && text == "" {
		return d.Errorf(n, "%s: an empty text means nothing here; leave it out", where)
	}
	return nil
}

// list is a field whose value is a text or a list of texts.
func (d document) list(key string, to *[]string) yamlfile.Field {
	return yamlfile.Field{Key: key, Read: func(_, v ast.Node) (err error) {
		*to, err = d.texts(v, key)
		return err
	}}
}

// word is a field whose value is one of the accepted words.
func (d document) word(key string, to *string, accepted ...string) yamlfile.Field {
	return yamlfile.Field{Key: key, Read: func(_, v ast.Node) error {
		text, err := d.Scalar(v, key)
		if err == nil && !slices.Contains(accepted, text) {
			err = d.Errorf(v, "%s: %q is not known; accepted: %s", key, text, strings.Join(accepted, ", "))
		}
		*to = text
		return err
	}}
}

// duration is a field whose value is a length of time, 0 or more.
func (d document) duration(key string, to **time.Duration) yamlfile.Field {
	return yamlfile.Field{Key: key, Read: func(_, v ast.Node) error {
		text, err := d.Scalar(v, key)
		if err != nil {
			return err
		}
		span, err := time.ParseDuration(text)
		if err != nil || span < 0 {
			return d.Errorf(v, "%s: %q is not a duration; write one such as 10s or 2m", key, text)
		}
		*to = &span
		return nil
	}}
}

// boolean is a field whose value is true or false.
func (d document) boolean(key string, to **bool) yamlfile.Field {
	return yamlfile.Field{Key: key, Read: func(_, v ast.Node) error {
		text, err := d.Scalar(v, key)
		if err != nil {
			return err
		}
		if text != "true" && text != "false" {
			return d.Errorf(v, "%s: %q is neither true nor false", key, text)
		}
		is := text == "true"
		*to = &is
		return nil
	}}
}

// address is a field whose value is where something listens, HOST:PORT; port 0 takes a free one.
func (d document) address(key string, to *string) yamlfile.Field {
	return yamlfile.Field{Key: key, Read: func(_, v ast.Node) error {
		text, err := d.Scalar(v, key)
		if err != nil {
			return err
		}
		*to = text
		if err := listenAddress(text); err != nil {
			return d.Errorf(v, "%s: %s; write something like 127.0.0.1:8080", key, err)
		}
		return nil
	}}
}

// debug is where delve listens: an address, true for the usual one, or false.
func (d document) debug(to *string) yamlfile.Field {
	read := d.address("debug", to).Read
	return yamlfile.Field{Key: "debug", Read: func(key, v ast.Node) error {
		switch text, err := d.Scalar(v, "debug"); {
		case err == nil && text == "true":
			*to = DefaultDebug
		case err == nil && text == "false":
			*to = ""
		default:
			return read(key, v)
		}
		return nil
	}}
}

// DefaultDebug is where delve listens where nobody names another address: that of its own documentation.
const DefaultDebug = "127.0.0.1:2345"

// listenAddress says what is wrong with HOST:PORT.
func listenAddress(text string) error {
	if strings.HasSuffix(text, ":0") && len(text) > 2 {
		return nil
	}
	_, _, err := splitHostPort(text)
	return err
}
