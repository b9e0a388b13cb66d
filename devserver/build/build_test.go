package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/seed-d81df0db/devserver/devserver/porttest"
	"github.com/seed-d81df0db/devserver/devserver/project"
)

// write writes a txtar archive below root.
func write(t testing.TB, root, archive string) {
	t.Helper()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		file := filepath.Join(root, f.Name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// request discovers the app in dir of a fresh tree.
func request(t testing.TB, archive, dir string, flags ...string) Request {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write(t, root, archive)
	g := project.Go{Tool: "go", Env: append(os.Environ(), "GOFLAGS=", "GOWORK="), Flags: flags}
	a, err := project.Discover(t.Context(), g, filepath.Join(root, dir))
	if err != nil {
		t.Fatal(err)
	}
	return Request{App: a, Go: g, Out: filepath.Join(root, ".devserver/build")}
}

func build(t testing.TB, r Request) *Result {
	t.Helper()
	result, err := Build(t.Context(), r)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return result
}

// run runs a program to its end and returns what it wrote.
func run(t *testing.T, binary string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("%s: %v", filepath.Base(binary), err)
	}
	return string(out)
}

const hello = `
-- go.mod --
module example.com/m

go 1.25
-- hello/main.go --
package main

var version = "plain"

func main() { println(version, tag) }
-- hello/tag.go --
//go:build !extra

package main

const tag = "none"
-- hello/extra.go --
//go:build extra

package main

const tag = "extra"
`

func TestBuildMain(t *testing.T) {
	t.Parallel()
	r := request(t, hello, "hello")
	first := build(t, r)
	if got := run(t, first.Binary); got != "plain none\n" {
		t.Errorf("the program says %q", got)
	}
	if first.Form != project.FormMain || first.Duration <= 0 || first.Output != "" {
		t.Errorf("Build = %+v", first)
	}
	source := filepath.Join(r.App.Dir, "main.go")
	text, _ := os.ReadFile(source)

	os.WriteFile(source, append(text, "// a comment at the end\n"...), 0o644)
	if same := build(t, r); same.ID != first.ID || same.Binary != first.Binary {
		t.Errorf("a comment makes another program: %s, before %s", same.ID, first.ID)
	}
	os.WriteFile(source, []byte(strings.Replace(string(text), "plain", "other", 1)), 0o644)
	second := build(t, r)
	if second.ID == first.ID || run(t, second.Binary) != "other none\n" {
		t.Errorf("a change gives %s, before %s", second.ID, first.ID)
	}
	if got := run(t, first.Binary); got != "plain none\n" {
		t.Errorf("the first program says %q after the second build", got)
	}
	if err := Prune(r.Out, second.Binary); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(first.Binary); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Prune left the first program: %v", err)
	}
	if got := run(t, second.Binary); got != "other none\n" {
		t.Errorf("Prune took the second program: %q", got)
	}
	if left, _ := filepath.Glob(filepath.Join(r.Out, tmpPattern)); len(left) > 0 {
		t.Errorf("temporary folders are left: %q", left)
	}
}

// TestBuildFlags: what the user gives goes through, and of two words on the linker's flags the user's counts.
func TestBuildFlags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		flags   []string
		goflags string
		debug   bool
		want    string
		dwarf   bool
	}{
		{nil, "", false, "plain none\n", false},
		{nil, "", true, "plain none\n", true},
		{[]string{"-tags", "extra", "-ldflags", "-X main.version=1"}, "", false, "1 extra\n", false},
		{[]string{"-ldflags=-w=0 -X=main.version=2"}, "", false, "2 none\n", true},
		{[]string{"-ldflags=example.com/m/...=-X=main.version=3"}, "-tags=extra", false, "3 extra\n", false},
		{nil, "'-ldflags=-X main.version=4' -buildvcs=true", false, "4 none\n", false},
		{[]string{"-gcflags=-l=4"}, "", true, "plain none\n", true},
		{[]string{"-ldflags=-X=main.version=5"}, "-ldflags=-X=main.version=6", true, "5 none\n", true},
	} {
		t.Run(fmt.Sprint(tt.flags, tt.goflags, tt.debug), func(t *testing.T) {
			t.Parallel()
			r := request(t, hello, "hello", tt.flags...)
			r.Debug = tt.debug
			r.Go.Env = append(r.Go.Env, "GOFLAGS="+tt.goflags)
			a, err := project.Discover(t.Context(), r.Go, r.App.Dir)
			if err != nil {
				t.Fatal(err)
			}
			r.App = a
			result := build(t, r)
			if got := run(t, result.Binary); got != tt.want {
				t.Errorf("the program says %q, want %q", got, tt.want)
			}
			data, _ := os.ReadFile(result.Binary)
			if got := strings.Contains(string(data), ".debug_info") || strings.Contains(string(data), ".zdebug_info") || strings.Contains(string(data), "__debug_info"); got != tt.dwarf {
				t.Errorf("DWARF is there: %v, want %v", got, tt.dwarf)
			}
		})
	}
	for _, flags := range [][]string{{"-o", "x"}, {"--o=x"}, {"-C=/"}, {"-json"}, {"-race", "-n"}} {
		if err := CheckFlags(flags); err == nil {
			t.Errorf("CheckFlags(%q) takes them", flags)
		}
	}
}

// TestStackWithoutDWARF: what call sites are read from does not need DWARF.
func TestStackWithoutDWARF(t *testing.T) {
	t.Parallel()
	r := request(t, `
-- go.mod --
module example.com/m

go 1.25
-- main.go --
package main

import "runtime"

func main() {
	inlined()
	panic("x")
}

func inlined() {
	_, file, line, _ := runtime.Caller(0)
	println(file, line)
}
`, ".")
	got := run(t, build(t, r).Binary)
	for _, want := range []string{"main.go 11\n", "main.go:7 "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestBuildFailures(t *testing.T) {
	t.Parallel()
	const module = "-- go.mod --\nmodule example.com/m\n\ngo 1.25\n"
	for _, tt := range []struct {
		name, archive, dir string
		want               []string // beginnings of the errors
	}{
		{"type error", module + "-- a/a.go --\npackage main\n\nfunc main() {\n\tx := 1\n\tvar y string = 2\n}\n", "a",
			[]string{"a/a.go:4:2: declared and not used: x", "a/a.go:5:6: declared and not used: y", "a/a.go:5:17: cannot use 2"}},
		{"syntax error", module + "-- a/a.go --\npackage main\n\nfunc main() {\n", "a", []string{"a/a.go:4:1: syntax error: unexpected EOF"}},
		{"no package clause", module + "-- a/a.go --\npakage main\n", "a", []string{"a/a.go:1:1: expected 'package', found pakage"}},
		{"in another package", module + "-- a/a.go --\npackage main\nimport _ \"example.com/m/lib\"\nfunc main() {}\n-- lib/lib.go --\npackage lib\nvar x int = nil\n", "a",
			[]string{"lib/lib.go:2:13: cannot use nil"}},
		{"no such package", module + "-- a/a.go --\npackage main\nimport _ \"example.com/m/lib\"\nfunc main() {}\n", "a",
			[]string{"a/a.go:2:8: no required module provides package example.com/m/lib"}},
		{"import cycle", module + "-- a/a.go --\npackage main\nimport _ \"example.com/m/b\"\nfunc main() {}\n-- b/b.go --\npackage b\nimport _ \"example.com/m/c\"\n-- c/c.go --\npackage c\nimport _ \"example.com/m/b\"\n", "a",
			[]string{"package example.com/m/a\nimports example.com/m/b"}},
		{"no main function", module + "-- a/a.go --\npackage main\n", "a", []string{"function main is undeclared in the main package"}},
		{"two packages", module + "-- a/a.go --\npackage main\nfunc main() {}\n-- a/b.go --\npackage b\n", "a", []string{"found packages main (a.go) and b (b.go)"}},
		{"no handler", module + "-- a/a.go --\npackage a\n\nvar Handler = f()\n\nfunc f() int { return 1 }\n", "a",
			[]string{"a/a.go:3:5: cannot use Handler (variable of type int) as http.Handler value in variable declaration: int does not implement http.Handler (missing method ServeHTTP); devserver serves var Handler"}},
		{"virtual main, own error", module + "-- a/a.go --\npackage a\nimport \"net/http\"\nvar Handler http.Handler = 1\n", "a", []string{"a/a.go:3:28: cannot use 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request(t, tt.archive, tt.dir)
			_, err := Build(t.Context(), r)
			var f *Failure
			if !errors.As(err, &f) {
				t.Fatalf("Build: %v, want a Failure", err)
			}
			ok := len(f.Errors) == len(tt.want)
			for i := range min(len(f.Errors), len(tt.want)) {
				ok = ok && strings.HasPrefix(f.Errors[i].String(), tt.want[i])
			}
			if !ok {
				t.Errorf("errors:\n%v\nwant\n%s\ngo build said\n%s", f.Errors, strings.Join(tt.want, "\n"), f.Output)
			}
			if f.Output == "" || f.Duration <= 0 {
				t.Errorf("Failure = %+v", f)
			}
			mended := "package main\n\nfunc main() {}\n"
			os.Remove(filepath.Join(r.App.Dir, "b.go"))
			os.WriteFile(filepath.Join(r.App.Dir, "a.go"), []byte(mended), 0o644)
			if got := build(t, r); got.Form != project.FormMain {
				t.Errorf("mended: %+v", got)
			}
		})
	}
}

// TestHandlerChangesShape: a Handler that becomes something else is told as a build error, at its place.
func TestHandlerChangesShape(t *testing.T) {
	t.Parallel()
	r := request(t, "-- go.mod --\nmodule example.com/m\n\ngo 1.25\n-- a/a.go --\npackage a\nimport \"net/http\"\nvar Handler http.Handler\n", "a")
	write(t, r.App.Module.Dir, "-- a/a.go --\npackage a\n\ntype Handler int\n")
	_, err := Build(t.Context(), r)
	var f *Failure
	if !errors.As(err, &f) || !strings.HasPrefix(f.Errors[0].String(), "a/a.go:3:6: Handler is a type; devserver serves") {
		t.Errorf("Build: %v", err)
	}
}

// server is a running program that was built from a package with handlers.
type server struct {
	*exec.Cmd
	url string
}

// serve starts binary on a free port and waits until it accepts.
func serve(t *testing.T, binary string) *server {
	t.Helper()
	port := strconv.Itoa(porttest.Keep(t))
	s := &server{exec.Command(binary), "http://127.0.0.1:" + port + "/"}
	s.Env = append(os.Environ(), "PORT="+port)
	s.Stderr = os.Stderr
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Process.Kill() })
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-tick.C {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			return s
		}
	}
	t.Fatal("the program does not accept")
	return nil
}

// TestVirtualMain: every form is served, from inside the module (internal packages, vendor folder, workspace), and ends cleanly.
func TestVirtualMain(t *testing.T) {
	t.Parallel()
	const module = "-- go.mod --\nmodule example.com/m\n\ngo 1.17\n"
	const write = "w.Write([]byte(\"hello\"))"
	for _, tt := range []struct{ name, archive, dir string }{
		{"var", module + "-- a/a.go --\npackage a\nimport \"net/http\"\nvar Handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { " + write + " })\n", "a"},
		{"make, internal", module + "-- x/internal/a/a.go --\npackage a\nimport \"net/http\"\ntype h struct{}\nfunc (h) ServeHTTP(w http.ResponseWriter, r *http.Request) { " + write + " }\nfunc Handler() *h { return &h{} }\n", "x/internal/a"},
		{"func, embeds all", module + "-- a.go --\npackage a\nimport (\n\t\"embed\"\n\t\"net/http\"\n)\n//go:embed all:*\nvar files embed.FS\nfunc Handler(w http.ResponseWriter, r *http.Request) { " + write + " }\n", "."},
		{"default, workspace and vendor", `
-- go.work --
go 1.25

use ./app
-- app/go.mod --
module example.com/app

go 1.25

require example.com/dep v1.0.0
-- vendor/modules.txt --
## workspace
# example.com/dep v1.0.0
## explicit; go 1.25
example.com/dep
-- vendor/example.com/dep/dep.go --
package dep

const Text = "hello"
-- app/my.site/a.go --
package site

import (
	"net/http"

	"example.com/dep"
)

func init() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(dep.Text)) })
}
`, "app/my.site"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request(t, tt.archive, tt.dir)
			s := serve(t, build(t, r).Binary)
			resp, err := http.Get(s.url)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(body) != "hello" {
				t.Errorf("GET / = %q", body)
			}
			s.Process.Signal(syscall.SIGTERM)
			if err := s.Wait(); err != nil {
				t.Errorf("after SIGTERM: %v", err)
			}
			if found, _ := filepath.Glob(filepath.Join(r.App.Dir, "devserver_main*")); len(found) > 0 {
				t.Errorf("the user's folder holds %q", found)
			}
		})
	}
}

// TestOverlayMerged: the user's own overlay goes on to work beside ours.
func TestOverlayMerged(t *testing.T) {
	t.Parallel()
	r := request(t, `
-- go.mod --
module example.com/m

go 1.25
-- a/a.go --
package a

import "net/http"

var text = "disk"

func Handler(w http.ResponseWriter, r *http.Request) { w.Write([]byte(text + more)) }
-- a/b.go --
package a

const more = "!"
-- a/devserver_main_a/keep --
-- other/b.txt --
package a

const more = ", overlaid"
-- a/overlay.json --
{"Replace": {"b.go": "../other/b.txt"}}
`, "a", "-overlay=overlay.json")
	s := serve(t, build(t, r).Binary)
	resp, err := http.Get(s.url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "disk, overlaid" {
		t.Errorf("GET / = %q", body)
	}
	os.WriteFile(filepath.Join(r.App.Dir, "overlay.json"), []byte("{"), 0o644)
	if _, err := Build(t.Context(), r); err == nil || !strings.Contains(err.Error(), "-overlay overlay.json: ") {
		t.Errorf("Build with a broken overlay: %v", err)
	}
}

func TestVirtualDir(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		dir, embedIn string
		want         string
	}{
		{"/m/web", "", "/m/web/devserver_main_web"},
		{"/m/web", "/m/web", "/m/devserver_main_web"},
		{"/m/internal/web", "/m/internal/web", "/m/internal/devserver_main_web"},
		{"/m/x/internal/web", "/m/x", "/m/x/internal/web/devserver_main_web"}, // no folder without: the pattern takes all
		{"/m", "/m", "/m/devserver_main_web"},
	} {
		a := &project.App{Name: "web", Dir: tt.dir, Module: project.Module{Dir: "/m"}}
		m := &project.ListModule{Dir: "/m", Main: true}
		a.Packages = []project.Package{{Dir: tt.embedIn, EmbedPatterns: []string{"*"}, Module: m}}
		if got := virtualDir(a); got != tt.want {
			t.Errorf("virtualDir(%s) with * in %q = %s, want %s", tt.dir, tt.embedIn, got, tt.want)
		}
	}
}

func TestBuildFolder(t *testing.T) {
	t.Parallel()
	r := request(t, hello, "hello")
	r.Out = filepath.Join(r.App.Dir, "main.go", "build")
	if _, err := Build(t.Context(), r); err == nil || !strings.Contains(err.Error(), "choose another with --data") {
		t.Errorf("Build into a file: %v", err)
	}
	r.Out = filepath.Join(r.App.Dir, "..", "out")
	r.Go.Tool = filepath.Join(r.App.Dir, "nogo")
	if _, err := Build(t.Context(), r); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Build without a go command: %v", err)
	}
	if err := Prune(filepath.Join(r.App.Dir, "nowhere")); err != nil {
		t.Errorf("Prune of nothing: %v", err)
	}
}

// TestPrune: of an app that is called like the folders for temporary files, too, what is kept stays and those folders go.
func TestPrune(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"shop", "tmp-shop"} {
		out := t.TempDir()
		keep, old, left := filepath.Join(out, name+keptMark+"new"), filepath.Join(out, name+keptMark+"old"), filepath.Join(out, "tmp-123")
		for _, file := range []string{filepath.Join(out, name), keep, old, filepath.Join(left, "b001", "main.a")} {
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := Prune(out, keep); err != nil {
			t.Error(err)
		}
		if got, _ := filepath.Glob(filepath.Join(out, "*")); !slices.Equal(got, []string{filepath.Join(out, name), keep}) {
			t.Errorf("%s: Prune leaves %q, want what go build writes over and %s", name, got, keep)
		}
	}
}

// TestCancelKillsAll: a go build that is no longer wanted dies with its compilers and linkers. A -toolexec stands for them here:
// it says that it runs, then blocks as long as it lives.
func TestCancelKillsAll(t *testing.T) {
	t.Parallel()
	r := request(t, hello, "hello")
	dir := r.App.Module.Dir
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "slow.sh")
	// A tool asked for its version (-V=full) has to answer; the first one that works holds the pipe open.
	body := "#!/bin/sh\ncase \"$*\" in *-V=*) exec \"$@\";; esac\nexec >" + pipe + "\necho $$\nexec sleep 1000\n"
	if err := os.WriteFile(script, []byte(body), 0o700); err != nil {
		t.Fatal(err)
	}
	r.Go.Flags = []string{"-toolexec=" + script}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := Build(ctx, r)
		done <- err
	}()
	f, err := os.Open(pipe) // waits for a tool that runs
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var pid int
	if _, err := fmt.Fscan(f, &pid); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Build: %v", err)
	}
	if rest, err := io.ReadAll(f); err != nil || slices.Contains(rest, 0) { // ends when nobody holds the pipe any more
		t.Errorf("pipe: %q, %v", rest, err)
	}
	if left, _ := filepath.Glob(filepath.Join(r.Out, tmpPattern)); len(left) > 0 {
		t.Errorf("temporary folders are left: %q", left)
	}
}

func TestContentID(t *testing.T) {
	t.Parallel()
	r := request(t, hello, "hello", "-ldflags=-buildid=")
	plain := build(t, r)
	if len(plain.ID) != 32 {
		t.Errorf("without Go's build ID: %q", plain.ID)
	}
	file := filepath.Join(t.TempDir(), "macho")
	os.WriteFile(file, []byte("\xcf\xfa\xed\xfe....\xff Go build ID: \"aaaa/bbbb/cccc/0123456789abcdefghij\"\n \xff"), 0o644)
	if id, err := contentID(file); err != nil || id != "0123456789abcdefghij" {
		t.Errorf("contentID = %q, %v", id, err)
	}
	out, err := openStore(t.TempDir(), "x")
	if err != nil {
		t.Fatal(err)
	}
	defer out.close()
	os.WriteFile(out.target, []byte("text"), 0o600)
	if err := out.copy(filepath.Join(out.dir, "copy")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(out.dir, "copy")); string(got) != "text" {
		t.Errorf("copy = %q", got)
	}
}
