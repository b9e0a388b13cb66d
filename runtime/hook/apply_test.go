package hook

import (
	"errors"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
)

// small is a standard library of a few lines.
const small = `
-- src/net/fd.go --
package net

type netFD struct {
	pfd poll.FD
	Dialer
	*sync.Mutex
}

type one struct{ a int }

var errClosed = poll.ErrClosed
var hook func(net, addr string) error

func (fd *netFD) Read(p []byte) (n int, err error) {
	return fd.Read(p) // a call of itself
}

func socket(ctx context.Context, f func(a, b int) error) (fd *netFD, err error) { return nil, nil }
-- src/net/splice_linux.go --
package net

func splice(c *netFD) (written int64, err error, handled bool) { return }
-- src/net/splice_stub.go --
//go:build !linux

package net

func splice(c *netFD) (int64, error, bool) { return 0, nil, false }
-- src/net/splice_windows.go --
package net

func Splice() {}
func (fd *netFD) Read() {} // another system's: left alone
-- src/net/fd_test.go --
package net

func socket() {}
-- src/syscall/syscall.go --
package syscall

func Syscall(a uintptr) uintptr
-- src/syscall/both_unix.go --
//go:build unix

package syscall

func shared() {}
-- src/twice/twice.go --
package twice

func f() {}
-- src/twice/twice_cgo.go --
//go:build cgo

package twice

func f() {}
`

func smallGoroot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range txtar.Parse([]byte(small)).Files {
		name := filepath.Join(root, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o444); err != nil { // as in the module cache
			t.Fatal(err)
		}
	}
	return root
}

func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestApply(t *testing.T) {
	t.Parallel()
	root := smallGoroot(t)
	want := tree(t, root)
	replace := func(name, old, new string) {
		if strings.Count(want[name], old) != 1 {
			t.Fatalf("%s: %q is not there once", name, old)
		}
		want[name] = strings.Replace(want[name], old, new, 1)
	}
	replace("src/net/fd.go", "*netFD) Read(", "*netFD) devserverRead(")
	replace("src/net/fd.go", "func socket(", "func devserverSocket(")
	replace("src/net/fd.go", "sync.Mutex\n}", "sync.Mutex\ndevserver devserverFD }")
	replace("src/net/fd.go", "struct{ a int }", "struct{ a int ; b int }")
	replace("src/net/splice_linux.go", "func splice(", "func devserverSplice(")
	replace("src/net/splice_stub.go", "func splice(", "func devserverSplice(")
	want["src/net/zdevserver_fd.go"] = "package net\n"
	want["src/internal/devserver/agent/agent.go"] = "package agent\n"

	err := set{
		patches: []Patch{
			{Package: "net", Func: "(*netFD).Read", Types: []string{"func([]byte) (int, error)"}, Name: "devserverRead"},
			{Package: "net", Func: "socket", Types: []string{"func()", "func(context.Context, func(int, int) error) (*netFD, error)"}, Name: "devserverSocket"},
			{Package: "net", Func: "splice", Types: []string{"func(*netFD) (int64, error, bool)"}, Name: "devserverSplice"},
			{Package: "net", Func: "later", Name: "devserverLater", Only: ">=1.27"},
		},
		fields: []Field{
			{Package: "net", Struct: "netFD", Decl: "devserver devserverFD"},
			{Package: "net", Struct: "one", Decl: "b int"},
		},
		needs: []Need{
			{Package: "net", Name: "netFD.pfd", Types: []string{"poll.FD"}},
			{Package: "net", Name: "netFD.Dialer", Types: []string{"Dialer"}},
			{Package: "net", Name: "netFD.Mutex", Types: []string{"*sync.Mutex"}},
			{Package: "net", Name: "errClosed"},
			{Package: "net", Name: "hook", Types: []string{"func(string, string) error"}},
			{Package: "net", Name: "netFD", Types: []string{"struct{}"}},
			{Package: "syscall", Name: "Syscall", Types: []string{"func(uintptr) uintptr"}},
		},
		added: map[string][]byte{
			"net/zdevserver_fd.go":              []byte("package net\n"),
			"internal/devserver/agent/agent.go": []byte("package agent\n"),
		},
	}.apply(root, "go1.26.8")
	if err != nil {
		t.Fatal(err)
	}
	got := tree(t, root)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s:\n%s\nwant\n%s", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
}

func TestApplyUnfit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		set  set
		want []string
	}{
		{set{patches: []Patch{{Package: "net", Func: "(*netFD).Read", Types: []string{"func() error", "func(int)"}, Name: "x"}}},
			[]string{"net.(*netFD).Read has changed: it is func([]byte) (int, error) (fd.go), not func() error or func(int)"}},
		{set{patches: []Patch{{Package: "net", Func: "(*netFD).readMsg", Name: "x"}}}, []string{"net.(*netFD).readMsg is gone"}},
		{set{patches: []Patch{{Package: "net", Func: "(netFD).Read", Name: "x"}}}, []string{"net.(netFD).Read is gone"}},
		{set{patches: []Patch{{Package: "net/quic", Func: "f", Name: "x"}, {Package: "net/quic", Func: "g", Name: "x"}}}, []string{"package net/quic is gone"}},
		{set{patches: []Patch{{Package: "syscall", Func: "Syscall", Name: "x"}}}, []string{"syscall.Syscall has no body in Go any more (syscall.go)"}},
		{set{patches: []Patch{{Package: "syscall", Func: "shared", Name: "x", GOOS: "linux"}}}, []string{"syscall.shared is for darwin too (both_unix.go)"}},
		{set{patches: []Patch{{Package: "net", Func: "splice", Name: "x", GOOS: "linux"}}}, nil},
		{set{patches: []Patch{{Package: "net", Func: "Splice", Name: "x"}}}, []string{"net.Splice is gone"}},
		{set{patches: []Patch{{Package: "twice", Func: "f", Name: "x"}}}, []string{
			"twice.f is declared 2 times for linux/amd64", "twice.f is declared 2 times for linux/arm64",
			"twice.f is declared 2 times for darwin/amd64", "twice.f is declared 2 times for darwin/arm64"}},
		{set{patches: []Patch{{Package: "net", Func: "socket", Name: "splice"}}}, []string{"net.splice exists already"}},
		{set{added: map[string][]byte{"net/quic/zdevserver_a.go": nil, "internal/devserver/agent/a.go": nil}}, []string{"package net/quic is gone"}},
		{set{fields: []Field{{Package: "net", Struct: "hook", Decl: "x int"}}},
			[]string{"net.hook has changed: it is func(string, string) error (fd.go), not struct"}},
		{set{fields: []Field{{Package: "net", Struct: "gone", Decl: "x int"}}, needs: []Need{{Package: "net", Name: "netFD.gone"}}},
			[]string{"net.gone is gone", "net.netFD.gone is gone"}},
		{set{needs: []Need{{Package: "net", Name: "netFD.pfd", Types: []string{"*poll.FD"}}}},
			[]string{"net.netFD.pfd has changed: it is poll.FD (fd.go), not *poll.FD"}},
		{set{needs: []Need{{Package: "net", Name: "errClosed", Types: []string{"error"}}}},
			[]string{"net.errClosed has changed: it is without a type (fd.go), not error"}},
	} {
		root := smallGoroot(t)
		before := tree(t, root)
		err := tt.set.apply(root, "go1.26.8")
		unfit := new(UnfitError)
		if tt.want == nil {
			if err != nil {
				t.Errorf("%+v: %v", tt.set, err)
			}
			continue
		}
		if !errors.As(err, &unfit) || !slices.Equal(unfit.Changes, tt.want) {
			t.Errorf("%+v:\n%v, want\n%q", tt.set, err, tt.want)
		} else if !strings.HasPrefix(err.Error(), "Go 1.26.8 is not supported yet: ") {
			t.Errorf("%v: does not name the version", err)
		}
		if !maps.Equal(before, tree(t, root)) {
			t.Errorf("%+v: the copy was changed", tt.set)
		}
	}
}

// A table with a mistake is an error of ours, not of the user's Go.
func TestApplyBadTable(t *testing.T) {
	t.Parallel()
	for _, s := range []set{
		{needs: []Need{{Package: "net", Name: "errClosed", Types: []string{"func("}}}},
		{needs: []Need{{Package: "net", Name: "errClosed", Only: "1.27"}}},
	} {
		err := s.apply(smallGoroot(t), "go1.26.8")
		if unfit := new(UnfitError); err == nil || errors.As(err, &unfit) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	if err := (set{}).apply(smallGoroot(t), "go1.30"); err == nil || !strings.HasPrefix(err.Error(), "Go 1.30 is not supported yet: ") {
		t.Errorf("go1.30: %v", err)
	}
}

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	root := smallGoroot(t)
	s := set{patches: []Patch{{Package: "net", Func: "socket", Name: "devserverSocket"}}, added: map[string][]byte{"net/zdevserver_a.go": []byte("package net\n")}}
	if err := s.apply(root, "go1.26.8"); err != nil {
		t.Fatal(err)
	}
	if err := s.apply(root, "go1.26.8"); err == nil {
		t.Error("a patched copy was patched again")
	}
	s.patches, s.added["net/zdevserver_a.go"] = nil, []byte("package net // newer\n")
	if err := s.apply(root, "go1.26.8"); err == nil || !strings.Contains(err.Error(), "patched before") {
		t.Errorf("an added file was overwritten: %v", err)
	}
}

// The table fits every Go that is supported, and changes nothing but names and closing braces.
func TestTable(t *testing.T) {
	t.Parallel()
	for _, p := range patches {
		if !token.IsIdentifier(p.Name) || p.GOOS != "" && otherSystem(p.GOOS) == "" {
			t.Errorf("%+v: bad name or GOOS", p)
		}
	}
	for _, version := range append([]string{""}, hooktest.Versions...) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			root, goVersion := hooktest.Goroot(t, version)
			dest := copyPackages(t, root, goVersion)
			if err := Apply(dest, goVersion); err != nil {
				t.Fatal(err)
			}
			for name, text := range tree(t, dest) {
				old, err := os.ReadFile(filepath.Join(root, name))
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil || strings.Count(string(old), "\n") != strings.Count(text, "\n") {
					t.Errorf("%s: lines moved (%v)", name, err)
				}
			}
		})
	}
}

// copyPackages copies the packages that are changed or asked for.
func copyPackages(t *testing.T, root, goVersion string) string {
	t.Helper()
	dest := t.TempDir()
	names := make(map[string]bool)
	for _, name := range Packages(goVersion) {
		names[name] = true
	}
	for _, f := range fields {
		names[f.Package] = true
	}
	for _, n := range needs {
		names[n.Package] = true
	}
	for name := range names {
		dir := filepath.Join("src", name)
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		if files == nil {
			continue
		}
		if err := os.MkdirAll(filepath.Join(dest, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dest, dir, filepath.Base(f)), text, 0o444); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dest
}
