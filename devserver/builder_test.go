package devserver

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/devserver/watch"
)

// TestFirstListFails: where the go command cannot say what the app is made of after the first build, what it said at the start is
// watched: the save that mends it is seen.
func TestFirstListFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mod := filepath.Join(dir, "go.mod")
	put := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(mod, "module example.com/shop\n\ngo 1.25\n")
	put(filepath.Join(dir, "main.go"), "package main\n\nfunc main() {}\n")
	tool := project.Go{Tool: "go"}
	found, err := project.Discover(t.Context(), tool, dir)
	if err != nil {
		t.Fatal(err)
	}
	var warned []string
	b := &builder{
		app: found, tool: tool, warn: func(format string, args ...any) { warned = append(warned, fmt.Sprintf(format, args...)) },
		cancel: func() {}, watching: make(chan (<-chan watch.Change), 1),
	}
	defer b.stop()
	put(mod, "module\n")
	if err := b.relist(t.Context(), watch.Now()); err == nil {
		t.Error("a go.mod that cannot be read is listed")
	}
	var changes <-chan watch.Change
	select {
	case changes = <-b.watching:
	default:
		t.Fatalf("nothing is watched; warnings: %q", warned)
	}
	if len(warned) != 1 {
		t.Errorf("warnings = %q, want one", warned)
	}
	put(mod, "module example.com/shop\n\ngo 1.25\n\n// mended\n")
	select {
	case c := <-changes:
		if len(c.Files) != 1 || c.Files[0] != mod {
			t.Errorf("told %q, want go.mod", c.Files)
		}
	case <-time.After(patience):
		t.Error("the save that mends go.mod is not told")
	}
}
