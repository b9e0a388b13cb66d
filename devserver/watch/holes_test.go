package watch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMoves: what a checkout, a deploy script and a file manager do to folders and names.
func TestMoves(t *testing.T) {
	t.Parallel()
	a := app(t, sample+"-- staged/page.html --\nstaged\n-- v1/x.html --\n1\n-- v2/x.html --\n2\n", "app")
	root := a.Module.Dir
	if err := os.Symlink("../v1", filepath.Join(a.Dir, "current")); err != nil {
		t.Fatal(err)
	}
	w := watch(t, a, Config{})
	must := func(errs ...error) {
		t.Helper()
		if err := errorsJoin(errs...); err != nil {
			t.Fatal(err)
		}
	}

	// A folder is replaced by another of the same name, and what is in the new one is watched.
	must(os.Rename(w.path("app/templates"), filepath.Join(root, "old")), os.Rename(w.path("staged"), w.path("app/templates")))
	w.wants("app/templates/page.html app/templates/words.json", Restart)
	put(t, w.path("app/templates/page.html"), "of the new folder")
	w.wants("app/templates/page.html", Restart)
	put(t, w.path("old/page.html"), "of the old folder")
	put(t, w.path("app/templates/page.html"), "and nothing of the old")
	w.wants("app/templates/page.html", Restart)

	// A folder becomes a file, and a folder again.
	must(os.RemoveAll(w.path("lib")), os.WriteFile(w.path("lib"), []byte("a file"), 0o644))
	w.wants("lib/lib.go", Source)
	must(os.Remove(w.path("lib")))
	put(t, w.path("lib/lib.go"), "package lib // again")
	w.wants("lib/lib.go", Source)
	put(t, w.path("lib/lib.go"), "package lib // watched")
	w.wants("lib/lib.go", Source)

	// The case of a name changes.
	must(os.Rename(w.path("app/templates/page.html"), w.path("app/templates/Page.html")))
	w.wants("app/templates/Page.html app/templates/page.html", Restart)

	// A link to a folder is turned to another one in one step.
	must(os.Symlink("../v2", w.path("app/next")), os.Rename(w.path("app/next"), w.path("app/current")))
	w.told("app/current/x.html", Restart)
	put(t, w.path("v2/x.html"), "2b")
	w.told("app/current/x.html", Restart)

	// A file is saved through another path to it.
	link := filepath.Join(t.TempDir(), "link")
	must(os.Symlink(root, link))
	put(t, filepath.Join(link, "lib", "lib.go"), "package lib // by another path")
	w.told("lib/lib.go", Source)
}

// told waits until file is told, among others or alone.
func (w *watcher) told(file string, kind Kind) {
	w.t.Helper()
	for {
		got, k := w.next()
		for f := range strings.FieldsSeq(got) {
			w.known[f] = true
		}
		for f := range strings.FieldsSeq(got) {
			if f == file {
				if k != kind {
					w.t.Errorf("%s is told as kind %d, want %d", file, k, kind)
				}
				return
			}
		}
	}
}

// TestTimes: whatever a file's time says, another content of the same size is told; also of a file that was not read at the
// start, and where the system does not tell.
func TestTimes(t *testing.T) {
	t.Parallel()
	past := time.Unix(1e9, 0)
	for name, poll := range map[string]time.Duration{"told": 0, "polled": 5 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := app(t, sample, "app")
			files := map[string]string{"lib/lib.go": strings.Repeat("/", 100), "app/site.css": strings.Repeat("a", maxAsset+1)}
			for file, text := range files {
				path := filepath.Join(a.Module.Dir, file)
				put(t, path, text)
				if err := os.Chtimes(path, past, past); err != nil {
					t.Fatal(err)
				}
			}
			w := watch(t, a, Config{Poll: poll})
			for file, text := range files {
				path := w.path(file)
				tmp := filepath.Join(filepath.Dir(path), ".new")
				put(t, tmp, strings.ReplaceAll(strings.ReplaceAll(text, "a", "b"), "/", " "))
				if err := errorsJoin(os.Chtimes(tmp, past, past), os.Rename(tmp, path)); err != nil {
					t.Fatal(err)
				}
				kind := Source
				if file == "app/site.css" {
					kind = Reload
				}
				w.told(file, kind)
			}
		})
	}
}

// TestNow: a file that is saved after Now is never older, which a build that begins then relies on.
func TestNow(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x")
	for range 2000 {
		now := Now()
		put(t, file, now.String())
		if _, changed := (contents{}).of(file, 0); changed.Before(now) {
			t.Fatalf("saved at %v, its time is %v", now, changed)
		}
	}
}
