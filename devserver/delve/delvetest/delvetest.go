// Package delvetest finds or installs the Delve that tests talk to.
package delvetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// dlvVersion is installed where no dlv is found. It knows every Go that devserver supports.
const dlvVersion = "github.com/go-delve/delve/cmd/dlv@v1.27.2"

var (
	once sync.Once
	path string
	dir  string // to be removed; "": nothing was installed
	said string
)

// Dlv returns the path of dlv: that in PATH, else one that go install makes for this test binary. Where that cannot be, it
// skips the test with a word, or fails it with CI=true.
func Dlv(t testing.TB) string {
	t.Helper()
	once.Do(install)
	if path != "" {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("dlv is missing: %s", said)
	}
	t.Skipf("dlv is missing: %s", said)
	return ""
}

func install() {
	if found, err := exec.LookPath("dlv"); err == nil {
		path = found
		return
	}
	made, err := os.MkdirTemp("", "dlv")
	if err != nil {
		said = err.Error()
		return
	}
	dir = made
	cmd := exec.Command("go", "install", dlvVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		said = err.Error() + "\n" + string(out)
		return
	}
	path = filepath.Join(dir, "dlv")
}

// Clean removes what was installed. TestMain calls it after the tests.
func Clean() {
	if dir != "" {
		os.RemoveAll(dir)
	}
}
