package toolchain

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
)

// The cache's place is to blame: it is full or read-only. Both are real, in a mount namespace of the test's own.
func TestCachePlace(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("unshare", "-Urm", "mount", "-t", "tmpfs", "none", t.TempDir()).CombinedOutput(); err != nil {
		hooktest.Missing(t, "no right to make a mount namespace: "+err.Error()+": "+string(out))
	}
	for _, tt := range []struct {
		name, options string
		want          []string
	}{
		{"full", "size=16k", []string{"no space left on device", "about 100 MB", Env}},
		{"read-only", "ro", []string{"read-only file system", "cannot write there", Env}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFakeGo(t)
			f.write("goroot/src/net/big.go", "package net // "+strings.Repeat("x", 1<<16))
			f.cache = t.TempDir()
			h := f.start("unshare", "-Urm", "sh", "-c", `mount -t tmpfs -o "$1" none "$2" && exec "$3"`, "sh", tt.options, f.cache)
			var line string
			for h.lines.Scan() {
				line = h.lines.Text()
			}
			for _, want := range append(tt.want, "error", f.cache+"/go") {
				if !strings.Contains(line, want) {
					t.Errorf("%q\ndoes not say %q", line, want)
				}
			}
		})
	}
}
