// Package profile holds the production profiles: YAML in, a finished [sandbox.Policy] out.
//
// A profile says of every rule of production how it is asked (enforce, report, off) and where it is documented, and
// gives the quotas, the idle limit and the deadline. Those of App Engine are built in; a user's own file extends one:
//
//	extends: appengine
//	rules: {listen: report}
//	quotas: {connect: {per_minute: 5}}
//	reclaim: {idle: 30s}
//	exceptions:
//	  - {host: db.example.com, ports: [5432], rules: [private]}
package profile

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/seed-d81df0db/devserver/devserver/yamlfile"
	"github.com/seed-d81df0db/devserver/sandbox"
)

//go:embed profiles/*.yaml
var builtin embed.FS

// Default is the profile that holds when none is named, and that a user's file extends when it names none.
const Default = "appengine"

// names are the built-in profiles in the order in which they are listed.
var names = []string{"appengine", "appengine-php", "appengine-10m", "open"}

// maxExtends is how many profiles may stand on each other.
const maxExtends = 16

// A Profile is a loaded profile.
type Profile struct {
	Name    string   // of a file without one: its path
	Summary string   // one sentence
	Files   []string // that it was read from, absolute, itself first; none for a built-in one
	text    []byte
	policy  sandbox.Policy
}

// Info names a built-in profile.
type Info struct{ Name, Summary string }

// List returns the built-in profiles.
func List() []Info {
	var all []Info
	for _, name := range names {
		if p, err := Load(name); err == nil {
			all = append(all, Info{p.Name, p.Summary})
		}
	}
	return all
}

// Load returns a built-in profile by its name, or reads a file: whatever has a slash or ends in .yaml or .yml is one.
// "" is Default.
func Load(nameOrFile string) (*Profile, error) {
	if nameOrFile == "" {
		nameOrFile = Default
	}
	return load(nameOrFile, nil)
}

// load loads what the profiles of chain extend.
func load(nameOrFile string, chain []string) (*Profile, error) {
	if slices.Contains(names, nameOrFile) {
		data, err := builtin.ReadFile("profiles/" + nameOrFile + ".yaml")
		if err != nil {
			return nil, err
		}
		return parse(nameOrFile+".yaml", nameOrFile, data, append(chain, nameOrFile))
	}
	if !isFile(nameOrFile) {
		return nil, fmt.Errorf("profile %q does not exist; there are %s, and files such as ./mine.yaml", nameOrFile, strings.Join(names, ", "))
	}
	file, err := filepath.Abs(nameOrFile)
	if err != nil {
		return nil, err
	}
	if slices.Contains(chain, file) || len(chain) == maxExtends {
		return nil, fmt.Errorf("%s extends itself: %s", filepath.Base(chain[0]), strings.Join(append(chain, file), " > "))
	}
	data, err := yamlfile.Read(file)
	if err != nil {
		return nil, notRead(nameOrFile, err)
	}
	p, err := parse(file, nameOrFile, data, append(chain, file))
	if err != nil {
		return nil, err
	}
	p.Files = slices.Insert(p.Files, 0, file)
	return p, nil
}

func isFile(name string) bool {
	return strings.ContainsRune(name, filepath.Separator) || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

func notRead(file string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("profile %s: %w", file, err)
}

// source is a profile's file as it is read.
type source struct {
	Overrides
	name, summary, extends string
	extendsAt              ast.Node
}

func parse(file, name string, data []byte, chain []string) (*Profile, error) {
	d, root, err := yamlfile.Parse(file, data)
	if err != nil {
		return nil, err
	}
	s := source{name: name}
	fields := append([]yamlfile.Field{
		text(d, "name", &s.name), text(d, "summary", &s.summary),
		{Key: "extends", Read: func(_, v ast.Node) (err error) {
			s.extendsAt = v
			s.extends, err = d.Scalar(v, "extends")
			return err
		}},
	}, s.Fields(d)...)
	if root != nil {
		if err := d.Mapping(root, "a profile", fields...); err != nil {
			return nil, err
		}
	}
	return s.finish(d, file, data, chain)
}

// finish puts the file's settings on those that it extends.
func (s *source) finish(d *yamlfile.Document, file string, data []byte, chain []string) (*Profile, error) {
	p := &Profile{Name: s.name, Summary: s.summary, text: data}
	if chain[len(chain)-1] == Default {
		if err := p.root(); err != nil {
			return nil, err
		}
	} else {
		base, err := s.base(file, chain)
		if err != nil {
			var placed *yamlfile.Error
			if s.extendsAt == nil || errors.As(err, &placed) {
				return nil, err
			}
			return nil, d.Errorf(s.extendsAt, "extends: %s", err)
		}
		p.policy, p.Files = base.policy, base.Files
	}
	p.policy.Profile = p.Name
	s.Apply(&p.policy)
	if _, err := p.policy.Compile(); err != nil {
		return nil, fmt.Errorf("profile %s: %w", p.Name, err)
	}
	return p, nil
}

// root fills in what all profiles stand on.
func (p *Profile) root() error {
	google, err := googleRanges()
	p.policy.Google, p.policy.GCE = google.services, google.gce
	return err
}

// base loads the profile that this one extends; a file's path is as seen from this one's folder.
func (s *source) base(file string, chain []string) (*Profile, error) {
	extends := s.extends
	switch {
	case extends == "":
		extends = Default
	case isFile(extends) && !filepath.IsAbs(extends):
		extends = filepath.Join(filepath.Dir(file), extends)
	}
	return load(extends, chain)
}

// Text returns the profile's YAML.
func (p *Profile) Text() string { return string(bytes.TrimRight(p.text, "\n")) + "\n" }

// Policy returns the finished policy, which belongs to the caller.
func (p *Profile) Policy() (*sandbox.Policy, error) {
	own := p.policy
	own.Rules, own.Quotas = maps.Clone(own.Rules), maps.Clone(own.Quotas)
	own.Google, own.GCE = slices.Clone(own.Google), slices.Clone(own.GCE)
	own.Exceptions = slices.Clone(own.Exceptions)
	for i, x := range own.Exceptions {
		own.Exceptions[i].Ports, own.Exceptions[i].Rules = slices.Clone(x.Ports), slices.Clone(x.Rules)
	}
	return &own, nil
}
