package hook

import (
	"fmt"
	"go/version"
	"strconv"
	"strings"
)

// The minor versions of Go 1 whose standard library the table knows.
const oldest, newest = 25, 27

// Supported reports why a Go of this version (as `go env GOVERSION` prints it) cannot be patched, and what to do
// about it; nil when it can. Release candidates and vendors' builds count as their release.
func Supported(goVersion string) error {
	_, err := minor(goVersion)
	return err
}

// minor returns 26 for "go1.26.8", "go1.26rc1", "go1.26.8-vendor" and "go1.26.8 X:nodwarf5".
func minor(goVersion string) (int, error) {
	number, _, _ := strings.Cut(goVersion, " ")
	lang := version.Lang(number)
	n, err := strconv.Atoi(strings.TrimPrefix(lang, "go1."))
	name := "Go " + strings.TrimPrefix(goVersion, "go")
	const known = "Go 1.25, 1.26 and 1.27"
	switch {
	case strings.Contains(goVersion, "devel"):
		return 0, fmt.Errorf("%s is not supported: a development version changes daily, and devserver patches %s; set GOTOOLCHAIN=go1.27.0 or put a released go first in PATH", name, known)
	case lang == "" || err != nil:
		return 0, fmt.Errorf("%q is not a version of Go that devserver understands; it patches %s: set GOTOOLCHAIN=go1.27.0 or put another go first in PATH", goVersion, known)
	case n < oldest:
		return 0, fmt.Errorf("%s is not supported: devserver patches %s; install one of them, or raise the go line in go.mod", name, known)
	case n > newest:
		return 0, fmt.Errorf("%s is not supported yet: this devserver patches %s; update devserver, or run it with GOTOOLCHAIN=go1.27.0", name, known)
	}
	return n, nil
}

// holds reports whether Go 1.minor is among the versions of only, as in [Need].
func holds(only string, minor int) (bool, error) {
	for part := range strings.FieldsSeq(only) {
		op := strings.TrimRight(part, "0123456789.")
		n, err := strconv.Atoi(strings.TrimPrefix(part[len(op):], "1."))
		if err != nil {
			return false, fmt.Errorf("version constraint %q: want <1.27 or >=1.27, several separated by spaces", only)
		}
		switch {
		case op == "<" && minor < n, op == ">=" && minor >= n:
		case op == "<", op == ">=":
			return false, nil
		default:
			return false, fmt.Errorf("version constraint %q: %q is neither < nor >=", only, op)
		}
	}
	return true, nil
}
