package hook

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// A set is what is done to one copy: the table and the files that are added.
type set struct {
	patches []Patch
	fields  []Field
	needs   []Need
	added   map[string][]byte // by name below src
}

// A job is a set being carried out. It collects everything that does not fit before it changes anything.
type job struct {
	root     string
	minor    int
	sources  map[string]*source
	problems []string
}

// Apply patches the Go below goroot, a writable copy of a GOROOT whose `go env GOVERSION` is goVersion. On an
// error the copy is of no use any more. The error is an [*UnfitError] when the standard library is not what the
// table expects.
func Apply(goroot, goVersion string) error {
	n, err := minor(goVersion)
	if err != nil {
		return err
	}
	added, err := addedTo(n)
	if err != nil {
		return err
	}
	return set{patches, fields, needs, added}.apply(goroot, goVersion)
}

// UnfitError says in which ways a standard library is not the one that the table was written for.
type UnfitError struct {
	GoVersion string   // as `go env GOVERSION` prints it
	Changes   []string // "net.(*netFD).readMsg has changed: it is func(), not func(int)"
}

func (e *UnfitError) Error() string {
	text := "Go " + strings.TrimPrefix(e.GoVersion, "go") + " is not supported yet: "
	if len(e.Changes) == 1 {
		return text + e.Changes[0]
	}
	return text + "\n\t" + strings.Join(e.Changes, "\n\t")
}

func (s set) apply(goroot, goVersion string) error {
	n, err := minor(goVersion)
	if err != nil {
		return err
	}
	j := &job{root: goroot, minor: n, sources: make(map[string]*source)}
	for _, step := range []func(*job) error{s.rename, s.addFields, s.check, s.checkAdded} {
		if err := step(j); err != nil {
			return err
		}
	}
	if len(j.problems) > 0 {
		return &UnfitError{goVersion, j.problems}
	}
	for _, src := range j.sources {
		for _, f := range src.files {
			if err := f.save(); err != nil {
				return err
			}
		}
	}
	return addFiles(goroot, s.added)
}

// source returns the package, parsed once.
func (j *job) source(path string) (*source, error) {
	if s, ok := j.sources[path]; ok {
		return s, nil
	}
	s, err := readSource(j.root, path, j.minor)
	if errors.Is(err, errGone) {
		j.problem("package %s is gone", path)
		s, err = &source{path: path}, nil
	} else if err != nil {
		return nil, err
	}
	j.sources[path] = s
	return s, nil
}

func (j *job) problem(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(j.problems, text) {
		j.problems = append(j.problems, text)
	}
}

// rename plans the patches.
func (s set) rename(j *job) error {
	for _, p := range s.patches {
		decls, err := j.find(want{p.Package, p.Func, p.Types, p.Only, p.GOOS})
		if err != nil {
			return err
		}
		name := p.Func[strings.LastIndex(p.Func, ".")+1:]
		for _, d := range decls {
			if !d.body {
				j.problem("%s has no body in Go any more (%s)", full(p.Package, p.Func), d.file.base())
			}
			if other := otherSystem(p.GOOS); other != "" && d.file.rule.can(other) {
				j.problem("%s is for %s too (%s)", full(p.Package, p.Func), other, d.file.base())
			}
			d.file.edits = append(d.file.edits, edit{d.at, d.at + len(name), p.Name})
		}
		if taken := strings.TrimSuffix(p.Func, name) + p.Name; len(decls) > 0 && len(j.sources[p.Package].decls[taken]) > 0 {
			j.problem("%s exists already", full(p.Package, taken))
		}
	}
	return nil
}

// addFields plans the fields.
func (s set) addFields(j *job) error {
	for _, f := range s.fields {
		decls, err := j.find(want{pkg: f.Package, name: f.Struct, types: []string{"struct{}"}, only: f.Only})
		if err != nil {
			return err
		}
		for _, d := range decls {
			text := f.Decl + " "
			if d.tail {
				text = "; " + text
			}
			d.file.edits = append(d.file.edits, edit{d.end, d.end, text})
		}
	}
	return nil
}

// check looks for what the added files use.
func (s set) check(j *job) error {
	for _, n := range s.needs {
		if _, err := j.find(want{n.Package, n.Name, n.Types, n.Only, n.GOOS}); err != nil {
			return err
		}
	}
	return nil
}

// checkAdded refuses to add files to a package that is not there: it would consist of them alone.
func (s set) checkAdded(j *job) error {
	for _, name := range slices.Sorted(maps.Keys(s.added)) {
		pkg := path.Dir(name)
		if strings.HasPrefix(pkg, home) {
			continue
		}
		if _, err := j.source(pkg); err != nil {
			return err
		}
	}
	return nil
}
