package build

import (
	"fmt"
	"slices"
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

// lean keeps what only debuggers read out of the program: DWARF, a quarter of a small build, and the symbol table, a
// tenth. Stack traces and profiles have a table of their own.
const lean = "-s -w"

// ldflags returns the linker's flags: the user's values in their order, and lean before each of them, so that the user's
// own word on DWARF (-w=0) and symbols (-s=0) still wins. A value may begin with a pattern of packages: all=-s.
func ldflags(values []string, debug bool) []string {
	var args []string
	if !debug {
		args = append(args, "-ldflags="+lean)
	}
	for _, v := range values {
		v = strings.TrimSpace(v)
		pattern, flags, ok := strings.Cut(v, "=")
		switch {
		case debug:
			args = append(args, "-ldflags="+v)
		case v == "" || strings.HasPrefix(v, "-"):
			args = append(args, "-ldflags="+strings.TrimSpace(lean+" "+v))
		case ok:
			args = append(args, "-ldflags="+pattern+"="+strings.TrimSpace(lean+" "+flags))
		default:
			args = append(args, "-ldflags="+v) // wrong: go build says so
		}
	}
	return args
}

// leanCode returns the compiler's flags that spare it the DWARF of the user's modules, which lean has the linker leave out. all are
// the user's flags: one for the compiler stays alone, and so does a word for the linker that may ask for DWARF. The standard
// library and other modules come from the build cache as they are.
func leanCode(app *project.App, all []string) []string {
	asks := func(v string) bool { return strings.Contains(v, "-w=") || strings.Contains(v, "-s=") }
	if len(project.FlagValues(all, "gcflags")) > 0 || slices.ContainsFunc(project.FlagValues(all, "ldflags"), asks) {
		return nil
	}
	return gcflags(app, "-dwarf=false")
}

// generous returns variables that spare the go command, compilers and linkers their garbage collection up to a size that
// most never reach. They live for a moment only. What env says of it is the user's, and stays.
func generous(env []string) []string {
	for _, e := range env {
		if strings.HasPrefix(e, "GOGC=") || strings.HasPrefix(e, "GOMEMLIMIT=") {
			return nil
		}
	}
	return []string{"GOGC=off", "GOMEMLIMIT=1GiB"}
}

// plainCode returns the compiler's flags with which each variable and call of the user's modules is what it is in the source,
// as dlv debug builds them. All else stays optimized: it comes from the build cache, and the runtime's own code must.
func plainCode(app *project.App) []string { return gcflags(app, "-N -l") }

// gcflags gives the compiler's flags to the packages of the app's own modules.
func gcflags(app *project.App, flags string) []string {
	var args []string
	for _, m := range append([]project.Module{app.Module}, app.Others...) {
		if m.Path != "" {
			args = append(args, "-gcflags="+m.Path+"/...="+flags)
		}
	}
	return args
}

// SplitFlags splits one --build-flags argument as GOFLAGS is split.
func SplitFlags(s string) ([]string, error) { return project.SplitFlags(s) }
