package project

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const currentApp = `
-- go.mod --
module example.com/m

go 1.25

require example.com/dep v1.0.0

replace example.com/dep => ./dep
-- a/main.go --
package main

import (
	"fmt"

	"example.com/dep"
)

func main() { fmt.Println(dep.Text, more) }
-- a/more.go --
package main

import "fmt"

var more = fmt.Sprint("more")
-- a/other.go --
//go:build other

package main
-- a/main_test.go --
package main
-- a/page.html --
-- dep/go.mod --
module example.com/dep

go 1.25
-- dep/dep.go --
package dep

const Text = "dep"
-- dep/asm.s --
-- unused/u.go --
package unused
`

// TestCurrent: after each edit, a yes means that the go command says the very same again; what it says a no to for no
// reason is in the table too.
func TestCurrent(t *testing.T) {
	t.Parallel()
	const remove = "remove"
	for _, tt := range []struct {
		name, file, text string
		want             bool
	}{
		{"nothing", "", "", true},
		{"a body", "dep/dep.go", "package dep\n\nconst Text = \"other\"\n", true},
		{"another package's", "unused/u.go", "package unused\n\nimport _ \"os\"\n", true},
		{"a page", "a/page.html", "x", true},
		{"a test's imports", "a/main_test.go", "package main\n\nimport _ \"os\"\n", true},
		{"an import more", "a/more.go", "package main\n\nimport (\n\t\"fmt\"\n\t_ \"os\"\n)\n\nvar more = fmt.Sprint(1)\n", false},
		{"an import that another file has", "a/more.go", "package main\n\nvar more = 1\n", true},
		{"an import less", "a/main.go", "package main\n\nfunc main() { println(more) }\n", false},
		{"embedded files", "dep/dep.go", "package dep\n\nimport _ \"embed\"\n\n//go:embed dep.go\nvar Text string\n", false},
		{"cgo", "dep/dep.go", "package dep\n\nimport \"C\"\n\nconst Text = 1\n", false},
		{"a constraint more", "a/more.go", "//go:build other\n\npackage main\n", false},
		{"a constraint less", "a/other.go", "package main\n", false},
		{"another package name", "dep/dep.go", "package dap\n\nconst Text = 1\n", false},
		{"what does not parse", "dep/dep.go", "pakage dep\n", false},
		{"a new file", "dep/new.go", "package dep\n", false},
		{"a new file of tests", "dep/new_test.go", "package dep\n", false},
		{"a new file in assembly", "dep/new.s", "", false},
		{"a new C file", "dep/new.c", "", false},
		{"a hidden file", "dep/_new.go", "package new\n", true},
		{"a removed file", "a/more.go", remove, false},
		{"a removed file in assembly", "dep/asm.s", remove, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := tree(t, currentApp)
			g := goCommand()
			a, err := Discover(t.Context(), g, filepath.Join(root, "a"))
			if err != nil {
				t.Fatal(err)
			}
			switch file := filepath.Join(root, tt.file); {
			case tt.text == remove:
				err = os.Remove(file)
			case tt.file != "":
				err = os.WriteFile(file, []byte(tt.text), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			got := a.Current(g, a.Packages)
			if got != tt.want {
				t.Errorf("Current = %v, want %v", got, tt.want)
			}
			if again, err := List(t.Context(), g, a.Dir); got && (err != nil || !reflect.DeepEqual(a.Packages, again)) {
				t.Errorf("Current says yes, but List (%v) says\n%+v\nafter\n%+v", err, again, a.Packages)
			}
		})
	}
}

// TestCurrentUnknown: a list with errors, an empty one and an overlay are never current.
func TestCurrentUnknown(t *testing.T) {
	t.Parallel()
	root := tree(t, strings.Replace(currentApp, "example.com/dep\"", "example.com/m/missing\"", 1))
	g := goCommand()
	a, err := Discover(t.Context(), g, filepath.Join(root, "a"))
	if err != nil {
		t.Fatal(err)
	}
	if a.Current(g, a.Packages) {
		t.Error("a list with a missing package is current")
	}
	if a.Current(g, nil) {
		t.Error("an empty list is current")
	}
	if a.Current(goCommand("-overlay=x.json"), a.Packages[:0]) {
		t.Error("with an overlay a list is current")
	}
}

// TestModules: each file that decides where packages come from counts, and that one is missing.
func TestModules(t *testing.T) {
	t.Parallel()
	root := tree(t, currentApp)
	a, err := Discover(t.Context(), goCommand(), filepath.Join(root, "a"))
	if err != nil {
		t.Fatal(err)
	}
	before := a.Modules(nil)
	for _, name := range []string{"go.mod", "go.sum", "vendor/modules.txt", "dep/go.mod", "dep/go.sum"} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		old, readErr := os.ReadFile(file)
		if err := os.WriteFile(file, append(old, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		after := a.Modules(nil)
		if after == before {
			t.Errorf("a change of %s is not seen", name)
		}
		if readErr != nil {
			os.WriteFile(file, nil, 0o644)
			if a.Modules(nil) == before {
				t.Errorf("an empty %s is as good as none", name)
			}
		}
		before = a.Modules(nil)
	}
}
