package build

import (
	"debug/dwarf"
	"debug/elf"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// TestLean: symbol table and DWARF are left out, but not for a debugger, nor against the user's word.
func TestLean(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("reads an ELF file")
	}
	for _, tt := range []struct {
		flags   []string
		debug   bool
		symbols bool
		dwarf   bool // of the app's own package
	}{
		{nil, false, false, false},
		{nil, true, true, true},
		{[]string{"-ldflags=-s=0"}, false, true, false},
		{[]string{"-ldflags=-s=0 -w=0"}, false, true, true},
		{[]string{"-ldflags=-X=main.version=1"}, false, false, false},
	} {
		r := request(t, hello, "hello", tt.flags...)
		r.Debug = tt.debug
		f, err := elf.Open(build(t, r).Binary)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		_, err = f.Symbols()
		if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
			t.Fatal(err)
		}
		if got := err == nil; got != tt.symbols {
			t.Errorf("built with %q, for a debugger %v: symbols are there: %v, want %v", tt.flags, tt.debug, got, tt.symbols)
		}
		if got := describes(t, f, "main.main"); got != tt.dwarf {
			t.Errorf("built with %q, for a debugger %v: DWARF of main.main is there: %v, want %v", tt.flags, tt.debug, got, tt.dwarf)
		}
	}
}

// describes tells whether the program's DWARF knows a function.
func describes(t *testing.T, f *elf.File, name string) bool {
	t.Helper()
	if f.Section(".debug_info") == nil && f.Section(".zdebug_info") == nil {
		return false
	}
	d, err := f.DWARF()
	if err != nil {
		t.Fatal(err)
	}
	for r := d.Reader(); ; {
		e, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			return false
		}
		if e.Tag == dwarf.TagSubprogram && e.Val(dwarf.AttrName) == name {
			return true
		}
	}
}

// TestLeanCode: the compiler is told of DWARF where the user has no word for it.
func TestLeanCode(t *testing.T) {
	t.Parallel()
	app := &project.App{Module: project.Module{Path: "example.com/m"}, Others: []project.Module{{Path: "example.com/lib"}, {}}}
	const both = "-gcflags=example.com/m/...=-dwarf=false -gcflags=example.com/lib/...=-dwarf=false"
	for _, tt := range []struct{ flags, want string }{
		{"", both},
		{"-race -ldflags=-X=main.version=1", both},
		{"-gcflags=all=-N", ""},
		{"-ldflags=-w=0", ""},
	} {
		if got := strings.Join(leanCode(app, strings.Fields(tt.flags)), " "); got != tt.want {
			t.Errorf("leanCode with %q = %q, want %q", tt.flags, got, tt.want)
		}
	}
}

// TestGenerous: the tools of a build do without garbage collection, unless the user has a word on it.
func TestGenerous(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ env, want string }{
		{"", "GOGC=off GOMEMLIMIT=1GiB"},
		{"GOGCFLAGS=x", "GOGC=off GOMEMLIMIT=1GiB"},
		{"GOGC=50", ""},
		{"GOMEMLIMIT=300MiB", ""},
	} {
		if got := strings.Join(generous([]string{"HOME=/", tt.env}), " "); got != tt.want {
			t.Errorf("generous(%q) = %q, want %q", tt.env, got, tt.want)
		}
	}
}
