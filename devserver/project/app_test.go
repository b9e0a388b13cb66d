package project

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// tree writes a txtar archive below a fresh folder and returns that folder, free of symbolic links.
func tree(t *testing.T, archive string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		file := filepath.Join(root, f.Name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func goCommand(flags ...string) Go {
	return Go{Tool: "go", Env: append(os.Environ(), "GOFLAGS=", "GOWORK="), Flags: flags}
}

func TestDiscoverForms(t *testing.T) {
	t.Parallel()
	const http = "import \"net/http\"\n"
	for _, tt := range []struct {
		name, source string
		want         Form
		line         int
	}{
		{"main", "package main\nfunc main() {}\n", FormMain, 0},
		{"var", "package a\n" + http + "var Handler http.Handler\n", FormVar, 3},
		{"var of another type", "package a\n" + http + "var Handler = http.NewServeMux()\n", FormVar, 3},
		{"var in a group", "package a\n" + http + "var (\n\tx, Handler = 1, http.NewServeMux()\n)\n", FormVar, 4},
		{"var of a function", "package a\n" + http + "var Handler = func(w http.ResponseWriter, r *http.Request) {}\n", FormFunc, 3},
		{"var of a function type", "package a\n" + http + "var Handler func(http.ResponseWriter, *http.Request) = f\nfunc f(http.ResponseWriter, *http.Request) {}\n", FormFunc, 3},
		{"make", "package a\n" + http + "func Handler() http.Handler { return nil }\n", FormMake, 3},
		{"func", "package a\n" + http + "func Handler(w http.ResponseWriter, r *http.Request) {}\n", FormFunc, 3},
		{"func, renamed import", "package a\nimport h \"net/http\"\nfunc Handler(w h.ResponseWriter, r *h.Request) {}\n", FormFunc, 3},
		{"func, dot import", "package a\nimport . \"net/http\"\nfunc Handler(w ResponseWriter, r *Request) {}\n", FormFunc, 3},
		{"func, aliases", "package a\n" + http + "type W = http.ResponseWriter\ntype R = *http.Request\nfunc Handler(w W, r R) {}\n", FormFunc, 5},
		{"default", "package a\n" + http + "func init() { http.HandleFunc(\"/\", nil) }\n", FormDefault, 0},
		{"method, not function", "package a\n" + http + "type T int\nfunc (T) Handler(int) {}\nvar _ http.Handler\n", FormDefault, 0},
		{"does not parse", "package a\nfunc {\n", FormUnknown, 0},
		{"no package clause", "pakage a\n", FormUnknown, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, "-- go.mod --\nmodule example.com/m\n-- guest/a.go --\n"+tt.source)
			a, err := Discover(t.Context(), goCommand(), filepath.Join(dir, "guest"))
			if err != nil {
				t.Fatalf("Discover: %v", err)
			}
			if a.Form != tt.want || a.Handler.Line != tt.line {
				t.Errorf("Discover = %q at line %d, want %q at line %d", a.Form, a.Handler.Line, tt.want, tt.line)
			}
			if a.Name != "guest" || a.Module.Path != "example.com/m" || a.Module.Dir != dir || a.ImportPath != "example.com/m/guest" {
				t.Errorf("Discover = %+v", a)
			}
		})
	}
}

func TestDiscoverRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, archive, dir, want string }{
		{"no folder", "", "ordres", "no such folder; name the folder of the app"},
		{"a file", "-- a/main.go --\npackage main", "a/main.go", "is a file; name its folder: "},
		{"a pattern", "", "...", "a pattern of packages cannot be run"},
		{"no go.mod", "-- a/main.go --\npackage main", "a", "no go.mod here or in a folder above; make one with: go mod init example.com/a"},
		{"bad go.mod", "-- a/go.mod --\nmodule m\nfoo bar\n-- a/main.go --\npackage main", "a", "go.mod:2: unknown directive: foo"},
		{"no Go files", "-- go.mod --\nmodule m\n-- a/readme --\n", "a", "no Go files here; name the folder of package main"},
		{"tests only", "-- go.mod --\nmodule m\n-- a/a_test.go --\npackage a", "a", "holds only tests"},
		{"excluded", "-- go.mod --\nmodule m\n-- a/a.go --\n//go:build never\n\npackage a", "a", "build constraints exclude all Go files (a.go)"},
		{"not of the workspace", "-- go.work --\ngo 1.25\nuse ./b\n-- b/go.mod --\nmodule b\n\ngo 1.25\n-- a/go.mod --\nmodule a\n-- a/a.go --\npackage main\nfunc main(){}", "a", "go work use"},
		{"nothing to serve", "-- go.mod --\nmodule m\n-- a/a.go --\npackage a", "a", "is not a program (package main) and has nothing to serve; write var Handler http.Handler"},
		{"Handler is a type", "-- go.mod --\nmodule m\n-- a/a.go --\npackage a\n\ntype Handler struct{}\n", "a", "a.go:3:6: Handler is a type; devserver serves var Handler http.Handler"},
		{"Handler is a constant", "-- go.mod --\nmodule m\n-- a/a.go --\npackage a\nconst Handler = 1\n", "a", "a.go:2:7: Handler is a constant"},
		{"Handler is a text", "-- go.mod --\nmodule m\n-- a/a.go --\npackage a\nvar Handler string\n", "a", "a.go:2:5: Handler is of type string"},
		{"Handler is a literal", "-- go.mod --\nmodule m\n-- a/a.go --\npackage a\nvar Handler = 5\n", "a", "a.go:2:5: Handler is the literal 5"},
		{"Handler of another framework", "-- go.mod --\nmodule m\n-- a/a.go --\npackage a\nimport \"os\"\nfunc Handler(f *os.File) {}\n", "a", "a.go:3:6: Handler is a function with 1 parameters"},
		{"Handler returns an error", "-- go.mod --\nmodule m\n-- a/a.go --\npackage a\nfunc Handler() error { return nil }\n", "a", "Handler is a function with 0 parameters and 1 results of other types"},
		{"Handler returns two", "-- go.mod --\nmodule m\n-- a/a.go --\npackage a\nimport \"net/http\"\nfunc Handler() (http.Handler, error) { return nil, nil }\n", "a", "0 parameters and 2 results"},
		{"Handler is generic", "-- go.mod --\nmodule m\n-- a/a.go --\npackage a\nfunc Handler[T any]() T { panic(0) }\n", "a", "Handler is a generic function"},
		{"bad app.yaml", "-- go.mod --\nmodule m\n-- a/a.go --\npackage main\nfunc main() {}\n-- a/app.yaml --\nruntime: go122\nenv_variables: [A]\n", "a", "app.yaml:2:16: env_variables wants keys with values"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, err := Discover(t.Context(), goCommand(), filepath.Join(tree(t, tt.archive), tt.dir))
			if err == nil {
				t.Fatalf("Discover = %+v, want an error with %q", a, tt.want)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Discover: %v\nwant %q in it", err, tt.want)
			}
		})
	}
}

func TestDiscoverWorkspace(t *testing.T) {
	t.Parallel()
	dir := tree(t, `
-- go.work --
go 1.25
use (
	./app
	./lib
)
-- app/go.mod --
module example.com/app

go 1.25

require example.com/far v0.0.0
replace example.com/far => ../far
-- app/web/main.go --
package main
import (
	_ "example.com/far"
	_ "example.com/lib"
)
func main() {}
-- app/web/app.yaml --
runtime: go122
instance_class: F2
env_variables:
  GREETING: hello
  DEBUG: yes
  CODE: 007
handlers:
- url: /static
  static_dir: static
  secure: always
-- lib/go.mod --
module example.com/lib

go 1.25
-- lib/lib.go --
package lib
-- far/go.mod --
module example.com/far

go 1.25
-- far/far.go --
package far
`)
	a, err := Discover(t.Context(), goCommand(), filepath.Join(dir, "app/web"))
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "app"); a.Module.Dir != want || a.GoWork != filepath.Join(dir, "go.work") {
		t.Errorf("module %q, workspace %q", a.Module.Dir, a.GoWork)
	}
	if got, want := strings.Join(a.UserPaths(), " "), dir+"/far "+dir+"/lib"; got != want {
		t.Errorf("UserPaths = %q, want %q", got, want)
	}
	y := a.YAML
	if y == nil || y.Runtime != "go122" || y.Env["GREETING"] != "hello" || y.Env["DEBUG"] != "yes" || y.Env["CODE"] != "007" {
		t.Errorf("app.yaml = %+v", y)
	}
	if len(y.Ignored) != 2 || y.Ignored[0].Key != "instance_class" || y.Ignored[1].Line != 10 || len(y.Handlers) != 1 {
		t.Errorf("ignored = %v", y.Ignored)
	}
}

// TestScanSeesTheFolderAsItIs: the form may change while devserver runs, and files of other systems or tags do not count.
func TestScanSeesTheFolderAsItIs(t *testing.T) {
	t.Parallel()
	dir := tree(t, `
-- go.mod --
module m

go 1.25
-- a.go --
package a
import "net/http"
var _ http.Handler
-- b_plan9.go --
package a
var Handler = 1
-- c.go --
//go:build extra
package a
import "net/http"
func Handler() http.Handler { return nil }
`)
	for _, tt := range []struct {
		flags []string
		want  Form
	}{{nil, FormDefault}, {[]string{"-tags", "extra"}, FormMake}, {[]string{"-tags=other,extra"}, FormMake}} {
		a, err := Discover(t.Context(), goCommand(tt.flags...), dir)
		if err != nil || a.Form != tt.want {
			t.Fatalf("Discover with %q = %q, %v, want %q", tt.flags, a.Form, err, tt.want)
		}
		os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a\nvar Handler = 1\n"), 0o644)
		var fe *FileError
		if _, _, _, err := a.Scan(); !errors.As(err, &fe) || fe.Line != 2 {
			t.Errorf("Scan after the change: %v", err)
		}
		os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a\nimport \"net/http\"\nvar _ http.Handler\n"), 0o644)
	}
}

// TestDiscoverThroughSymlink: the app lies in a module, the link to it does not.
func TestDiscoverThroughSymlink(t *testing.T) {
	t.Parallel()
	dir := tree(t, "-- m/go.mod --\nmodule m\n-- m/a/a.go --\npackage main\nfunc main() {}\n")
	if err := os.Symlink("m/a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	a, err := Discover(t.Context(), goCommand(), filepath.Join(dir, "link"))
	if err != nil || a.Dir != filepath.Join(dir, "m/a") || a.Form != FormMain {
		t.Errorf("Discover = %+v, %v", a, err)
	}
}

// TestHandlers: what is wrong with handlers of an app.yaml has its place, and what means nothing here is noted.
func TestHandlers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ yaml, wrong, ignored string }{
		{"handlers: {url: /}\n", ":1:11: handlers wants a list", ""},
		{"handlers:\n- static_dir: a\n", ":2:3: a handler wants url", ""},
		{"handlers:\n- {url: /, static_dir: a, static_files: b}\n", ":2:3: a handler has static_dir or static_files, not both", ""},
		{"handlers:\n- {url: /, static_files: b}\n", ":2:3: static_files wants upload", ""},
		{"handlers:\n- {url: /a, static_dir: a, expiration: soon}\n", `:2:40: handlers: expiration: "soon" is no time; write one such as 4d 5h`, ""},
		{"handlers:\n- {url: /a, static_dir: a, http_headers: {A: \"b\\nc\"}}\n", "http_headers: a header has one line", ""},
		{"default_expiration: [1d]\n", ":1:21: default_expiration wants a text", ""},
		{"handlers:\n- {url: /(?=a), static_dir: a}\n", "", `handlers: "/(?=a)", which Go does not read as a regular expression,`},
		{"handlers:\n- {url: /a, script: main.py, login: admin, auth_fail_action: redirect}\n", "", "handlers: login; handlers: auth_fail_action; handlers: script: main.py (the app answers)"},
		{"handlers:\n- {url: /.*, script: auto, secure: always, login: optional}\n", "", "handlers: secure: always, which redirects to https in production,"},
	} {
		dir := tree(t, "-- app.yaml --\n"+tt.yaml)
		y, err := LoadAppYAML(dir)
		if tt.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("%q: %v, want %s", tt.yaml, err, tt.wrong)
			}
			continue
		}
		var keys []string
		if err == nil {
			for _, i := range y.Ignored {
				keys = append(keys, i.Key)
			}
		}
		if got := strings.Join(keys, "; "); err != nil || got != tt.ignored {
			t.Errorf("%q: %v, ignored %s, want %s", tt.yaml, err, got, tt.ignored)
		}
	}
}
