package toolchain

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/hook"
	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
)

// realCache is one cache for all tests that make a real copy, so that each Go is copied once.
var realCache = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "devserver-toolchain-test-") })

// realCopy makes the patched copy of version, "" for the go in PATH, with the user's ordinary build cache.
func realCopy(t *testing.T, version string) *Toolchain {
	t.Helper()
	if testing.Short() {
		t.Skip("copies and compiles a real Go")
	}
	dir, err := realCache()
	if err != nil {
		t.Fatal(err)
	}
	goroot, goVersion := hooktest.Goroot(t, version)
	name := (&goInfo{GOROOT: goroot, GOVERSION: goVersion}).copyName(hook.Version())
	g := &goInfo{GOROOT: goroot, GOVERSION: goVersion, GOHOSTOS: goEnv(t, "GOHOSTOS"), GOHOSTARCH: goEnv(t, "GOHOSTARCH"), GOCACHE: goEnv(t, "GOCACHE")}
	tc, err := ensureGo(t.Context(), Config{Cache: dir, Progress: func(string, int, int) {}}, hookPatches(), g)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(tc.GOROOT) != name {
		t.Fatalf("the copy is %s, want %s", tc.GOROOT, name)
	}
	t.Cleanup(func() { tc.Close() })
	return tc
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// run runs the copy's go in dir and returns what it says.
func run(t *testing.T, tc *Toolchain, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(tc.Env(os.Environ()), env...)
	if args[0] == "go" {
		cmd.Path, cmd.Err = tc.Go(), nil
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %q: %v\n%s", env, args, err, out)
	}
	return string(out)
}

const realApp = `package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
)

func main() { fmt.Print(talk()) }

func talk() string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello\n") }))
	defer s.Close()
	resp, err := http.Get(s.URL)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return string(text)
}
`

const realAppTest = `package main

import "testing"

func TestTalk(t *testing.T) {
	if talk() != "hello\n" {
		t.Fatal(talk())
	}
}
`

func realAppDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module app\n\ngo 1.25\n", "main.go": realApp, "main_test.go": realAppTest} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Every Go that is supported is patched and compiled, and an app that nobody configured behaves as always.
func TestRealGo(t *testing.T) {
	for _, version := range append([]string{""}, hooktest.Versions...) {
		t.Run("go"+strings.TrimPrefix(version, "go"), func(t *testing.T) {
			tc, dir := realCopy(t, version), realAppDir(t)
			if got := strings.TrimSpace(run(t, tc, dir, nil, "go", "env", "GOROOT")); got != tc.GOROOT {
				t.Errorf("GOROOT %s, want %s", got, tc.GOROOT)
			}
			run(t, tc, dir, nil, "go", "build", "-o", "app", ".")
			if got := run(t, tc, dir, nil, filepath.Join(dir, "app")); got != "hello\n" {
				t.Errorf("the app says %q", got)
			}
			if got := run(t, tc, dir, nil, "go", "tool", "nm", "app"); !strings.Contains(got, ".devserver") { // nm is built from src/cmd
				t.Error("no patched function in the app")
			}
			if version == "" { // the other versions and processors: TestEveryTarget
				run(t, tc, dir, []string{"GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=0"}, "go", "build", "-o", os.DevNull, ".")
			}
		})
	}
}

// The go command's other works do with the copy what they do with the user's Go.
func TestRealGoCommand(t *testing.T) {
	tc, dir := realCopy(t, ""), realAppDir(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"go", "vet", "."}, ""},
		{[]string{"go", "test", "-count=1", "-cover", "."}, "coverage: "},
		{[]string{"go", "test", "-count=1", "-coverpkg=net,app", "."}, "coverage: "},
		{[]string{"go", "list", "std"}, "internal/devserver/agent\n"},
		{[]string{"go", "list", "-deps", "net/http"}, "vendor/golang.org/x/net/http/httpguts\n"},
		{[]string{"go", "doc", "net.Dial"}, "func Dial("},
		{[]string{"go", "tool"}, "compile\n"},
		{[]string{"go", "version"}, tc.GoVersion},
		{[]string{"sh", "-c", "go env GOROOT"}, tc.GOROOT}, // the go in PATH
	} {
		if got := run(t, tc, dir, nil, tt.args...); !strings.Contains(got, tt.want) {
			t.Errorf("%q says\n%s\nwithout %q", tt.args, got, tt.want)
		}
	}
}

// A report on a real copy, and on what the build cache holds of it.
func TestRealInspect(t *testing.T) {
	tc := realCopy(t, "")
	dir, err := realCache()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(t.Context(), Config{Dir: realAppDir(t), Cache: dir})
	if err != nil || r.Copy == nil || r.Copy.Dir != tc.GOROOT || !r.Copy.Whole || !r.Copy.Compiled || !r.Copy.Held || r.GoError != nil {
		t.Errorf("%+v, copy %+v, %v", r, r.Copy, err)
	}
}
