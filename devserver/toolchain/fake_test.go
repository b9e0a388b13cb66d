package toolchain

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A fakeGo is a Go of a few files whose go command is a script: it takes no time, and stops where a test wants to
// do something to the process that uses it.
type fakeGo struct {
	t      *testing.T
	dir    string // what the script reads and writes
	goroot string
	cache  string
}

const fakeScript = `#!/bin/sh
cd '%s' || exit 9
case "$1" in
env)
	cat env.json; cat env.err >&2; exit $(cat env.status) ;;
list)
	case "$*" in *Stale*) cat stale ;; *) printf 'net\nnet/http\n' ;; esac ;;
build)
	echo "$GOROOT" >>builds
	if [ -p started ]; then echo >started; read line <gate; fi
	printf 'net\nnet/http\n' >&2
	case "$GOROOT" in
	*/go/.tmp-*) cat build.err >&2; exit $(cat build.status) ;;
	*) cat original.err >&2; exit $(cat original.status) ;;
	esac ;;
esac
`

func newFakeGo(t *testing.T) *fakeGo {
	t.Helper()
	dir := t.TempDir()
	f := &fakeGo{t: t, dir: dir, goroot: filepath.Join(dir, "goroot"), cache: filepath.Join(dir, "cache")}
	for _, d := range []string{"bin", "pkg/tool", "pkg/linux_amd64", "src/net/http", "src/cmd/vet", "lib", ".git"} {
		if err := os.MkdirAll(filepath.Join(f.goroot, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f.write("goroot/VERSION", "go1.26.8\n")
	f.write("goroot/src/net/net.go", "package net\n")
	f.write("goroot/src/net/http/http.go", "package http\n")
	f.write("goroot/src/make.bash", "#!/bin/sh\n")
	f.write("goroot/bin/go", fmt.Sprintf(fakeScript, dir))
	f.chmod("goroot/bin/go", 0o755)
	f.chmod("goroot/src/make.bash", 0o555)
	f.chmod("goroot/src/net/net.go", 0o444) // as in the module cache
	for _, name := range []string{"env", "build", "original"} {
		f.write(name+".status", "0")
		f.write(name+".err", "")
	}
	f.write("stale", "false\n")
	f.version("go1.26.8")
	return f
}

func (f *fakeGo) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fakeGo) chmod(name string, mode os.FileMode) {
	f.t.Helper()
	if err := os.Chmod(filepath.Join(f.dir, name), mode); err != nil {
		f.t.Fatal(err)
	}
}

// version sets what go env says.
func (f *fakeGo) version(v string) {
	f.t.Helper()
	text, err := json.Marshal(map[string]string{"GOROOT": f.goroot, "GOVERSION": v, "GOHOSTOS": "linux", "GOHOSTARCH": "amd64", "GOCACHE": "/gocache"})
	if err != nil {
		f.t.Fatal(err)
	}
	f.write("env.json", string(text))
}

// inPath makes it the go of this process.
func (f *fakeGo) inPath() {
	f.t.Setenv("PATH", f.path())
	f.t.Setenv("GOROOT", f.goroot)
}

func (f *fakeGo) path() string {
	return filepath.Join(f.goroot, "bin") + string(os.PathListSeparator) + os.Getenv("PATH")
}

// gate makes builds stop. passing waits for one to arrive, and open lets one pass.
func (f *fakeGo) gate() {
	f.t.Helper()
	for _, name := range []string{"started", "gate"} {
		if err := syscall.Mkfifo(filepath.Join(f.dir, name), 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fakeGo) arrived() {
	f.t.Helper()
	if _, err := os.ReadFile(filepath.Join(f.dir, "started")); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fakeGo) open() { f.t.Helper(); f.write("gate", "go\n") }

// builds returns how often go build ran.
func (f *fakeGo) builds() int {
	text, _ := os.ReadFile(filepath.Join(f.dir, "builds")) // absent before the first
	return strings.Count(string(text), "\n")
}

// left returns what lies in the cache besides locks.
func (f *fakeGo) left() (copies, tmp []string) {
	f.t.Helper()
	entries, err := os.ReadDir(filepath.Join(f.cache, "go"))
	if err != nil && !os.IsNotExist(err) {
		f.t.Fatal(err)
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, tmpPrefix):
			tmp = append(tmp, name)
		case e.IsDir():
			copies = append(copies, name)
		}
	}
	return copies, tmp
}

// fakePatches add one file.
func fakePatches(version string) patches {
	return patches{
		version:  version,
		packages: func(string) []string { return []string{"net"} },
		apply: func(goroot, _ string) error {
			return os.WriteFile(filepath.Join(goroot, "src/net/zdevserver_a.go"), []byte("package net\n"), 0o644)
		},
	}
}

func (f *fakeGo) ensure(version string, progress func(string, int, int)) (*Toolchain, error) {
	tc, err := ensure(f.t.Context(), Config{Cache: f.cache, Progress: progress}, fakePatches(version))
	if err == nil {
		f.t.Cleanup(func() { tc.Close() })
	}
	return tc, err
}

func (f *fakeGo) mustEnsure(version string) *Toolchain {
	f.t.Helper()
	tc, err := f.ensure(version, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return tc
}

// A helper is another process that needs the toolchain.
type helper struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
	stdin io.Closer
}

const helperCache = "DEVSERVER_TEST_ENSURE"

func TestMain(m *testing.M) {
	if cache := os.Getenv(helperCache); cache != "" {
		os.Exit(helperMain(cache))
	}
	code := m.Run()
	if dir, err := realCache(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// helperMain ensures the toolchain, tells its steps and its result, and keeps it until its standard input ends.
func helperMain(cache string) int {
	step := func(s string, _, _ int) { fmt.Println("step", s) }
	tc, err := ensure(context.Background(), Config{Cache: cache, Progress: step}, fakePatches("agent1"))
	if err != nil {
		fmt.Println("error", strings.ReplaceAll(err.Error(), "\n", " | "))
		return 1
	}
	fmt.Println("ready", tc.GOROOT)
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := tc.Close(); err != nil {
		return 1
	}
	return 0
}

// start runs a helper, below command when that is given.
func (f *fakeGo) start(command ...string) *helper {
	f.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		f.t.Fatal(err)
	}
	command = append(command, exe)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), helperCache+"="+f.cache, "PATH="+f.path(), "GOROOT="+f.goroot)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that a go command it leaves behind ends with the test
	out, err := cmd.StdoutPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	h := &helper{f.t, cmd, bufio.NewScanner(out), stdin}
	f.t.Cleanup(func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); cmd.Wait() })
	return h
}

// until returns the first line with the prefix.
func (h *helper) until(prefix string) string {
	h.t.Helper()
	for h.lines.Scan() {
		if line := h.lines.Text(); strings.HasPrefix(line, prefix) {
			return line
		} else if strings.HasPrefix(line, "error") {
			h.t.Fatalf("want %q: %s", prefix, line)
		}
	}
	h.t.Fatalf("the process ended before %q", prefix)
	return ""
}

// end ends the process in order.
func (h *helper) end() {
	h.t.Helper()
	h.stdin.Close()
	if err := h.cmd.Wait(); err != nil {
		h.t.Error(err)
	}
}
