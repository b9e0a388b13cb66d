package rules

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/devserver/toolchain"
	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// patched returns the patched copy of the go in PATH, in the user's own cache: it is what every run uses. Probe's go.mod
// lets it be any version that is supported.
var patched = sync.OnceValues(func() (*toolchain.Toolchain, error) {
	return toolchain.Ensure(context.Background(), toolchain.Config{Dir: filepath.Join("testdata", "probe")})
})

// programs are built once each.
var programs struct {
	sync.Mutex
	built map[string]func() (string, error)
}

// build returns the program below testdata/name, built under the rules. A folder with a go.mod of its own is built
// as that module.
func build(t testing.TB, name string, flags ...string) string {
	t.Helper()
	key := name + " " + strings.Join(flags, " ")
	programs.Lock()
	if programs.built == nil {
		programs.built = map[string]func() (string, error){}
	}
	once, ok := programs.built[key]
	if !ok {
		once = sync.OnceValues(func() (string, error) { return buildOnce(name, flags) })
		programs.built[key] = once
	}
	programs.Unlock()
	bin, err := once()
	if errors.Is(err, errModules) {
		hooktest.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// errModules says that the libraries of a program are neither in the module cache nor to be had.
var errModules = errors.New("its modules cannot be had")

func buildOnce(name string, flags []string) (string, error) {
	tc, err := patched()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(binaries, name+"-")
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join("testdata", name, "go.sum")); err == nil {
		get := exec.Command(tc.Go(), "mod", "download")
		get.Dir, get.Env = filepath.Join("testdata", name), tc.Env(os.Environ())
		if out, err := get.CombinedOutput(); err != nil {
			return "", &buildError{name, errModules, out}
		}
	}
	bin := filepath.Join(dir, name)
	cmd := exec.Command(tc.Go(), append(append([]string{"build", "-o", bin}, flags...), ".")...)
	cmd.Dir = filepath.Join("testdata", name)
	cmd.Env = tc.Env(os.Environ())
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", &buildError{name, err, out}
	}
	return bin, nil
}

type buildError struct {
	name string
	err  error
	out  []byte
}

func (e *buildError) Error() string {
	return "build " + e.name + ": " + e.err.Error() + "\n" + string(e.out)
}

func (e *buildError) Unwrap() error { return e.err }

var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "devserver-rules-")
	if err != nil {
		panic(err)
	}
	binaries = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A run is one start of a program.
type run struct {
	Profile  string // "" is appengine
	Change   func(*sandbox.Policy)
	Standins []sandbox.Standin
	Args     []string
	Env      []string
	Stdin    string
	Flags    []string // of go build
	Config   func(*wire.Config)
	Files    []*os.File // of a worker: its descriptors from 4 on
}

// A result is what a program printed, line by line, and what its journal holds.
type result struct {
	Lines  []string
	Events []sandbox.Event
	Stderr string
}

// start runs the program to its end.
func start(t *testing.T, name string, r run) result {
	t.Helper()
	bin := build(t, name, r.Flags...)
	cfg := configure(t, r)
	cmd := exec.Command(bin, r.Args...)
	cmd.Env = append(append(os.Environ(), wire.Env+"="+writeConfig(t, cfg)), r.Env...)
	cmd.Stdin = strings.NewReader(r.Stdin)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	watchdog := time.AfterFunc(3*time.Minute, func() { cmd.Process.Kill() })
	err := cmd.Run()
	watchdog.Stop()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, stdout.String(), stderr.String())
	}
	return result{lines(stdout.String()), events(t, cfg.JournalDir), stderr.String()}
}

func lines(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }

func configure(t testing.TB, r run) wire.Config {
	t.Helper()
	p, err := profile.Load(cmpOr(r.Profile, "appengine"))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := p.Policy()
	if err != nil {
		t.Fatal(err)
	}
	if r.Change != nil {
		r.Change(policy)
	}
	dir := t.TempDir()
	root, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	cfg := wire.Config{
		Version: wire.Version, App: "test", Run: 1, Policy: *policy, Standins: r.Standins,
		JournalDir: dir, Journal: "j", IDs: page(t, dir, "ids"), Usage: page(t, dir, "usage"), Root: root,
	}
	if r.Config != nil {
		r.Config(&cfg)
	}
	return cfg
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func page(t testing.TB, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeConfig(t testing.TB, cfg wire.Config) string {
	t.Helper()
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cfg.JournalDir, "agent.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// events returns all that the only journal of dir holds, its writer being gone.
func events(t *testing.T, dir string) []sandbox.Event {
	t.Helper()
	r, err := journal.Open(dir, "j", journal.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.WriterGone()
	var all []sandbox.Event
	batch := make([]sandbox.Event, 1000)
	for {
		n, err := r.Next(batch)
		all = append(all, batch[:n]...)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// of returns the events of one kind.
func (r result) of(k sandbox.Kind) (list []sandbox.Event) {
	for _, e := range r.Events {
		if e.Kind == k {
			list = append(list, e)
		}
	}
	return list
}
