package watch

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

const sample = `
-- go.mod --
module example.com/m

go 1.25

require example.com/far v0.0.0

replace example.com/far => ./far
-- far/go.mod --
module example.com/far

go 1.25
-- far/far.go --
package far
-- other/other.go --
package other
-- lib/lib.go --
package lib
-- lib/lib_test.go --
package lib
-- lib/lib_plan9.go --
package lib
-- app/main.go --
package main

import (
	"embed"

	_ "example.com/far"
	_ "example.com/m/lib"
)

//go:embed all:data
var data embed.FS

func main() {}
-- app/data/one.bin --
one
-- app/templates/page.html --
<p>
-- app/templates/words.json --
{}
-- app/site.css --
p {}
-- app/node_modules/x/x.js --
x
-- app/.git/HEAD.html --
x
-- app/.devserver/x.html --
x
-- app/state.json --
{}
-- app/nested/go.mod --
module nested
-- app/nested/x.html --
x
`

// app writes an archive and discovers the app in it.
func app(t *testing.T, archive, dir string) *project.App {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		put(t, filepath.Join(root, f.Name), string(f.Data))
	}
	a, err := project.Discover(t.Context(), goCommand(), filepath.Join(root, dir))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func goCommand() project.Go {
	return project.Go{Tool: "go", Env: append(os.Environ(), "GOFLAGS=", "GOWORK=", "CGO_ENABLED=1")}
}

// put writes a file in place, as many editors do.
func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// watcher is a Watcher under test and the root of what it watches.
type watcher struct {
	*Watcher
	t     *testing.T
	root  string
	known map[string]bool // told before; see wants
}

// watch starts one, ready: it has told of a change that was made for that.
func watch(t *testing.T, a *project.App, c Config) *watcher {
	t.Helper()
	c.Files = FilesOf(a, a.Packages)
	return watchWith(t, a, c)
}

// watchFiles is watch with the list given.
func watchFiles(t *testing.T, a *project.App, f *Files) *watcher {
	t.Helper()
	return watchWith(t, a, Config{Files: f})
}

func watchWith(t *testing.T, a *project.App, c Config) *watcher {
	t.Helper()
	w, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	h := &watcher{w, t, a.Module.Dir, make(map[string]bool)}
	h.Update(c.Files, time.Time{}) // taken when the first list is in use
	return h
}

// next returns the next change's files from the root, and its kind.
func (w *watcher) next() (string, Kind) {
	w.t.Helper()
	select {
	case c := <-w.Changes():
		var files []string
		for _, f := range c.Files {
			rel, _ := filepath.Rel(w.root, f)
			files = append(files, rel)
		}
		if c.At.IsZero() || time.Since(c.At) > time.Minute {
			w.t.Errorf("Change.At = %v", c.At)
		}
		return strings.Join(files, " "), c.Kind
	case <-time.After(90 * time.Second):
		w.t.Fatal("no change is told")
		return "", 0
	}
}

// wants gathers changes until all of files are told, and complains about others. Files of earlier changes may be told
// again: where the test is held up in the middle of a save, what was there until then is told by itself. TestTiming
// knows how often a save is told.
func (w *watcher) wants(files string, kind Kind) {
	w.t.Helper()
	missing := strings.Fields(files)
	for len(missing) > 0 {
		got, k := w.next()
		again := false
		for f := range strings.FieldsSeq(got) {
			switch {
			case slices.Contains(strings.Fields(files), f):
			case w.known[f]:
				again = true
			default:
				w.t.Errorf("%s is told, want only %s", f, files)
			}
			missing = slices.DeleteFunc(missing, func(m string) bool { return m == f })
			w.known[f] = true
		}
		if k != kind && !again {
			w.t.Errorf("%s is told as kind %d, want %d", got, k, kind)
		}
	}
}

func (w *watcher) path(rel string) string { return filepath.Join(w.root, rel) }

// replace saves a file in one step: it is told once.
func (w *watcher) replace(rel, text string) {
	w.t.Helper()
	file := w.path(rel)
	put(w.t, file+".tmp", text)
	if err := os.Rename(file+".tmp", file); err != nil {
		w.t.Fatal(err)
	}
}

// TestSaves: however a file is saved, it is told, and nothing else is.
func TestSaves(t *testing.T) {
	t.Parallel()
	w := watch(t, app(t, sample, "app"), Config{})
	n := 0
	text := func() string { n++; return fmt.Sprintf("package lib // %d\n", n) }
	lib := w.path("lib/lib.go")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	for _, tt := range []struct {
		name string
		save func()
		want string
		kind Kind
	}{
		{"in place", func() { put(t, lib, text()) }, "lib/lib.go", Source},
		{"renamed over", func() { put(t, w.path("lib/lib.go.tmp"), text()); must(os.Rename(w.path("lib/lib.go.tmp"), lib)) }, "lib/lib.go", Source},
		{"vim with backup", func() {
			put(t, w.path("lib/4913"), "")
			must(os.Remove(w.path("lib/4913")))
			must(os.Rename(lib, lib+"~"))
			put(t, lib, text())
			must(os.Remove(lib + "~"))
		}, "lib/lib.go", Source},
		{"emacs", func() {
			must(os.Symlink("user@host", w.path("lib/.#lib.go")))
			put(t, w.path("lib/#lib.go#"), text())
			put(t, lib, text())
			must(os.Remove(w.path("lib/#lib.go#")))
			must(os.Remove(w.path("lib/.#lib.go")))
		}, "lib/lib.go", Source},
		{"removed, then made", func() { must(os.Remove(lib)); put(t, lib, text()) }, "lib/lib.go", Source},
		{"replaced module", func() { put(t, w.path("far/far.go"), "package far // 2") }, "far/far.go", Source},
		{"new file", func() { put(t, w.path("lib/new.go"), "package lib") }, "lib/new.go", Source},
		{"removed file", func() { must(os.Remove(w.path("lib/new.go"))) }, "lib/new.go", Source},
		{"go.sum comes", func() { put(t, w.path("go.sum"), "\n") }, "go.sum", Source},
		{"go.mod", func() { put(t, w.path("go.mod"), sample) }, "go.mod", Source},
		{"embedded", func() { put(t, w.path("app/data/one.bin"), "two") }, "app/data/one.bin", Source},
		{"new embedded", func() { put(t, w.path("app/data/.new"), "new") }, "app/data/.new", Source},
		{"new embedded in a new folder", func() { put(t, w.path("app/data/a/b/new"), "new") }, "app/data/a/b/new", Source},
		{"template", func() { put(t, w.path("app/templates/page.html"), "<b>") }, "app/templates/page.html", Restart},
		{"data of a template folder", func() { put(t, w.path("app/templates/words.json"), "[]") }, "app/templates/words.json", Restart},
		{"new template folder", func() { put(t, w.path("app/views/deep/er/x.tmpl"), "x") }, "app/views/deep/er/x.tmpl", Restart},
		{"static", func() { put(t, w.path("app/site.css"), "b {}") }, "app/site.css", Reload},
		{"settings come", func() { put(t, w.path("devserver.yaml"), "apps: []") }, "devserver.yaml", Settings},
		{"nearer settings", func() { put(t, w.path("app/devserver.yaml"), "apps: []") }, "app/devserver.yaml", Settings},
		{"app.yaml", func() { put(t, w.path("app/app.yaml"), "runtime: go122") }, "app/app.yaml", Settings},
	} {
		t.Log(tt.name)
		tt.save()
		w.wants(tt.want, tt.kind)
	}
}

// TestNothing: none of this changes the program. Each step is followed by a real change, which has to be told alone.
func TestNothing(t *testing.T) {
	t.Parallel()
	w := watch(t, app(t, sample, "app"), Config{})
	lib := w.path("lib/lib.go")
	for i, step := range []struct {
		name string
		do   func() error
	}{
		{"touch", func() error { return os.Chtimes(lib, time.Now(), time.Now().Add(time.Hour)) }},
		{"chmod", func() error { return os.Chmod(lib, 0o600) }},
		{"same text", func() error { return overwrite(lib, "package lib\n") }},
		{"test file", func() error { return os.WriteFile(w.path("lib/lib_test.go"), []byte("package lib // 2"), 0o644) }},
		{"other system", func() error { return os.WriteFile(w.path("lib/lib_plan9.go"), []byte("package lib // 2"), 0o644) }},
		{"package not used", func() error { return os.WriteFile(w.path("other/other.go"), []byte("package other // 2"), 0o644) }},
		{"no source", func() error { return os.WriteFile(w.path("lib/README"), []byte("x"), 0o644) }},
		{"the app's own data", func() error { return os.WriteFile(w.path("app/state.json"), []byte("[1]"), 0o644) }},
		{"node_modules", func() error { return os.WriteFile(w.path("app/node_modules/x/x.js"), []byte("y"), 0o644) }},
		{".git", func() error { return os.WriteFile(w.path("app/.git/HEAD.html"), []byte("y"), 0o644) }},
		{".devserver", func() error { return os.WriteFile(w.path("app/.devserver/x.html"), []byte("y"), 0o644) }},
		{"another module", func() error { return os.WriteFile(w.path("app/nested/x.html"), []byte("y"), 0o644) }},
		{"folder", func() error { return os.Mkdir(w.path("lib/sub"), 0o755) }},
		{"swap file", func() error { return os.WriteFile(w.path("app/templates/.page.html.swp"), []byte("y"), 0o644) }},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		put(t, w.path("app/site.css"), fmt.Sprint(i))
		if got, _ := w.next(); got != "app/site.css" {
			t.Errorf("%s: %q is told", step.name, got)
		}
	}
}

// overwrite writes a file that is never empty meanwhile.
func overwrite(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errorsJoin(err, f.Close())
}

func errorsJoin(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestFolders: folders go, come back, move, and come for the first time because code imports them.
func TestFolders(t *testing.T) {
	t.Parallel()
	a := app(t, sample, "app")
	w := watch(t, a, Config{})
	if err := os.RemoveAll(w.path("lib")); err != nil {
		t.Fatal(err)
	}
	w.wants("lib/lib.go", Source)
	put(t, w.path("lib/lib.go"), "package lib // again")
	w.wants("lib/lib.go", Source)
	put(t, w.path("lib/lib.go"), "package lib // watched again")
	w.wants("lib/lib.go", Source)

	os.Rename(w.path("app/templates"), w.path("app/pages"))
	w.wants("app/pages/page.html app/templates/page.html app/templates/words.json", Restart)
	put(t, w.path("app/pages/page.html"), "<i>")
	w.wants("app/pages/page.html", Restart)

	put(t, w.path("app/main.go"), "package main\nimport _ \"example.com/m/x/y\"\nfunc main() {}\n")
	w.wants("app/main.go", Source)
	f, err := List(t.Context(), goCommand(), a)
	if err != nil {
		t.Fatal(err)
	}
	w.Update(f, Now())
	put(t, w.path("x/y/y.go"), "package y")
	w.wants("x/y/y.go", Source)
	put(t, w.path("x/y/y.go"), "package y // 2")
	w.wants("x/y/y.go", Source)
}

func TestSymlinks(t *testing.T) {
	t.Parallel()
	a := app(t, sample+"-- shared/p.html --\np\n-- sub/deep/q.html --\nq\n", "app")
	root := a.Module.Dir
	for link, to := range map[string]string{"app/p.html": "../shared/p.html", "app/linked": "../sub", "sub/loop": "../sub"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	w := watch(t, a, Config{})
	w.Update(FilesOf(a, a.Packages), time.Time{}) // a second list keeps what links lead to
	put(t, w.path("shared/p.html"), "p2")
	w.wants("app/p.html", Restart)
	put(t, w.path("sub/deep/q.html"), "q2")
	w.wants("app/linked/deep/q.html", Restart)
	os.Remove(w.path("app/p.html"))
	put(t, w.path("app/p.html"), "no link any more")
	w.wants("app/p.html", Restart)
}

// TestLateLinks: what a link leads to is watched also where the link came, or was turned to something else, later; by
// polling too.
func TestLateLinks(t *testing.T) {
	t.Parallel()
	for name, poll := range map[string]time.Duration{"told": 0, "polled": 5 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := app(t, sample+"-- one/p.html --\np\n-- two/p.html --\np\n-- three/lib.go --\npackage lib // a link's\n", "app")
			w := watch(t, a, Config{Poll: poll})
			link := func(to, file string) {
				t.Helper()
				tmp := w.path("app/.link")
				if err := errorsJoin(os.Symlink(to, tmp), os.Rename(tmp, w.path(file))); err != nil {
					t.Fatal(err)
				}
			}
			saved := func(file, text, link string, kind Kind) {
				t.Helper()
				put(t, w.path(file), text)
				w.told(link, kind)
			}
			link("../one/p.html", "app/late.html")
			w.told("app/late.html", Restart)
			saved("one/p.html", "p2", "app/late.html", Restart)

			link("../two/p.html", "app/late.html")
			w.told("app/late.html", Restart)
			saved("two/p.html", "p3", "app/late.html", Restart)

			link("../three/lib.go", "lib/late.go")
			w.told("lib/late.go", Source)
			saved("three/lib.go", "package lib // of a late link", "lib/late.go", Source)
		})
	}
}

// TestSince: what changed while the first build ran is told, what is older is not.
func TestSince(t *testing.T) {
	t.Parallel()
	a := app(t, sample, "app")
	w := watch(t, a, Config{Since: time.Now().Add(time.Hour)})
	put(t, w.path("lib/lib.go"), "package lib // later")
	w.wants("lib/lib.go", Source) // and nothing of before

	b := app(t, sample, "app")
	since := time.Now().Add(2 * tick)
	for !changedAfter(b.Dir+"/main.go", since) {
		put(t, b.Dir+"/main.go", "package main // built without this")
	}
	x := watch(t, b, Config{Since: since})
	if got, _ := x.next(); got != "app/main.go" {
		t.Errorf("told %q, want app/main.go", got)
	}
}

func changedAfter(file string, at time.Time) bool {
	_, changed := contents{}.of(file, 0)
	return changed.After(at)
}

// TestUpdate: a new list brings new packages and lets old ones go; one of broken code only adds.
func TestUpdate(t *testing.T) {
	t.Parallel()
	a := app(t, sample, "app")
	w := watch(t, a, Config{})
	list := func() *Files {
		t.Helper()
		f, err := List(t.Context(), goCommand(), a)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	put(t, w.path("app/main.go"), "package main\nimport _ \"example.com/m/other\"\nfunc main() {}\n")
	w.wants("app/main.go", Source)
	used := list()
	w.Update(used, Now())
	w.Update(used, Now()) // taken when the one before is in use: lib is let go
	put(t, w.path("lib/lib.go"), "package lib // not used")
	put(t, w.path("other/other.go"), "package other // used")
	w.wants("other/other.go", Source)

	put(t, w.path("app/main.go"), "package main\nimport\n")
	w.wants("app/main.go", Source)
	w.Update(list(), Now())
	put(t, w.path("other/other.go"), "package other // still watched")
	w.wants("other/other.go", Source)
}

// TestUntold: of a file that a new list does not hold any more, what changed is told if it was not yet: the list may have
// been made of what the build before it did not see.
func TestUntold(t *testing.T) {
	t.Parallel()
	a := app(t, sample+"-- lib/gone.go --\npackage lib\n-- lib/left.go --\npackage lib\n-- lib/same.go --\npackage lib\n", "app")
	tr := newTree(Config{Warn: func(s string) { t.Error(s) }}, func() (notifier, error) { return newFake(100), nil })
	list := func() (dirty []string) {
		t.Helper()
		f, err := List(t.Context(), goCommand(), a)
		if err != nil {
			t.Fatal(err)
		}
		dirty = tr.use(update{f, time.Time{}})
		slices.Sort(dirty)
		return dirty
	}
	if got := list(); got != nil {
		t.Fatalf("dirty = %v at first", got)
	}
	gone, left := filepath.Join(a.Module.Dir, "lib/gone.go"), filepath.Join(a.Module.Dir, "lib/left.go")
	os.Remove(gone)
	put(t, left, "//go:build ignore\n\npackage lib\n")
	want := []string{gone, left}
	if got := list(); !slices.Equal(got, want) {
		t.Errorf("dirty = %v, want %v", got, want)
	}
	for _, file := range want {
		k := tr.look(file)
		if !k.changed || k.kind != Source {
			t.Errorf("%s: changed %v, kind %d, want a changed source", file, k.changed, k.kind)
		}
		tr.accept(k)
	}
	if got := list(); got != nil {
		t.Errorf("dirty = %v after all was told", got)
	}
	if len(tr.seen) == 0 || slices.ContainsFunc(want, func(file string) bool { _, ok := tr.seen[file]; return ok }) {
		t.Error("what was told of them is kept for ever")
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	a := app(t, `
-- go.work --
go 1.25

use (
	./a
	./b
)
-- a/go.mod --
module a

go 1.25
-- a/main.go --
package main

import "b"

func main() { b.B() }
-- b/go.mod --
module b

go 1.25
-- b/b.go --
package b

func B()
-- b/b.s --
-- b/c.c --
-- b/b_test.go --
package b
`, "a")
	f, err := List(t.Context(), goCommand(), a, "/somewhere/.env")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for file, kind := range f.named {
		rel, ok := strings.CutPrefix(file, filepath.Dir(a.Dir)+"/")
		if !ok {
			rel = file
		}
		got = append(got, fmt.Sprintf("%s %d", rel, kind))
	}
	slices.Sort(got)
	want := "/somewhere/.env 3|a/app.yaml 3|a/default.pgo 2|a/devserver.yaml 3|a/go.mod 2|a/go.sum 2|a/main.go 2|a/vendor/modules.txt 2|" +
		"b/b.go 2|b/b.s 2|b/c.c 2|b/go.mod 2|b/go.sum 2|go.work 2|go.work.sum 2|vendor/modules.txt 2"
	if strings.Join(got, "|") != want {
		t.Errorf("List = %s\nwant   %s", strings.Join(got, "|"), want)
	}
}

// TestLateModule: a module that a replace directive brings while devserver runs is the user's as those of the start are: its go.mod
// counts, and a package of it that is imported and does not exist yet.
func TestLateModule(t *testing.T) {
	t.Parallel()
	a := app(t, sample+"-- late/go.mod --\nmodule example.com/late\n\ngo 1.25\n-- late/late.go --\npackage late\n\nimport _ \"example.com/late/new\"\n", "app")
	w := watch(t, a, Config{})
	mod, err := os.ReadFile(w.path("go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	w.replace("go.mod", string(mod)+"\nrequire example.com/late v0.0.0\n\nreplace example.com/late => ./late\n")
	w.replace("app/main.go", "package main\nimport _ \"example.com/late\"\nfunc main() {}\n")
	w.wants("go.mod app/main.go", Source)
	f, err := List(t.Context(), goCommand(), a)
	if err != nil {
		t.Fatal(err)
	}
	w.Update(f, Now())
	w.replace("late/go.mod", "module example.com/late\n\ngo 1.25\n\n// changed\n")
	w.wants("late/go.mod", Source)
	w.replace("late/new/new.go", "package new\n")
	w.wants("late/new/new.go", Source)
}

// fake is a notifier whose notices the test gives.
type fake struct {
	notices chan notice
	limit   int              // folders
	adding  func(dir string) // called before a folder is watched; may be nil

	mu   sync.Mutex
	dirs map[string]bool
}

func newFake(limit int) *fake {
	return &fake{notices: make(chan notice), limit: limit, dirs: make(map[string]bool)}
}

func (f *fake) Add(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := os.Stat(dir)
	if f.adding != nil {
		f.adding(dir)
	}
	if err != nil {
		return err
	}
	if len(f.dirs) == f.limit {
		return fmt.Errorf("add %s: %w", dir, syscall.ENOSPC)
	}
	f.dirs[dir] = true
	return nil
}

func (f *fake) Remove(dir string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.dirs, dir)
}

func (f *fake) Notices() <-chan notice { return f.notices }
func (f *fake) Close()                 {}

// watched watches an app by a fake notifier, in fake time.
func watched(t *testing.T, a *project.App) (*fake, *Watcher) {
	t.Helper()
	f := newFake(1000)
	w, err := newWatcher(Config{Files: FilesOf(a, a.Packages)}, func() (notifier, error) { return f, nil })
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // until the first list is in use
	return f, w
}

// TestTiming: in fake time, what a burst is.
func TestTiming(t *testing.T) {
	t.Parallel()
	a := app(t, sample, "app")
	lib, main := filepath.Join(a.Module.Dir, "lib/lib.go"), filepath.Join(a.Dir, "main.go")
	synctest.Test(t, func(t *testing.T) {
		f, w := watched(t, a)
		defer w.Close()
		n := 0
		save := func(file string) {
			n++
			put(t, file, fmt.Sprint("package x //", n))
			f.notices <- notice{path: file}
		}
		told := func() (string, time.Duration) {
			start := time.Now()
			c := <-w.Changes()
			return strings.Join(c.Files, " "), time.Since(start)
		}
		check := func(what, files string, after time.Duration) {
			t.Helper()
			if got, d := told(); got != files || d != after {
				t.Errorf("%s: %s after %v, want %s after %v", what, got, d, files, after)
			}
		}
		save(lib)
		check("one save", lib, quiet)

		save(lib)
		time.Sleep(quiet - 1)
		save(main)
		check("a second file just in time", main+" "+lib, quiet)

		save(filepath.Join(a.Dir, "site.css"))
		save(lib)
		if c := <-w.Changes(); len(c.Files) != 2 || c.Kind != Source {
			t.Errorf("a style sheet and code: %v as kind %d, want both as kind %d", c.Files, c.Kind, Source)
		}

		built, err := os.ReadFile(lib)
		if err != nil {
			t.Fatal(err)
		}
		save(lib)
		put(t, lib, string(built))
		f.notices <- notice{path: lib}
		save(main)
		check("one there and back, another changed", main, quiet)

		start := time.Now()
		for time.Since(start) < longest {
			save(lib)
			time.Sleep(quiet / 2)
		}
		if _, d := told(); d != 0 {
			t.Errorf("a burst without end is told after %v more", d)
		}

		if err := os.Truncate(lib, 0); err != nil {
			t.Fatal(err)
		}
		f.notices <- notice{path: lib}
		time.Sleep(quiet + 1)
		save(lib)
		check("empty for a moment", lib, quiet)

		empty := filepath.Join(a.Module.Dir, "lib/empty.go")
		put(t, empty, "")
		f.notices <- notice{path: empty, created: true}
		time.Sleep(quiet + 1)
		put(t, main, "package main // while a new file is still empty")
		put(t, empty, "package lib")
		f.notices <- notice{path: empty}
		f.notices <- notice{path: main}
		check("new and empty for a moment", main+" "+empty, quiet)

		os.Remove(lib)
		f.notices <- notice{path: lib, removed: true}
		check("gone", lib, quiet+grace)

		save(lib)
		time.Sleep(time.Second) // nobody listens
		save(main)
		time.Sleep(time.Second)
		check("merged for a slow receiver", main+" "+lib, 0)

		f.notices <- notice{} // an overflow
		put(t, main, "package main // overlooked")
		check("after an overflow", main, quiet)
	})
}

// TestLimit: where the system watches no more, files are looked at instead, and the user is told what to do.
func TestLimit(t *testing.T) {
	t.Parallel()
	a := app(t, sample, "app")
	for _, tt := range []struct {
		name   string
		system func() (notifier, error)
		want   string
	}{
		{"folders", func() (notifier, error) { return newFake(2), nil }, "sudo sysctl fs.inotify.max_user_watches="},
		{"watchers", func() (notifier, error) { return nil, fmt.Errorf("inotify_init: %w", syscall.EMFILE) }, "fs.inotify.max_user_instances="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var warnings []string
			files := FilesOf(a, a.Packages)
			w, err := newWatcher(Config{Files: files, Warn: func(s string) { warnings = append(warnings, s) }}, tt.system)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			h := &watcher{w, t, a.Module.Dir, make(map[string]bool)}
			h.Update(files, time.Time{})
			if len(warnings) != 1 || !strings.Contains(warnings[0], tt.want) {
				t.Errorf("warnings = %q, want one with %q", warnings, tt.want)
			}
			put(t, h.path("lib/lib.go"), "package lib // "+tt.name)
			h.wants("lib/lib.go", Source)
		})
	}
}

// TestLimitLosesNothing: what the system had to tell when it was given up for looking is found all the same.
func TestLimitLosesNothing(t *testing.T) {
	t.Parallel()
	a := app(t, sample, "app")
	lib, views := filepath.Join(a.Module.Dir, "lib/lib.go"), filepath.Join(a.Dir, "views")
	synctest.Test(t, func(t *testing.T) {
		f, w := watched(t, a)
		defer w.Close()
		f.mu.Lock()
		f.limit = len(f.dirs)
		f.mu.Unlock()
		put(t, lib, "package lib // its notice is still in the queue")
		put(t, filepath.Join(views, "x.html"), "x")
		f.notices <- notice{path: views, created: true} // one folder too many
		missing := map[string]bool{lib: true, filepath.Join(views, "x.html"): true}
		for limit := time.After(time.Minute); len(missing) > 0; {
			select {
			case c := <-w.Changes():
				for _, file := range c.Files {
					delete(missing, file)
				}
			case <-limit:
				t.Fatalf("not told: %v", slices.Collect(maps.Keys(missing)))
			}
		}
	})
}

func TestPoll(t *testing.T) {
	t.Parallel()
	w := watch(t, app(t, sample, "app"), Config{Poll: 5 * time.Millisecond})
	put(t, w.path("lib/lib.go"), "package lib // polled")
	w.wants("lib/lib.go", Source)
	put(t, w.path("lib/new.go"), "package lib")
	w.wants("lib/new.go", Source)
	os.RemoveAll(w.path("lib"))
	w.wants("lib/lib.go lib/new.go", Source)
	put(t, w.path("lib/lib.go"), "package lib // back")
	w.wants("lib/lib.go", Source)
	put(t, w.path("app/views/x.html"), "x")
	w.wants("app/views/x.html", Restart)
}

func TestClose(t *testing.T) {
	t.Parallel()
	a := app(t, sample, "app")
	w := watch(t, a, Config{})
	put(t, w.path("lib/lib.go"), "package lib // nobody takes this")
	w.Close()
	w.Update(FilesOf(a, a.Packages), time.Time{}) // must not block
	if _, open := <-w.Changes(); open {
		if _, open := <-w.Changes(); open {
			t.Error("Changes is open after Close")
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("New without files")
	}
}

// TestFolderComesMeanwhile: a folder that comes while the one around it is about to be watched is watched all the same.
func TestFolderComesMeanwhile(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"", "a", "a/b"} {
		root := t.TempDir()
		f := newFake(100)
		f.adding = func(dir string) {
			if dir == filepath.Join(root, when) {
				os.MkdirAll(filepath.Join(root, "a/b"), 0o755)
			}
		}
		tr := newTree(Config{Warn: func(s string) { t.Error(s) }}, func() (notifier, error) { return f, nil })
		want := filepath.Join(root, "a/b")
		if got := tr.watch(want); got != want || !f.dirs[want] {
			t.Errorf("made while %q is added: %s is watched", when, got)
		}
	}
}
