package build

import (
	"fmt"
	"strings"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// refused are the flags of go build that devserver has to give itself, and why.
var refused = map[string]string{
	"o":    "devserver keeps the program itself",
	"C":    "name the app's folder instead",
	"n":    "it builds nothing",
	"json": "devserver reads go build's text",
	"i":    "go build has no such flag any more",
}

// CheckFlags refuses build flags that cannot be passed through.
func CheckFlags(flags []string) error {
	for _, f := range flags {
		if !strings.HasPrefix(f, "-") {
			continue // the value of the flag before it; go build judges it
		}
		name, _, _ := strings.Cut(strings.TrimLeft(f, "-"), "=")
		if why, ok := refused[name]; ok {
			return fmt.Errorf("build flag %s: %s", f, why)
		}
	}
	return nil
}

// ldflags returns the linker's flags: the user's values in their order, and -w before each of them, so that the user's
// own word on DWARF still wins. A value may begin with a pattern of packages: all=-s.
func ldflags(values []string, debug bool) []string {
	var args []string
	if !debug {
		args = append(args, "-ldflags=-w")
	}
	for _, v := range values {
		v = strings.TrimSpace(v)
		pattern, flags, ok := strings.Cut(v, "=")
		switch {
		case debug:
			args = append(args, "-ldflags="+v)
		case v == "" || strings.HasPrefix(v, "-"):
			args = append(args, "-ldflags="+strings.TrimSpace("-w "+v))
		case ok:
			args = append(args, "-ldflags="+pattern+"="+strings.TrimSpace("-w "+flags))
		default:
			args = append(args, "-ldflags="+v) // wrong: go build says so
		}
	}
	return args
}

// plainCode returns the compiler's flags with which each variable and call of the user's modules is what it is in the source,
// as dlv debug builds them. All else stays optimized: it comes from the build cache, and the runtime's own code must.
func plainCode(app *project.App) []string {
	var args []string
	for _, m := range append([]project.Module{app.Module}, app.Others...) {
		if m.Path != "" {
			args = append(args, "-gcflags="+m.Path+"/...=-N -l")
		}
	}
	return args
}

// SplitFlags splits one --build-flags argument as GOFLAGS is split.
func SplitFlags(s string) ([]string, error) { return project.SplitFlags(s) }
