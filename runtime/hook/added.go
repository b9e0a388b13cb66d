package hook

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	inside "github.com/seed-d81df0db/devserver/runtime"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// wrappers holds the added files: the folder _a_b for the package a/b of the standard library.
//
//go:embed _*/*
var wrappers embed.FS

// prefix begins the names of the files added to existing packages, so that they are recognised in a stack trace and
// come last in a listing. What follows it keeps its meaning for the build (fd_linux.go).
const prefix = "zdevserver_"

// Where our packages are, in this module and in the patched standard library.
const (
	module = "github.com/seed-d81df0db/devserver/"
	home   = "internal/devserver/"
)

// Version names the patches: a hash over the table and all files that are added. Two devservers with the same
// version make the same copy of a Go.
func Version() string {
	files, err := addedFiles()
	if err != nil { // a broken import in our own sources, which a test finds: Apply reports it
		return "broken"
	}
	h := sha256.New()
	fmt.Fprintf(h, "%#v\n%#v\n%#v\n", patches, fields, needs)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%s %d\n%s", name, len(files[name]), files[name])
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// Packages are the import paths that a patched copy of this Go must be able to compile: the changed and the added
// ones. There are none for a version that is not supported.
func Packages(goVersion string) []string {
	n, err := minor(goVersion)
	if err != nil {
		return nil
	}
	found := make(map[string]bool)
	for _, p := range patches {
		if ok, _ := holds(p.Only, n); ok {
			found[p.Package] = true
		}
	}
	files, _ := addedTo(n) // its error is Apply's to report
	for name := range files {
		found[path.Dir(name)] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// addedTo returns the added files that Go 1.minor compiles on Linux or macOS.
func addedTo(minor int) (map[string][]byte, error) {
	files, err := addedFiles()
	if err != nil {
		return nil, err
	}
	for name, text := range files {
		rule, err := ruleOf(name, text, minor)
		if err != nil {
			return nil, err
		}
		if !rule.can("linux") && !rule.can("darwin") {
			delete(files, name)
		}
	}
	return files, nil
}

// addedFiles returns the text of every file that is added, by its name below src.
func addedFiles() (map[string][]byte, error) {
	files := make(map[string][]byte)
	for _, from := range []struct {
		fsys fs.FS
		into func(name string) string // "" leaves the file out
	}{
		{wrappers, wrapperPath},
		{inside.Source, homePath},
		{sandbox.Source, func(name string) string { return homePath("sandbox/" + name) }},
	} {
		err := fs.WalkDir(from.fsys, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			into := from.into(name)
			if into == "" {
				return nil
			}
			text, err := fs.ReadFile(from.fsys, name)
			if err != nil {
				return err
			}
			files[into], err = moved(into, text)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// wrapperPath turns "_net_http/server.go" into "net/http/zdevserver_server.go".
func wrapperPath(name string) string {
	dir, base := path.Split(name)
	pkg, ok := strings.CutPrefix(path.Clean(dir), "_")
	if !ok || strings.HasSuffix(base, "_test.go") || path.Ext(base) != ".go" && path.Ext(base) != ".s" {
		return ""
	}
	return strings.ReplaceAll(pkg, "_", "/") + "/" + prefix + base
}

// homePath turns "agent/agent.go" into "internal/devserver/agent/agent.go".
func homePath(name string) string {
	dir, base := path.Split(name)
	if name == "sandbox/source.go" || strings.HasSuffix(base, "_test.go") || dir == "hook/" {
		return ""
	}
	return home + name
}

// moved lets a Go file import our packages where they are in the standard library.
func moved(name string, text []byte) ([]byte, error) {
	if path.Ext(name) != ".go" {
		return text, nil
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, name, text, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	f := &file{text: text}
	for _, imp := range tree.Imports {
		p, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			return nil, err
		}
		rest, ours := strings.CutPrefix(p, module)
		if !ours {
			continue
		}
		at := fset.Position(imp.Path.Pos()).Offset
		f.edits = append(f.edits, edit{at, at + len(imp.Path.Value), strconv.Quote(home + strings.TrimPrefix(rest, "runtime/"))})
	}
	return f.edited(), nil
}

// addFiles writes the added files below the copy's src.
func addFiles(goroot string, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		full := filepath.Join(goroot, "src", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		if _, err := os.Lstat(full); err == nil {
			return fmt.Errorf("%s exists already: this Go was patched before", full)
		}
		if err := replaceFile(full, files[name]); err != nil {
			return err
		}
	}
	return nil
}
