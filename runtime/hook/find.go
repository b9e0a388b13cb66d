package hook

import (
	"path/filepath"
	"slices"
	"strings"
)

// A want is what patches, fields and needs have in common: a name that must be there.
type want struct {
	pkg, name string
	types     []string
	only      string
	goos      string
}

// find returns every declaration of the name that Linux or macOS can compile. What does not fit becomes a problem
// of the job; the error is for a copy that cannot be read and for a mistake in the table.
func (j *job) find(w want) ([]decl, error) {
	if ok, err := holds(w.only, j.minor); !ok || err != nil {
		return nil, err
	}
	accepted, err := canonicals(w.types)
	if err != nil {
		return nil, err
	}
	src, err := j.source(w.pkg)
	if err != nil {
		return nil, err
	}
	var decls []decl
	for _, d := range src.decls[w.name] {
		if w.goos != "" && !d.file.rule.can(w.goos) {
			continue
		}
		decls = append(decls, d)
		if len(accepted) > 0 && !slices.Contains(accepted, d.typ) {
			j.problem("%s has changed: it is %s (%s), not %s", full(w.pkg, w.name), orUntyped(d.typ), d.file.base(), strings.Join(accepted, " or "))
		}
	}
	j.everywhere(w, decls)
	return decls, nil
}

// everywhere checks that each platform has exactly one of the declarations.
func (j *job) everywhere(w want, decls []decl) {
	if len(decls) == 0 {
		if len(j.sources[w.pkg].files) > 0 { // else the package's own problem says enough
			j.problem("%s is gone", full(w.pkg, w.name))
		}
		return
	}
	for _, p := range platforms {
		if w.goos != "" && w.goos != p.goos {
			continue
		}
		n := 0
		for _, d := range decls {
			if d.file.rule.in(p) {
				n++
			}
		}
		if n != 1 {
			j.problem("%s is declared %d times for %s/%s", full(w.pkg, w.name), n, p.goos, p.goarch)
		}
	}
}

func canonicals(types []string) ([]string, error) {
	var out []string
	for _, t := range types {
		c, err := canonical(t)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// full joins a package and a name: "net.(*netFD).Read".
func full(pkg, name string) string { return pkg + "." + name }

func orUntyped(typ string) string {
	if typ == "" {
		return "without a type"
	}
	return typ
}

// otherSystem returns the system that a patch for goos alone must leave as it is.
func otherSystem(goos string) string {
	switch goos {
	case "linux":
		return "darwin"
	case "darwin":
		return "linux"
	}
	return ""
}

func (f *file) base() string { return filepath.Base(f.name) }
