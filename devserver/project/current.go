package project

import (
	"crypto/sha256"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Modules returns a sum of the files that decide where packages come from: go.mod, go.sum, go.work and vendor/modules.txt. Those
// of modules that have come since Discover count if pkgs, a newer list, names them.
func (a *App) Modules(pkgs []Package) [sha256.Size]byte {
	var files []string
	for _, m := range a.UserModules(pkgs) {
		files = append(files, m.GoMod, strings.TrimSuffix(m.GoMod, ".mod")+".sum", filepath.Join(m.Dir, "vendor", "modules.txt"))
	}
	if a.GoWork != "" {
		files = append(files, a.GoWork, a.GoWork+".sum", filepath.Join(filepath.Dir(a.GoWork), "vendor", "modules.txt"))
	}
	h := sha256.New()
	for _, file := range files {
		data, err := os.ReadFile(file)
		h.Write(strconv.AppendBool(strconv.AppendInt(nil, int64(len(data)), 10), err == nil)) // where a file ends, or is missing
		h.Write(data)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Overlaid tells whether some files are other ones in a build than on the disk (go build -overlay).
func (a *App) Overlaid(g Go) bool {
	return len(FlagValues(append(slices.Clone(a.GoFlags), g.Flags...), "overlay")) > 0
}

// Current tells whether List would say again what it said in pkgs, as far as the user's packages go: the same files, imports and
// names. It reads the heads of the files, which takes a fraction of the time that the go command takes. It answers no where
// it cannot know: of broken packages, of those with embedded files or cgo, and with an overlay. What Modules sums must be the same.
func (a *App) Current(g Go, pkgs []Package) bool {
	if a.Overlaid(g) {
		return false
	}
	for _, p := range pkgs {
		if p.Error != nil || p.Local() && !a.current(p) {
			return false
		}
	}
	return len(pkgs) > 0
}

func (a *App) current(p Package) bool {
	if len(p.EmbedPatterns)+len(p.CgoFiles)+len(p.CFiles)+len(p.CXXFiles)+len(p.SwigFiles)+len(p.SwigCXXFiles) > 0 {
		return false
	}
	return p.sameFiles() && a.sameImports(p)
}

// sameFiles tells whether the package's folder holds the files that were listed.
func (p Package) sameFiles() bool {
	entries, err := os.ReadDir(p.Dir)
	if err != nil {
		return false
	}
	listed := slices.Concat(p.GoFiles, p.IgnoredGoFiles, p.TestGoFiles, p.XTestGoFiles)
	other := slices.Concat(p.HFiles, p.SFiles, p.SysoFiles, p.MFiles, p.FFiles)
	found := 0
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
			continue
		}
		switch filepath.Ext(name) {
		case ".go":
			if !slices.Contains(listed, name) {
				return false
			}
			found++
		case ".s", ".syso", ".h", ".c", ".cc", ".cpp", ".cxx", ".m", ".S", ".f", ".swig", ".swigcxx", ".sx":
			if !slices.Contains(other, name) {
				return false
			}
			found++
		}
	}
	return found == len(listed)+len(other)
}

// sameImports tells whether the heads of the files say what was listed.
func (a *App) sameImports(p Package) bool {
	var imports []string
	for _, name := range p.GoFiles {
		file := filepath.Join(p.Dir, name)
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil || f.Name.Name != p.Name || !a.Compiles(file) {
			return false
		}
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return false
			}
			imports = append(imports, path)
		}
	}
	for _, name := range p.IgnoredGoFiles {
		if a.Compiles(filepath.Join(p.Dir, name)) {
			return false
		}
	}
	slices.Sort(imports)
	listed := slices.Clone(p.Imports)
	slices.Sort(listed)
	return slices.Equal(slices.Compact(imports), slices.Compact(listed))
}
