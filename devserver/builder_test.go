package devserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/devserver/watch"
)

// TestFirstListFails: where the go command cannot say what the app is made of after the first build, what it said at the start is
// watched: the save that mends it is seen.
func TestFirstListFails(t *testing.T) {
	t.Parallel()
	b := newBareBuilder(t)
	b.put("go.mod", "module\n")
	if err := b.relist(t.Context(), watch.Now()); err == nil {
		t.Error("a go.mod that cannot be read is listed")
	}
	if len(b.warned) != 1 {
		t.Errorf("warnings = %q, want one", b.warned)
	}
	b.put("go.mod", "module example.com/shop\n\ngo 1.25\n\n// mended\n")
	b.wants("go.mod")
}

// TestGoneInFirstBuild: a file that goes while the first build runs is told, whether or not the build had read it: the list
// that is made after the build does not name it.
func TestGoneInFirstBuild(t *testing.T) {
	t.Parallel()
	b := newBareBuilder(t)
	since := watch.Now()
	if err := os.Remove(filepath.Join(b.app.Dir, "more.go")); err != nil {
		t.Fatal(err)
	}
	if err := b.relist(t.Context(), since); err != nil {
		t.Error(err)
	}
	b.wants("more.go")
}

// bareBuilder is a builder that never builds, of an app of two files.
type bareBuilder struct {
	*builder
	t      *testing.T
	warned []string
}

func newBareBuilder(t *testing.T) *bareBuilder {
	t.Helper()
	b := &bareBuilder{t: t}
	b.builder = &builder{
		app: &project.App{Dir: t.TempDir()}, tool: project.Go{Tool: "go"}, cancel: func() {}, watching: make(chan (<-chan watch.Change), 1),
		warn: func(format string, args ...any) { b.warned = append(b.warned, fmt.Sprintf(format, args...)) },
	}
	b.put("go.mod", "module example.com/shop\n\ngo 1.25\n")
	b.put("main.go", "package main\n\nfunc main() {}\n")
	b.put("more.go", "package main\n")
	found, err := project.Discover(t.Context(), b.tool, b.app.Dir)
	if err != nil {
		t.Fatal(err)
	}
	b.app = found
	t.Cleanup(b.stop)
	return b
}

func (b *bareBuilder) put(name, text string) {
	b.t.Helper()
	file := filepath.Join(b.app.Dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		b.t.Fatal(err)
	}
}

// wants waits until a file is told, alone.
func (b *bareBuilder) wants(name string) {
	b.t.Helper()
	var changes <-chan watch.Change
	select {
	case changes = <-b.watching:
	default:
		b.t.Fatalf("nothing is watched; warnings: %q", b.warned)
	}
	select {
	case c := <-changes:
		if want := filepath.Join(b.app.Dir, name); len(c.Files) != 1 || c.Files[0] != want || c.Kind != watch.Source {
			b.t.Errorf("told %q as kind %d, want %s as source", c.Files, c.Kind, want)
		}
	case <-time.After(patience):
		b.t.Errorf("%s is not told", name)
	}
}

// TestOverlaidFirstBuild: a file that an overlay alone has was never there, and so it has not gone.
func TestOverlaidFirstBuild(t *testing.T) {
	t.Parallel()
	b := newBareBuilder(t)
	b.put("overlay.json", `{"Replace": {"ghost.go": "more.go"}}`)
	b.tool.Flags = []string{"-overlay=overlay.json"}
	found, err := project.Discover(t.Context(), b.tool, b.app.Dir)
	if err != nil {
		t.Fatal(err)
	}
	b.app = found
	if err := b.relist(t.Context(), watch.Now()); err != nil {
		t.Error(err)
	}
	b.put("more.go", "package main\n\n// saved\n")
	b.wants("more.go")
}

// TestModuleAddedLater: the go.mod of a module that was added to the workspace later decides where packages come from, as those
// of the start do.
func TestModuleAddedLater(t *testing.T) {
	t.Parallel()
	b := newBareBuilder(t)
	b.put("go.work", "go 1.25\n\nuse .\n")
	found, err := project.Discover(t.Context(), b.tool, b.app.Dir)
	if err != nil {
		t.Fatal(err)
	}
	b.app = found
	list := func() {
		t.Helper()
		if err := b.relist(t.Context(), watch.Now()); err != nil {
			t.Error(err)
		}
	}
	list()
	for _, c := range []string{"c1", "c2"} {
		b.put(c+"/go.mod", "module example.com/c\n\ngo 1.25\n")
		b.put(c+"/c.go", "package c\n")
	}
	mod := func(c string) string {
		return "module example.com/b\n\ngo 1.25\n\nrequire example.com/c v1.0.0\n\nreplace example.com/c => ../" + c + "\n"
	}
	b.put("b/go.mod", mod("c1"))
	b.put("b/b.go", "package b\n\nimport _ \"example.com/c\"\n")
	b.put("main.go", "package main\n\nimport _ \"example.com/b\"\n\nfunc main() {}\n")
	b.put("go.work", "go 1.25\n\nuse (\n\t.\n\t./b\n)\n")
	list()
	b.put("b/go.mod", mod("c2"))
	list()
	if !slices.ContainsFunc(b.pkgs, func(p project.Package) bool { return p.Dir == filepath.Join(b.app.Dir, "c2") }) {
		t.Error("the app is still taken to be made of c1")
	}
}
