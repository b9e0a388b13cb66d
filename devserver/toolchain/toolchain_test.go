package toolchain

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/hook"
)

func TestEnsure(t *testing.T) {
	f := newFakeGo(t)
	f.inPath()
	var steps []string
	tc, err := f.ensure("agent1", func(step string, done, total int) {
		if !slices.Contains(steps, step) {
			steps = append(steps, step)
		}
		if done > total {
			t.Errorf("%s: %d of %d", step, done, total)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"copying Go 1.26.8", "patching the standard library", "compiling the standard library"}; !slices.Equal(steps, want) {
		t.Errorf("steps %q, want %q", steps, want)
	}
	if tc.Original != f.goroot || tc.GoVersion != "go1.26.8" || tc.AgentVersion != "agent1" {
		t.Errorf("toolchain %+v", tc)
	}
	for _, tt := range []struct{ name, link string }{ // link "": a real file or folder
		{"src/net/net.go", ""}, {"src/net/http/http.go", ""}, {"src/net/zdevserver_a.go", ""}, {"src", ""}, {"pkg", ""}, {"VERSION", ""},
		{"src/cmd", "src/cmd"}, {"pkg/tool", "pkg/tool"}, {"bin", "bin"}, {"lib", "lib"},
	} {
		link, err := os.Readlink(filepath.Join(tc.GOROOT, tt.name))
		want := ""
		if tt.link != "" {
			want = filepath.Join(f.goroot, tt.link)
		}
		if link != want || want != "" && err != nil {
			t.Errorf("%s links to %q (%v), want %q", tt.name, link, err, want)
		}
		if _, err := os.Stat(filepath.Join(tc.GOROOT, tt.name)); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{".git", "pkg/linux_amd64"} {
		if _, err := os.Lstat(filepath.Join(tc.GOROOT, name)); err == nil {
			t.Errorf("%s is in the copy", name)
		}
	}
	from, _ := os.Stat(filepath.Join(f.goroot, "src/net/net.go"))
	to, err := os.Stat(filepath.Join(tc.GOROOT, "src/net/net.go"))
	if err != nil || !to.ModTime().Equal(from.ModTime()) || to.Mode().Perm()&0o600 != 0o600 {
		t.Errorf("net.go is %v of %v (%v), want it writable and of %v", to.Mode(), to.ModTime(), err, from.ModTime())
	}
	if info, err := os.Stat(filepath.Join(tc.GOROOT, "src/make.bash")); err != nil || info.Mode().Perm()&0o100 == 0 {
		t.Errorf("make.bash is no longer executable (%v)", err)
	}

	again := f.mustEnsure("agent1")
	if again.GOROOT != tc.GOROOT || f.builds() != 1 {
		t.Errorf("the second time: %s after %d builds, want %s after 1", again.GOROOT, f.builds(), tc.GOROOT)
	}
	if copies, tmp := f.left(); len(copies) != 1 || len(tmp) != 0 {
		t.Errorf("left %q and %q", copies, tmp)
	}
	if err := errors.Join(again.Close(), again.Close()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// In a shell that `devserver env` has set up, GOROOT is a copy already.
func TestEnsureInsideCopy(t *testing.T) {
	f := newFakeGo(t)
	f.inPath()
	tc := f.mustEnsure("agent1")
	text, err := os.ReadFile(filepath.Join(f.dir, "env.json"))
	if err != nil {
		t.Fatal(err)
	}
	f.write("env.json", strings.Replace(string(text), f.goroot, tc.GOROOT, 1))
	if again := f.mustEnsure("agent1"); again.GOROOT != tc.GOROOT || again.Original != f.goroot {
		t.Errorf("got %s of %s, want %s of %s", again.GOROOT, again.Original, tc.GOROOT, f.goroot)
	}
}

// A Go that was replaced where it stands, or a newer agent, gets a copy of its own.
func TestEnsureAnew(t *testing.T) {
	f := newFakeGo(t)
	f.inPath()
	dirs := []string{f.mustEnsure("agent1").GOROOT, f.mustEnsure("agent2").GOROOT}
	f.write("goroot/VERSION", "go1.26.8\ntime 2026-01-02T03:04:05Z\n")
	dirs = append(dirs, f.mustEnsure("agent2").GOROOT)
	slices.Sort(dirs)
	if len(slices.Compact(dirs)) != 3 {
		t.Errorf("copies %q, want three", dirs)
	}
}

// A copy that cannot be told whole is made again.
func TestEnsureDamaged(t *testing.T) {
	f := newFakeGo(t)
	f.inPath()
	tc := f.mustEnsure("agent1")
	tc.Close()
	if err := os.WriteFile(manifestPath(tc.GOROOT), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f.mustEnsure("agent1")
	if copies, tmp := f.left(); len(copies) != 1 || len(tmp) != 0 || f.builds() != 2 {
		t.Errorf("left %q and %q after %d builds", copies, tmp, f.builds())
	}
}

func TestEnv(t *testing.T) {
	tc := &Toolchain{GOROOT: "/copy"}
	for _, tt := range []struct{ base, want []string }{
		{nil, []string{"GOROOT=/copy", "GOTOOLCHAIN=local", "PATH=/copy/bin"}},
		{[]string{"PATH="}, []string{"GOROOT=/copy", "GOTOOLCHAIN=local", "PATH=/copy/bin"}},
		{[]string{"GOROOT=/go", "PATH=/a:/b", "GOFLAGS=-race", "GOTOOLCHAIN=go1.25.0", "A==b"},
			[]string{"GOFLAGS=-race", "A==b", "GOROOT=/copy", "GOTOOLCHAIN=local", "PATH=/copy/bin:/a:/b"}},
	} {
		if got := tc.Env(tt.base); !slices.Equal(got, tt.want) {
			t.Errorf("Env(%q) = %q, want %q", tt.base, got, tt.want)
		}
	}
	if tc.Go() != "/copy/bin/go" {
		t.Errorf("Go() = %s", tc.Go())
	}
}

func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	f := newFakeGo(t)
	f.gate()
	first := f.start()
	f.arrived()
	second := f.start()
	if line := second.until("step "); !strings.Contains(line, "waiting for another devserver") {
		t.Errorf("the second process says %q", line)
	}
	f.open()
	a, b := first.until("ready"), second.until("ready")
	if a != b || f.builds() != 1 {
		t.Errorf("%q and %q after %d builds, want the same after 1", a, b, f.builds())
	}
	first.end()
	second.end()
}

func TestKilledMaker(t *testing.T) {
	t.Parallel()
	f := newFakeGo(t)
	f.gate()
	first := f.start()
	f.arrived()
	second := f.start()
	second.until("step waiting")
	if _, tmp := f.left(); len(tmp) != 1 {
		t.Errorf("while the first makes the copy: %q", tmp)
	}
	if err := first.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f.open() // its go command, which it left behind
	f.arrived()
	if copies, tmp := f.left(); len(copies) != 0 || len(tmp) != 1 {
		t.Errorf("while the second makes it: %q and %q; want the first one's remains gone", copies, tmp)
	}
	f.open()
	second.until("ready")
	if copies, tmp := f.left(); len(copies) != 1 || len(tmp) != 0 || f.builds() != 2 {
		t.Errorf("left %q and %q after %d builds", copies, tmp, f.builds())
	}
	second.end()
}

func TestEnsureCancelled(t *testing.T) {
	f := newFakeGo(t)
	f.inPath()
	for _, during := range []string{"copying", "patching", "compiling"} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := ensure(ctx, Config{Cache: f.cache, Progress: func(step string, _, _ int) {
			if strings.HasPrefix(step, during) {
				cancel()
			}
		}}, fakePatches("agent1"))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled while %s: %v", during, err)
		}
		if copies, tmp := f.left(); len(copies)+len(tmp) != 0 {
			t.Errorf("cancelled while %s: left %q and %q", during, copies, tmp)
		}
		cancel()
	}
	f.mustEnsure("agent1")
}

// A waiting process can be cancelled as well.
func TestWaitCancelled(t *testing.T) {
	f := newFakeGo(t)
	f.inPath()
	f.gate()
	first := f.start()
	f.arrived()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := ensure(ctx, Config{Cache: f.cache, Progress: func(string, int, int) { cancel() }}, fakePatches("agent1"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	f.open()
	first.until("ready")
	first.end()
}

func TestEnsureErrors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		setup func(f *fakeGo)
		want  []string
	}{
		{"too old", func(f *fakeGo) { f.version("go1.24.1") }, []string{"Go 1.24.1 is not supported", "1.25, 1.26 and 1.27"}},
		{"too new", func(f *fakeGo) { f.version("go1.30") }, []string{"Go 1.30 is not supported yet", "update devserver"}},
		{"devel", func(f *fakeGo) { f.version("devel go1.28-abc") }, []string{"development version", "GOTOOLCHAIN=go1.27.0"}},
		{"go env fails", func(f *fakeGo) {
			f.write("env.status", "1")
			f.write("env.err", "go: go.mod requires go >= 1.99\n")
		}, []string{"go.mod requires go >= 1.99"}},
		{"go env babbles", func(f *fakeGo) { f.write("env.json", "hello") }, []string{`"hello"`, "Go's own go command"}},
		{"no sources", func(f *fakeGo) { os.RemoveAll(filepath.Join(f.goroot, "src")) }, []string{"has no sources"}},
		{"cache below a file", func(f *fakeGo) { f.write("file", ""); f.cache = filepath.Join(f.dir, "file", "cache") },
			[]string{"not a directory", "file/cache/go", "DEVSERVER_CACHE"}},
		{"does not compile", func(f *fakeGo) { f.write("build.status", "1"); f.write("build.err", "# net\nx.go:1: broken\n") },
			[]string{"Go 1.26.8 is not supported yet", "x.go:1: broken"}},
		{"own Go broken", func(f *fakeGo) {
			f.write("build.status", "1")
			f.write("original.status", "1")
			f.write("original.err", "cgo: no C compiler\n")
		}, []string{"even without patches", "no C compiler"}},
		{"build cache full", func(f *fakeGo) {
			f.write("build.status", "1")
			f.write("build.err", "write /gocache/x: no space left on device\n")
		}, []string{"no space left on device", "free some space", "GOCACHE (/gocache)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeGo(t)
			f.inPath()
			tt.setup(f)
			_, err := f.ensure("agent1", nil)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\ndoes not say %q", err, want)
				}
			}
			if tt.name == "cache below a file" {
				return
			}
			if copies, tmp := f.left(); len(copies)+len(tmp) != 0 {
				t.Errorf("left %q and %q", copies, tmp)
			}
		})
	}
}

// What the table does not expect comes out as it is, with the copy gone.
func TestEnsureUnfit(t *testing.T) {
	f := newFakeGo(t)
	f.inPath()
	_, err := Ensure(t.Context(), Config{Cache: f.cache}) // the real table on a net of one line
	if unfit := new(hook.UnfitError); !errors.As(err, &unfit) || !strings.Contains(err.Error(), "net.(*netFD).Read is gone") {
		t.Errorf("got %v", err)
	}
	if copies, tmp := f.left(); len(copies)+len(tmp) != 0 {
		t.Errorf("left %q and %q", copies, tmp)
	}
}

func TestNoGo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Ensure(t.Context(), Config{Cache: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "no go command in PATH") || !strings.Contains(err.Error(), "https://go.dev/dl") {
		t.Errorf("got %v", err)
	}
}

func TestCacheDir(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/xdg")
	t.Setenv("HOME", "/home/gopher")
	for _, tt := range []struct{ env, want string }{{"", "devserver"}, {"/elsewhere", "/elsewhere"}} {
		t.Setenv(Env, tt.env)
		if got, err := CacheDir(); err != nil || !strings.HasSuffix(got, tt.want) || !filepath.IsAbs(got) {
			t.Errorf("%s=%s: %s, %v", Env, tt.env, got, err)
		}
	}
	for _, name := range []string{Env, "XDG_CACHE_HOME", "HOME"} {
		t.Setenv(name, "")
	}
	if got, err := CacheDir(); err == nil || !strings.Contains(err.Error(), Env) {
		t.Errorf("without a home: %s, %v", got, err)
	}
}
