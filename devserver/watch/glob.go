package watch

import (
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// deep stands for any number of folders in a glob.
const deep = "**"

// glob is a pattern of absolute paths, element by element. One that fits a folder takes in all that is below.
type glob []string

// newGlob makes a glob of a pattern that counts from dir.
func newGlob(pattern, dir string) glob {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(escape(dir), filepath.FromSlash(pattern))
	}
	return slices.Compact(elements(filepath.Clean(pattern))) // twice ** says no more than once
}

// escape makes a pattern that fits this very path.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func elements(path string) []string {
	return strings.FieldsFunc(filepath.ToSlash(path), func(r rune) bool { return r == '/' })
}

// checkGlob says what is wrong with a pattern.
func checkGlob(pattern string) error {
	if strings.TrimSpace(pattern) == "" {
		return errors.New("it is empty; write a path such as config/*.json")
	}
	for _, e := range elements(pattern) {
		if _, err := path.Match(e, ""); err != nil {
			return errors.New("a bracket or a backslash is left open")
		}
	}
	return nil
}

// match tells whether g fits file, or a folder around it; and whether it may fit something below file.
func (g glob) match(file string) (fits, below bool) {
	at := make([]bool, len(g)+1)
	at[0] = true
	g.skip(at)
	for _, e := range elements(file) {
		if at[len(g)] {
			return true, true
		}
		next := make([]bool, len(g)+1)
		for i, here := range at[:len(g)] {
			if !here {
				continue
			}
			if g[i] == deep {
				next[i] = true
			} else if ok, _ := path.Match(g[i], e); ok {
				next[i+1] = true
			}
		}
		g.skip(next)
		at = next
	}
	return at[len(g)], slices.Contains(at, true)
}

// skip adds the places after ** to the places where a match has got to: it may stand for nothing.
func (g glob) skip(at []bool) {
	for i, e := range g {
		if at[i] && e == deep {
			at[i+1] = true
		}
	}
}

// root is the folder from which on g has to be looked for.
func (g glob) root() string {
	n := slices.IndexFunc(g, func(e string) bool { return strings.ContainsAny(e, `*?[\`) })
	if n < 0 {
		n = max(0, len(g)-1) // the last may be a file
	}
	return string(filepath.Separator) + filepath.Join(g[:n]...)
}

type globs []glob

func newGlobs(patterns []string, dir string) globs {
	var gs globs
	for _, p := range patterns {
		gs = append(gs, newGlob(p, dir))
	}
	return gs
}

func (gs globs) fit(file string) bool {
	return slices.ContainsFunc(gs, func(g glob) bool { fits, _ := g.match(file); return fits })
}

// reach tells whether something below dir may fit.
func (gs globs) reach(dir string) bool {
	return slices.ContainsFunc(gs, func(g glob) bool { _, below := g.match(dir); return below })
}
