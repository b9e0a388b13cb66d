package build

import (
	"debug/elf"
	"errors"
	"runtime"
	"strings"
	"testing"
)

// TestLean: the symbol table is left out, but not for a debugger, nor against the user's word.
func TestLean(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("reads an ELF file")
	}
	for _, tt := range []struct {
		flags   []string
		debug   bool
		symbols bool
	}{
		{nil, false, false},
		{nil, true, true},
		{[]string{"-ldflags=-s=0"}, false, true},
		{[]string{"-ldflags=-X=main.version=1"}, false, false},
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
