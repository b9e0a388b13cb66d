package hook

import (
	"go/build/constraint"
	"slices"
	"strconv"
	"strings"
)

// A platform is one way to compile the standard library.
type platform struct {
	goos, goarch string
	cgo          bool
}

// platforms are those on which every patched function must exist exactly once.
var platforms = []platform{
	{"linux", "amd64", true}, {"linux", "amd64", false}, {"linux", "arm64", true}, {"linux", "arm64", false},
	{"darwin", "amd64", true}, {"darwin", "amd64", false}, {"darwin", "arm64", true}, {"darwin", "arm64", false},
}

// What go/build takes for an operating system or a processor in file names and build tags.
var (
	systems = strings.Fields("aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos")
	cpus    = strings.Fields("386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm")
)

// A buildRule says for what a file is compiled: its name's suffixes and its //go:build line.
type buildRule struct {
	goos, goarch string          // "" any
	expr         constraint.Expr // nil: always
	minor        int             // of the Go that compiles
}

// newBuildRule reads the rule from the file's name; expr comes from its //go:build line.
func newBuildRule(name string, expr constraint.Expr, minor int) buildRule {
	r := buildRule{expr: expr, minor: minor}
	parts := strings.Split(strings.TrimSuffix(name, ".go"), "_")[1:]
	if n := len(parts); n > 0 && slices.Contains(cpus, parts[n-1]) {
		r.goarch, parts = parts[n-1], parts[:n-1]
	}
	if n := len(parts); n > 0 && slices.Contains(systems, parts[n-1]) {
		r.goos = parts[n-1]
	}
	return r
}

// in reports whether the file is compiled for p without any further build tag.
func (r buildRule) in(p platform) bool {
	if r.goos != "" && r.goos != p.goos || r.goarch != "" && r.goarch != p.goarch {
		return false
	}
	return r.expr == nil || r.expr.Eval(func(tag string) bool {
		known, ok := r.known(tag, p.goos)
		return ok && known || tag == p.goarch || tag == "cgo" && p.cgo
	})
}

// can reports whether some processor and some build tags have the file compiled for goos.
func (r buildRule) can(goos string) bool {
	if r.goos != "" && r.goos != goos {
		return false
	}
	if r.expr == nil {
		return true
	}
	var free []string
	r.expr.Eval(func(tag string) bool {
		if _, ok := r.known(tag, goos); !ok && !slices.Contains(free, tag) {
			free = append(free, tag)
		}
		return false
	})
	if len(free) > 12 { // no file of Go has so many: rather rename too much than try all
		return true
	}
	for set := range 1 << len(free) {
		if r.expr.Eval(func(tag string) bool {
			known, ok := r.known(tag, goos)
			i := slices.Index(free, tag)
			return ok && known || i >= 0 && set>>i&1 == 1
		}) {
			return true
		}
	}
	return false
}

// known returns the value of a tag that goos and the Go version decide.
func (r buildRule) known(tag, goos string) (value, ok bool) {
	if n, err := strconv.Atoi(strings.TrimPrefix(tag, "go1.")); err == nil && strings.HasPrefix(tag, "go1.") {
		return n <= r.minor, true
	}
	switch {
	case slices.Contains(systems, tag):
		return tag == goos, true
	case tag == "unix", tag == "gc":
		return true, true
	case tag == "gccgo", tag == "ignore", tag == "compiler_bootstrap":
		return false, true
	}
	return false, false
}
