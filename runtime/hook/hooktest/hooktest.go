// Package hooktest finds the Go versions that a test of the patches runs on.
package hooktest

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Versions are the releases that every part of the patches is tested with, besides the go in PATH.
var Versions = []string{"go1.25.0", "go1.27.0"}

// Goroot returns the GOROOT of version, or of the go in PATH for "". A version that is not in the module cache is
// not downloaded: the test skips, or fails where CI=true.
func Goroot(tb testing.TB, version string) (dir, goVersion string) {
	tb.Helper()
	if version == "" {
		return goEnv(tb, "GOROOT"), goEnv(tb, "GOVERSION")
	}
	name := "toolchain@v0.0.1-" + version + "." + runtime.GOOS + "-" + runtime.GOARCH
	dir = filepath.Join(goEnv(tb, "GOMODCACHE"), "golang.org", name)
	if _, err := os.Stat(dir); err != nil {
		Missing(tb, version+" is not in the module cache; GOTOOLCHAIN="+version+" go version brings it")
	}
	return dir, version
}

// Missing skips a test that needs something this machine lacks, and fails it where CI=true.
func Missing(tb testing.TB, what string) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatal(what)
	}
	tb.Skip(what)
}

func goEnv(tb testing.TB, name string) string {
	tb.Helper()
	cmd := exec.Command("go", "env", name)
	cmd.Dir = tb.TempDir() // outside of any module: no go.mod chooses another Go
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("go env %s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}
