// Package house holds the test that keeps the shape of the house: who may import whom. The table is the one of
// ARCHITECTURE.md; a folder that is not in it fails the test, so that a new one gets its place first.
package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seed-d81df0db/devserver"

// room is one line of the table: what the packages below a folder may import of the house, and of others.
type room struct {
	folder  string   // below the module; "/..." takes in what is below
	house   []string // folders of the house that it may import, "/..." as above; its own are always fine
	outside []string // modules that it may import besides the standard library; "*" for any
	why     string   // the reason, for whoever breaks the rule
}

// rooms is asked from top to bottom: the first line that fits a package holds.
var rooms = []room{
	{"cmd/devserver", []string{"devserver"}, []string{"*"}, "a command parses and prints; what it does is devserver's"},
	{"devserver", []string{"devserver/...", "runtime/...", "sandbox/...", "storage", "web"}, []string{"*"}, "the joining package"},
	{"devserver/...", []string{"devserver/...", "runtime/...", "sandbox/..."}, []string{"*"}, "a concern of the supervisor knows neither storage nor web: package devserver joins them"},
	{"runtime/...", []string{"runtime/...", "sandbox/..."}, nil, "it runs inside the user's program, so every user's program imports what it imports"},
	{"storage/...", []string{"sandbox/..."}, []string{"modernc.org/sqlite"}, "storage knows sandbox.Event, not where events come from nor who shows them"},
	{"web/...", []string{"sandbox/..."}, []string{"github.com/gorilla/mux"}, "the console says as an interface what it reads"},
	{"sandbox/...", nil, nil, "the sandbox decides and remembers; it stands on the standard library alone"},
	{"examples/...", nil, nil, "an example is an unmodified program: it knows nothing of devserver"},
}

// inUserStd are the packages that are compiled into the standard library of the user's build: package net imports
// them, so whatever of them leads back to net is a cycle, and nothing outside the standard library is found there.
var inUserStd = []string{"sandbox", "runtime/agent", "runtime/journal", "runtime/wire"}

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
	GoFiles    []string
}

// goList lists packages and all they depend on, for one operating system: build tags change what is imported.
func goList(t *testing.T, goos string, patterns ...string) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e", "-deps", "-json=ImportPath,Imports,Deps,Standard,GoFiles"}, patterns...)...)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	pkgs := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs[p.ImportPath] = p
	}
}

// within reports whether a package, by its path below the module, is in a folder.
func within(pkg, folder string) bool {
	if root, below := strings.CutSuffix(folder, "/..."); below {
		return pkg == root || strings.HasPrefix(pkg, root+"/")
	}
	return pkg == folder
}

// roomOf returns the line of the table for a package.
func roomOf(pkg string) (room, bool) {
	i := slices.IndexFunc(rooms, func(r room) bool { return within(pkg, r.folder) })
	if i < 0 {
		return room{}, false
	}
	return rooms[i], true
}

// mayImport reports whether a package in r may import the package dep.
func (r room) mayImport(dep string, standard bool) bool {
	if standard {
		return true
	}
	if inside, ok := strings.CutPrefix(dep, module+"/"); ok {
		own := strings.TrimSuffix(r.folder, "/...") + "/..."
		return within(inside, own) || slices.ContainsFunc(r.house, func(f string) bool { return within(inside, f) })
	}
	return slices.ContainsFunc(r.outside, func(m string) bool { return m == "*" || within(dep, m+"/...") })
}

func TestImportsPointDownwards(t *testing.T) {
	t.Parallel()
	for _, goos := range []string{"linux", "darwin"} {
		pkgs := goList(t, goos, "./...")
		for _, p := range pkgs {
			name, ours := strings.CutPrefix(p.ImportPath, module+"/")
			if !ours {
				continue
			}
			r, ok := roomOf(name)
			if !ok {
				t.Errorf("%s is in no room of the house: give its folder a line in the table above and in ARCHITECTURE.md", name)
				continue
			}
			for _, dep := range p.Imports {
				if !r.mayImport(dep, pkgs[dep].Standard) {
					t.Errorf("%s imports %s (%s): %s", name, strings.TrimPrefix(dep, module+"/"), goos, r.why)
				}
			}
		}
	}
}

func TestUserStdStaysLight(t *testing.T) {
	t.Parallel()
	for _, goos := range []string{"linux", "darwin"} {
		for _, name := range inUserStd {
			pkgs := goList(t, goos, "./"+name)
			if len(pkgs[module+"/"+name].GoFiles) == 0 {
				t.Errorf("%s has no Go files for %s: was it moved? The table above names it", name, goos)
			}
			for dep := range pkgs {
				for _, why := range heavy(name, dep, pkgs) {
					t.Errorf("%s (%s) %s", name, goos, why)
				}
			}
		}
	}
}

// heavy says what is wrong with dep, one of the packages that name comes to import.
func heavy(name, dep string, pkgs map[string]pkg) []string {
	p := pkgs[dep]
	short := strings.TrimPrefix(dep, module+"/")
	switch {
	case dep == "net" || slices.Contains(p.Deps, "net"):
		return []string{"leads to " + dep + ", by " + chain(name, dep, pkgs) + ": it is compiled into net, so that is an import cycle"}
	case p.Standard, dep == module+"/"+name, slices.ContainsFunc(inUserStd, func(f string) bool { return within(short, f+"/...") }):
		return nil
	}
	return []string{"leads to " + dep + ", by " + chain(name, dep, pkgs) + ": the user's standard library has no such package"}
}

// chain is one way by which name comes to import dep.
func chain(name, dep string, pkgs map[string]pkg) string {
	way := []string{dep}
	for at := dep; at != module+"/"+name; way = append(way, at) {
		above := importer(at, pkgs)
		if above == "" {
			break
		}
		at = above
	}
	slices.Reverse(way)
	for i := range way {
		way[i] = strings.TrimPrefix(way[i], module+"/")
	}
	return strings.Join(way, " > ")
}

// importer returns a package that imports dep, the first by name.
func importer(dep string, pkgs map[string]pkg) string {
	first := ""
	for _, p := range pkgs {
		if slices.Contains(p.Imports, dep) && (first == "" || p.ImportPath < first) {
			first = p.ImportPath
		}
	}
	return first
}

// TestRulesBite shows that the rules above can fail.
func TestRulesBite(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from, to string
		standard bool
		want     bool
	}{
		{"cmd/devserver", module + "/devserver", false, true},
		{"cmd/devserver", module + "/storage", false, false},
		{"devserver", module + "/web", false, true},
		{"devserver/worker", module + "/storage", false, false},
		{"devserver/worker", module + "/devserver/proxy", false, true},
		{"runtime/agent", module + "/devserver/control", false, false},
		{"runtime/hook", "golang.org/x/tools/go/ast/astutil", false, false},
		{"storage", module + "/web", false, false},
		{"storage", "modernc.org/sqlite", false, true},
		{"web/assets", module + "/storage", false, false},
		{"sandbox/record", module + "/sandbox", false, true},
		{"sandbox", "strconv", true, true},
		{"examples/guestbook", module + "/sandbox", false, false},
	} {
		r, ok := roomOf(tt.from)
		if !ok || r.mayImport(tt.to, tt.standard) != tt.want {
			t.Errorf("%s may import %s = %v, want %v", tt.from, path.Base(tt.to), !tt.want, tt.want)
		}
	}
	if _, ok := roomOf("attic"); ok {
		t.Error("a folder that is not in the table has a room")
	}
	loop := map[string]pkg{
		module + "/sandbox": {ImportPath: module + "/sandbox", Imports: []string{"net/http"}},
		"net/http":          {ImportPath: "net/http", Standard: true, Imports: []string{"net"}, Deps: []string{"net"}},
		"net":               {ImportPath: "net", Standard: true},
	}
	if got := heavy("sandbox", "net", loop); len(got) != 1 || !strings.Contains(got[0], "sandbox > net/http > net") {
		t.Errorf("heavy(sandbox, net) = %q, want the way there", got)
	}
}
