package devserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// holdScript is a -toolexec that holds the compiler up while the file beside it is there: a build as long as a test needs.
const holdScript = `#!/bin/sh
case "$*" in
*-V=full*) ;;
*) while [ -e "$0.hold" ]; do sleep 0.05; done ;;
esac
exec "$@"
`

// holdable has the site build so that builds can be held up.
func (s *site) holdable() {
	s.t.Helper()
	script := filepath.Join(s.t.TempDir(), "hold")
	if err := os.WriteFile(script, []byte(holdScript), 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.opts.BuildFlags, s.held = []string{"-toolexec=" + script}, script+".hold"
}

// hold keeps builds from ending until release.
func (s *site) hold() {
	s.t.Helper()
	if err := os.WriteFile(s.held, nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) release() {
	s.t.Helper()
	if err := os.Remove(s.held); err != nil {
		s.t.Fatal(err)
	}
}

// TestNewerSave: a save during a build ends that build, of which nothing is left, and only the newest version is started.
func TestNewerSave(t *testing.T) {
	t.Parallel()
	s := newSite(t, bigApp(40))
	s.holdable()
	s.up()
	s.hold()
	unique := time.Now().UnixNano() // or the compilers' work would be in the build cache, and the build over at once
	save := func(n int) string {
		version := fmt.Sprintf("v%d-%d", n, unique)
		s.replace("leaf/leaf.go", fmt.Sprintf("package leaf\n\nconst Version = %q\n", version))
		return version
	}
	var last string
	for n := range 3 {
		last = save(n)
		waitFor(s, func(b BuildStarted) bool { return !b.First })
	}
	s.release()
	if r := waitFor[AppReady](s, nil); r.Reload != 1 || !slices.Equal(r.Files, []string{"leaf/leaf.go"}) {
		t.Errorf("the third save is told as %+v, want one reload", r)
	}
	if got := s.get("/"); !strings.HasPrefix(got, last+" ") {
		t.Errorf("/ = %q, want %s", got, last)
	}
	for end := time.Now().Add(patience); ; {
		left := tools(t, s.dir)
		if len(left) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("of the builds that were given up there are left %q", left)
		}
		runtime.Gosched() // they have been killed, and the system is about to take them away
	}
	builds := buildsOf(s)
	if want := []string{"ok", "canceled", "canceled", "ok"}; !slices.Equal(builds, want) {
		t.Errorf("builds = %q, want %q", builds, want)
	}
}

// tools returns the commands of compilers and linkers that work for a build into a folder below dir.
func tools(t *testing.T, dir string) (left []string) {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "command=").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, filepath.Join(dir, ".devserver", "bin")+"/") && strings.Contains(line, "/pkg/tool/") {
			left = append(left, strings.TrimSpace(line))
		}
	}
	return left
}

// buildsOf returns how the builds ended, the oldest first.
func buildsOf(s *site) (outcomes []string) {
	s.t.Helper()
	all, err := s.recording().Builds(s.t.Context(), record.BuildFilter{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, b := range all {
		outcomes = append(outcomes, b.Outcome)
	}
	slices.Reverse(outcomes)
	return outcomes
}

// TestSaveOfTheSame: what has the content that was built is not built again, whatever its time: a touch, a branch that was
// left and came back to.
func TestSaveOfTheSame(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	s.up()
	s.replace("main.go", versionOf("two"))
	waitFor[AppReady](s, nil) // from now on the contents of all files are known
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(s.dir, "main.go"), later, later); err != nil {
		t.Fatal(err)
	}
	s.replace("main.go", versionOf("two"))
	s.replace("go.mod", "module example.com/shop\n\ngo 1.25\n")
	s.replace("main.go", versionOf("three"))
	if r := waitFor[AppReady](s, nil); r.Reload != 2 || !slices.Equal(r.Files, []string{"main.go"}) {
		t.Errorf("the change after the touches is told as %+v", r)
	}
	if got, want := buildsOf(s), []string{"ok", "ok", "ok"}; !slices.Equal(got, want) {
		t.Errorf("builds = %q, want %q", got, want)
	}
	s.replace("main.go", source)
	waitFor[AppReady](s, nil)
	if got := s.get("/"); got != "one 0" {
		t.Errorf("back at the first version / = %q", got)
	}
	s.replace("main.go", strings.Replace(source, "package main", "package main // again", 1))
	u := waitFor[Unchanged](s, nil)
	if !slices.Equal(u.Files, []string{"main.go"}) {
		t.Errorf("a comment is told as %+v", u)
	}
}

// TestListKept: the list of files is kept over a change that cannot make another, and renewed after one that can.
func TestListKept(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source, "words/words.go": "package words\n\nconst Version = \"worded\"\n"})
	s.up()
	s.replace("main.go", versionOf("two"))
	waitFor[AppReady](s, nil)
	s.replace("main.go", strings.NewReplacer(`const version = "one"`, "const version = words.Version", `import (`, "import (\n\t\"example.com/shop/words\"").Replace(source))
	waitFor[AppReady](s, nil)
	if got := s.get("/"); got != "worded 0" {
		t.Errorf("/ = %q", got)
	}
	s.replace("words/words.go", "package words\n\nconst Version = \"changed\"\n")
	if r := waitFor[AppReady](s, nil); !slices.Equal(r.Files, []string{"words/words.go"}) {
		t.Errorf("a change of the package that is new in the list is told as %+v", r)
	}
	if got := s.get("/"); got != "changed 0" {
		t.Errorf("/ = %q", got)
	}
}

// TestProgramsPruned: of the programs that were built, the one that serves is left.
func TestProgramsPruned(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	s.up()
	for i := range 4 {
		s.replace("main.go", versionOf(fmt.Sprint("v", i)))
		waitFor[AppReady](s, nil)
	}
	s.stop()
	kept, err := filepath.Glob(filepath.Join(s.data, "bin", "shop", "*"))
	if err != nil || len(kept) != 2 { // it, and what go build writes over
		t.Errorf("in the folder of programs are %q, %v", kept, err)
	}
}

// TestRaceFlags: build flags reach the build: the race detector finds the race, and a tag chooses the file.
func TestRaceFlags(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("gcc"); err != nil {
		hooktest.Missing(t, "gcc is not installed: the race detector needs cgo")
	}
	s := newSite(t, map[string]string{
		"dev.go": "//go:build dev && race\n\npackage main\n\nconst version = \"dev\"\n",
		"main.go": `package main

import (
	"fmt"
	"net/http"
	"os"
)

var n int

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		done := make(chan bool)
		go func() { n++; done <- true }()
		n++
		<-done
		fmt.Fprint(w, version)
	})
	panic(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
`})
	s.opts.BuildFlags = []string{"-race", "-tags=dev"}
	s.up()
	if got := s.get("/"); got != "dev" {
		t.Errorf("/ = %q", got)
	}
	s.waitLine("WARNING: DATA RACE")
	s.replace("dev.go", "//go:build dev && race\n\npackage main\n\nconst version = \"changed\"\n")
	waitFor[AppReady](s, nil)
	if got := s.get("/"); got != "changed" {
		t.Errorf("after a change / = %q", got)
	}
}

// replace saves a file as careful editors do: under another name, then over the old one. No moment shows half of it.
func (s *site) replace(name, text string) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "saved")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(file, filepath.Join(s.dir, name)); err != nil {
		s.t.Fatal(err)
	}
}

// TestBackToWhatServes: when a version has ended before it accepted and its change is taken back, what is started afterwards is
// the program of the code as it is, not that version again.
func TestBackToWhatServes(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source, "page.html": "one"})
	s.up()
	s.replace("main.go", versionOf("two")+"\nfunc init() { panic(\"two\") }\n")
	if e := waitFor[WorkerExited](s, nil); !e.Serving {
		t.Errorf("the end of the second version is told as %+v", e)
	}
	s.replace("main.go", source)
	waitFor[Unchanged](s, nil)
	s.replace("page.html", "two")
	switch n := waitFor(s, func(n Notice) bool {
		switch n.(type) {
		case AppReady, WorkerExited:
			return true
		}
		return false
	}).(type) {
	case AppReady:
		if n.Reload != 1 || len(n.Files) != 1 || n.Files[0] != "page.html" {
			t.Errorf("the restart is told as %+v", n)
		}
	default:
		t.Errorf("after a template was saved: %+v", n)
	}
	if got := s.get("/"); got != "one 0" {
		t.Errorf("/ = %q", got)
	}
}
