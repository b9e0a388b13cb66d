package watch

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// Files is what an app is made of. It is not changed once made.
type Files struct {
	app      *project.App
	named    map[string]Kind            // absolute paths; one that does not exist yet counts when it comes
	packages map[string]project.Package // by folder: a new source file in it counts
	embed    []project.Package          // those of packages with embed patterns: a new file that matches counts
	assets   *assets                    // what files count besides
	partial  bool                       // some code could not be read: there may be more
}

// List asks the go command what the app is made of. It works for code that does not compile, too. extra are further
// files with settings, absolute: the file of --config, an .env.
func List(ctx context.Context, g project.Go, a *project.App, extra ...string) (*Files, error) {
	pkgs, err := project.List(ctx, g, a.Dir)
	if err != nil {
		return nil, err
	}
	return FilesOf(a, pkgs, extra...), nil
}

// FilesOf is List with the go command's answer given: a.Packages is that of Discover.
func FilesOf(a *project.App, pkgs []project.Package, extra ...string) *Files {
	f := &Files{app: a, named: make(map[string]Kind), packages: make(map[string]project.Package), assets: newAssets(Assets{}, a.Dir)}
	mods := a.UserModules(pkgs)
	for _, p := range pkgs {
		f.partial = f.partial || p.Error != nil
		if p.Local() && p.Dir != "" {
			f.add(p)
		}
	}
	f.missing(pkgs, mods)
	for _, m := range mods {
		f.name(Source, m.GoMod, strings.TrimSuffix(m.GoMod, ".mod")+".sum")
	}
	if a.GoWork != "" {
		f.name(Source, a.GoWork, a.GoWork+".sum", filepath.Join(filepath.Dir(a.GoWork), "vendor", "modules.txt"))
	}
	f.name(Source, filepath.Join(a.Module.Dir, "vendor", "modules.txt"), filepath.Join(a.Dir, "default.pgo"))
	f.name(Settings, project.Candidates(a.Dir)...)
	f.name(Settings, filepath.Join(a.Dir, project.AppYAMLName))
	f.name(Settings, extra...)
	return f
}

func (f *Files) name(k Kind, files ...string) {
	for _, file := range files {
		f.named[file] = k
	}
}

func (f *Files) add(p project.Package) {
	f.packages[p.Dir] = p
	if len(p.EmbedPatterns) > 0 {
		f.embed = append(f.embed, p)
	}
	f.name(Source, sources(p)...)
}

// sources are the files that p is made of.
func sources(p project.Package) []string {
	files := slices.Concat(p.GoFiles, p.CgoFiles, p.CFiles, p.CXXFiles, p.MFiles, p.HFiles, p.FFiles, p.SFiles,
		p.SwigFiles, p.SwigCXXFiles, p.SysoFiles, p.EmbedFiles)
	for i, name := range files {
		files[i] = filepath.Join(p.Dir, name)
	}
	return files
}

// missing adds the folders of packages that are imported from the user's modules and do not exist yet: the build fails
// until they come.
func (f *Files) missing(pkgs []project.Package, mods []project.Module) {
	found := make(map[string]bool)
	for _, p := range pkgs {
		found[p.ImportPath] = p.Dir != ""
	}
	for _, p := range pkgs {
		for _, path := range p.Imports {
			if p.Local() && !found[path] {
				f.wantPackage(path, mods)
			}
		}
	}
}

// wantPackage adds the folder that the package path would have in one of the modules.
func (f *Files) wantPackage(path string, mods []project.Module) {
	for _, m := range mods {
		if rel, ok := strings.CutPrefix(path, m.Path+"/"); ok {
			dir := filepath.Join(m.Dir, filepath.FromSlash(rel))
			if _, known := f.packages[dir]; !known {
				f.packages[dir] = project.Package{Dir: dir}
			}
		}
	}
}

// merged returns f, with what old has besides if f is not all.
func (f *Files) merged(old *Files) *Files {
	if old == nil || !f.partial {
		return f
	}
	m := &Files{app: f.app, named: make(map[string]Kind), packages: make(map[string]project.Package), assets: f.assets, partial: true}
	for _, from := range []*Files{old, f} {
		maps.Copy(m.named, from.named)
		maps.Copy(m.packages, from.packages)
		m.embed = append(m.embed, from.embed...)
	}
	return m
}

// dirs returns the folders of all that is named, and of all packages.
func (f *Files) dirs() []string {
	var dirs []string
	for dir := range f.packages {
		dirs = append(dirs, dir)
	}
	for file := range f.named {
		dirs = append(dirs, filepath.Dir(file))
	}
	dirs = append(dirs, f.roots()[1:]...)
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// roots are the folders below which files may matter that nothing names: the app's own is the first.
func (f *Files) roots() []string {
	roots := []string{f.app.Dir}
	for _, g := range f.assets.extra {
		roots = append(roots, g.root())
	}
	return roots
}

// newDirs returns the folders of what old does not hold.
func (f *Files) newDirs(old *Files) []string {
	if old == nil {
		return nil // every folder is new to the watcher
	}
	var dirs []string
	for file := range f.named {
		if _, had := old.named[file]; !had {
			dirs = append(dirs, filepath.Dir(file))
		}
	}
	for dir := range f.packages {
		if _, had := old.packages[dir]; !had {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// kind says whether file matters, and how.
func (f *Files) kind(file string) (Kind, bool) {
	if k, ok := f.named[file]; ok {
		return k, true
	}
	dir, name := filepath.Split(file)
	dir = filepath.Clean(dir)
	if p, ok := f.packages[dir]; ok && f.source(p, name) {
		return Source, true
	}
	for _, p := range f.embed {
		if p.Embeds(file) {
			return Source, true
		}
	}
	rel, _ := f.below(file)
	return f.assets.kind(file, rel)
}

// source tells whether a file that the list does not name is compiled with p. Test files are not, files of other systems neither.
func (f *Files) source(p project.Package, name string) bool {
	switch {
	case temporary(name), strings.HasPrefix(name, "_"), strings.HasSuffix(name, "_test.go"):
		return false
	case filepath.Ext(name) == ".go":
		return f.app.Compiles(filepath.Join(p.Dir, name))
	}
	return sourceExt[filepath.Ext(name)] && (len(p.CgoFiles) > 0 || filepath.Ext(name) == ".s" || filepath.Ext(name) == ".syso")
}

// below returns path as seen from the app's folder, if it lies in it and in no folder that is left out.
func (f *Files) below(path string) (string, bool) {
	rel, err := filepath.Rel(f.app.Dir, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", false
	}
	for part := range strings.SplitSeq(filepath.ToSlash(filepath.Dir(rel)), "/") {
		if part != "." && skipped(part) {
			return "", false
		}
	}
	return rel, true
}

// wants tells whether a folder that nothing names may hold files that matter.
func (f *Files) wants(dir string) bool {
	inside := filepath.Join(dir, "x")
	if slices.ContainsFunc(f.embed, func(p project.Package) bool { return p.Embeds(inside) }) {
		return true
	}
	if f.assets.ignore.fit(dir) {
		return false
	}
	if _, ok := f.below(inside); ok && !f.foreign(dir) {
		return true
	}
	return f.assets.extra.reach(dir)
}

// foreign tells whether dir is the root of another module, which the app is not made of.
func (f *Files) foreign(dir string) bool {
	if dir == f.app.Module.Dir || slices.Contains(f.app.UserPaths(), dir) {
		return false
	}
	_, err := os.Lstat(filepath.Join(dir, "go.mod"))
	return err == nil
}
