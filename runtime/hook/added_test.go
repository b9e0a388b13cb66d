package hook

import (
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestPaths(t *testing.T) {
	for _, tt := range []struct {
		into       func(string) string
		name, want string
	}{
		{wrapperPath, "_net/fd.go", "net/zdevserver_fd.go"},
		{wrapperPath, "_net/fd_linux.go", "net/zdevserver_fd_linux.go"},
		{wrapperPath, "_net_http/server.go", "net/http/zdevserver_server.go"},
		{wrapperPath, "_internal_poll/fd.go", "internal/poll/zdevserver_fd.go"},
		{wrapperPath, "_runtime/asm.s", "runtime/zdevserver_asm.s"},
		{wrapperPath, "_net/fd_test.go", ""},
		{wrapperPath, "_net/notes.md", ""},
		{wrapperPath, "hook.go", ""},
		{homePath, "agent/agent.go", "internal/devserver/agent/agent.go"},
		{homePath, "sandbox/rule.go", "internal/devserver/sandbox/rule.go"},
		{homePath, "agent/agent_test.go", ""},
		{homePath, "sandbox/source.go", ""},
		{homePath, "hook/hook.go", ""},
	} {
		if got := tt.into(tt.name); got != tt.want {
			t.Errorf("%s goes to %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMoved(t *testing.T) {
	const from = `package agent

import (
	"os"
	w "github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

const text = "github.com/seed-d81df0db/devserver/sandbox" // not an import
`
	want := strings.Replace(from, `w "github.com/seed-d81df0db/devserver/runtime/wire"`, `w "internal/devserver/wire"`, 1)
	want = strings.Replace(want, `	"github.com/seed-d81df0db/devserver/sandbox"`, `	"internal/devserver/sandbox"`, 1)
	if got, err := moved("agent.go", []byte(from)); string(got) != want || err != nil {
		t.Errorf("got\n%s\n%v, want\n%s", got, err, want)
	}
}

// What is added to the standard library imports nothing that stays outside of it.
func TestAddedImports(t *testing.T) {
	files, err := addedFiles()
	if err != nil {
		t.Fatal(err)
	}
	dirs := make(map[string]bool)
	for name := range files {
		dirs[path.Dir(name)] = true
	}
	for _, pkg := range []string{"agent", "journal", "wire", "sandbox"} {
		if !dirs[home+pkg] {
			t.Errorf("package %s is missing", pkg)
		}
	}
	for name, text := range files {
		if path.Ext(name) != ".go" {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range tree.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(p, "/")
			if rest, ours := strings.CutPrefix(p, home); strings.Contains(first, ".") || ours && !dirs[home+rest] {
				t.Errorf("%s imports %s, which the standard library does not have", name, p)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	v := Version()
	if len(v) != 12 || v != Version() {
		t.Errorf("Version() = %q, then %q", v, Version())
	}
}

// A file for a later Go is left out, and so is its package.
func TestAddedTo(t *testing.T) {
	for _, tt := range []struct {
		version string
		http2   bool // net/http/internal/http2 came with Go 1.27
	}{{"go1.25.0", false}, {"go1.26.8", false}, {"go1.27.0", true}} {
		all := Packages(tt.version)
		if got := slices.Contains(all, "net/http/internal/http2"); got != tt.http2 {
			t.Errorf("%s: http2 among the packages: %v, want %v", tt.version, got, tt.http2)
		}
		for _, pkg := range []string{"net", "net/http", "runtime", "syscall", home + "agent", home + "sandbox"} {
			if !slices.Contains(all, pkg) {
				t.Errorf("%s: %s is missing among the packages", tt.version, pkg)
			}
		}
	}
	if all := Packages("go1.30"); all != nil {
		t.Errorf("go1.30: %v", all)
	}
}
