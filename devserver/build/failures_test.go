package build

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
)

// TestToolsWords: what each tool of a build complains of is taken apart: its place from the module's root, its message, and
// nothing of the tools' own affairs. Each want is a beginning of a complaint; none may be left over.
func TestToolsWords(t *testing.T) {
	t.Parallel()
	const (
		module = "-- go.mod --\nmodule example.com/m\n\ngo 1.25\n"
		empty  = "-- a/a.go --\npackage main\n\nfunc main() {}\n"
		calls  = "package main\n\nfunc f()\n\nfunc main() { f() }\n"
	)
	for _, tt := range []struct {
		name, archive string // the second is written over an app that builds
		flags         string
		want          []string
	}{
		{"go.mod, syntax", "-- go.mod --\nmodule example.com/m\n\ngo 1.25\n\nrequire foo\nbar baz\n", "",
			[]string{"go.mod:5: usage: require module/path v1.2.3", "go.mod:6: unknown directive: bar"}},
		{"go.mod, a later Go", "-- go.mod --\nmodule example.com/m\n\ngo 1.99\n", "", []string{"go.mod: requires go >= 1.99"}},
		{"missing modules", "-- a/a.go --\npackage main\nimport (\n\t_ \"github.com/nope/a\"\n\t_ \"github.com/nope/b\"\n)\nfunc main() {}\n", "",
			[]string{"a/a.go:3:2: no required module provides package github.com/nope/a; to add it:\ngo get github.com/nope/a", "a/a.go:4:2: no required module"}},
		{"missing go.sum entry", "-- go.mod --\nmodule example.com/m\n\ngo 1.25\n\nrequire github.com/gorilla/mux v1.8.1\n-- a/a.go --\npackage main\nimport _ \"github.com/gorilla/mux\"\nfunc main() {}\n", "",
			[]string{"a/a.go:2:8: missing go.sum entry for module providing package github.com/gorilla/mux"}},
		{"vendor folder out of date", "-- go.mod --\nmodule example.com/m\n\ngo 1.25\n\nrequire github.com/gorilla/mux v1.8.1\n-- vendor/modules.txt --\n", "",
			[]string{"go: inconsistent vendoring in "}},
		{"go.work, a missing module", "-- go.work --\ngo 1.25\n\nuse ./nowhere\n", "", []string{"go: cannot load module ../nowhere listed in go.work file"}},
		{"no such package of the standard library", "-- a/a.go --\npackage main\nimport _ \"net/htpt\"\nfunc main() {}\n", "", []string{"a/a.go:2:8: package net/htpt is not in std"}},
		{"embed without a match", "-- a/a.go --\npackage main\nimport _ \"example.com/m/lib\"\nfunc main() {}\n-- lib/l.go --\npackage lib\nimport _ \"embed\"\n//go:embed x.txt\nvar X string\n", "",
			[]string{"lib/l.go:3:12: pattern x.txt: no matching files found"}},
		{"internal package", "-- b/internal/x/x.go --\npackage x\n-- a/a.go --\npackage main\nimport _ \"example.com/m/b/internal/x\"\nfunc main() {}\n", "",
			[]string{"a/a.go:2:8: use of internal package example.com/m/b/internal/x not allowed"}},
		{"import cycle", "-- a/a.go --\npackage main\nimport _ \"example.com/m/b\"\nfunc main() {}\n-- b/b.go --\npackage b\nimport _ \"example.com/m/b/c\"\n-- b/c/c.go --\npackage c\nimport _ \"example.com/m/b\"\n", "",
			[]string{"package example.com/m/a\nimports example.com/m/b from a.go\nimports example.com/m/b/c from b.go\nimports example.com/m/b from c.go: import cycle not allowed"}},
		{"generics", "-- a/a.go --\npackage main\n\ntype N interface{ ~int | ~float64 }\n\nfunc Sum[T N](...T) (s T) { return }\n\nfunc main() { _ = Sum(\"a\") }\n", "",
			[]string{"a/a.go:7:22: string does not satisfy N"}},
		{"interface", "-- a/a.go --\npackage main\n\nimport \"io\"\n\ntype w int\n\nfunc (w) Write([]byte) int { return 0 }\n\nvar _ io.Writer = w(0)\n\nfunc main() {}\n", "",
			[]string{"a/a.go:9:19: cannot use w(0) (constant 0 of int type w) as io.Writer value in variable declaration: w does not implement io.Writer (wrong type for method Write)\nhave Write([]byte) int\nwant Write([]byte) (int, error)"}},
		{"another declaration", "-- a/a.go --\npackage main\n\nfunc main() {}\nfunc main() {}\n", "", []string{"a/a.go:4:6: main redeclared in this block\na/a.go:3:6: other declaration of main"}},
		{"too many", "-- a/a.go --\npackage main\n\nfunc main() {\n" + strings.Repeat("\tx()\n", 20) + "}\n", "",
			slicesOf(10, func(i int) string { return fmt.Sprintf("a/a.go:%d:2: undefined: x", i+4) })},
		{"language version", "-- go.mod --\nmodule example.com/m\n\ngo 1.20\n-- a/a.go --\npackage main\n\nfunc main() {\n\tfor range 3 {\n\t}\n}\n", "", []string{"a/a.go:4:12: cannot range over 3"}},
		{"a line directive", "-- a/a.go --\npackage main\n\n//line page.qtpl:10\nfunc main() { x() }\n", "", []string{"a/page.qtpl:10: undefined: x"}},
		{"linker", "-- a/a.go --\n" + calls + "-- a/x.s --\n", "", []string{"main.main: relocation target main.f not defined"}},
		{"assembler", "-- a/a.go --\n" + calls + "-- a/x.s --\nTEXT ·f(SB), 0, $0\n\tFOO AX\n\tRET\n", "", []string{"a/x.s:2: unrecognized instruction \"FOO\""}},
		{"unknown flag", "", "-nosuch", []string{"flag provided but not defined: -nosuch; look at --build-flags and GOFLAGS"}},
		{"unknown flag of the compiler", "", "-gcflags=-nosuch", []string{"flag provided but not defined: -nosuch; look at --build-flags and GOFLAGS"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var flags []string
			if tt.flags != "" {
				flags = []string{tt.flags}
			}
			r := request(t, module+empty, "a")
			r.Go.Flags = flags
			checkWords(t, r, tt.archive, tt.want)
		})
	}
}

// TestCgoWords: of the words of C compilers and linkers, those that name the mistake.
func TestCgoWords(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("gcc"); err != nil {
		hooktest.Missing(t, "gcc is not installed")
	}
	const start = "-- go.mod --\nmodule example.com/m\n\ngo 1.25\n-- a/a.go --\npackage main\n\nfunc main() {}\n"
	for _, tt := range []struct {
		name, archive string
		want          []string
	}{
		{"preamble", "-- a/a.go --\npackage main\n\n// int f(void) { return x; }\nimport \"C\"\n\nfunc main() { C.f() }\n",
			[]string{"a/a.go:3:23: 'x' undeclared (first use in this function)\n3 | // int f"}},
		{"unknown name", "-- a/a.go --\npackage main\n\n// int f(void) { return 1; }\nimport \"C\"\n\nfunc main() { C.g() }\n", []string{"a/a.go:6:15: could not determine what C.g refers to"}},
		{"C file", "-- a/a.go --\npackage main\n\n// int f(void);\nimport \"C\"\n\nfunc main() { C.f() }\n-- a/f.c --\nint f(void) {\n\treturn y;\n}\n",
			[]string{"a/f.c:2:"}},
		{"linker", "-- a/a.go --\npackage main\n\n// int f(void);\nimport \"C\"\n\nfunc main() { C.f() }\n", []string{"undefined reference to `f'"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request(t, start, "a")
			r.Go.Env = append(r.Go.Env, "LC_ALL=C", "CGO_ENABLED=1")
			checkWords(t, r, tt.archive, tt.want)
		})
	}
}

// checkWords builds the app after a change that breaks it.
func checkWords(t *testing.T, r Request, archive string, want []string) {
	t.Helper()
	write(t, r.App.Module.Dir, archive)
	r.Go.Env = append(r.Go.Env, "GOTOOLCHAIN=local", "GOPROXY=off")
	_, err := Build(t.Context(), r)
	var f *Failure
	if !errors.As(err, &f) {
		t.Fatalf("Build: %v, want a Failure", err)
	}
	ok := len(f.Errors) == len(want)
	for i := range min(len(f.Errors), len(want)) {
		ok = ok && strings.HasPrefix(f.Errors[i].String(), want[i])
	}
	if !ok {
		t.Errorf("complaints:\n%v\nwant\n%s\nthe tools said\n%s", f.Errors, strings.Join(want, "\n"), f.Output)
	}
}

func slicesOf(n int, make func(i int) string) (all []string) {
	for i := range n {
		all = append(all, make(i))
	}
	return all
}

// TestAsidesOnly: words that are usually left out are all there is.
func TestAsidesOnly(t *testing.T) {
	t.Parallel()
	got := parse("# example.com/m\ncollect2: fatal error: ld terminated with signal 9 [Killed]\n", "/m")
	if len(got) != 1 || !strings.Contains(got[0].Message, "signal 9") {
		t.Errorf("parse = %q", got)
	}
}

// FuzzParse: whatever the tools say, complaints have words, and places are none or count from one.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"# example.com/m\n./a.go:4:2: undefined: x\n\thave y\n",
		"go: errors parsing ../go.mod:\n../go.mod:5: usage: require\n",
		"package example.com/m/a\n\ta.go:2:8: use of internal package\n",
		"flag provided but not defined: -x\nusage: go build\n  -a\n# y\n\tz\n",
		"a.go:99999999999999999999:1: far\n./f.c:1:1: note: n\ncgo: \n",
		"\tindented first\n\x00:1: \xff\n/x/gcc -m64\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range parse(text, "/m") {
			if e.Line < 0 || e.Column < 0 || e.File == "" && e.Line != 0 {
				t.Errorf("parse(%q) has %+v", text, e)
			}
			if e.File == "" && e.Message == "" {
				t.Errorf("parse(%q) has a complaint without words", text)
			}
		}
	})
}
