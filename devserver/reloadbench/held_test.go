package reloadbench

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// holdings are what a devserver holds: where the system does not tell, descriptors are 0.
type holdings struct{ descriptors, files int }

// more tells whether h is more than before, with room for what comes and goes.
func (h holdings) more(before holdings) bool {
	return h.descriptors > before.descriptors+10 || h.files > before.files+3
}

func held(t *testing.T, c *contender) (h holdings) {
	t.Helper()
	if runtime.GOOS == "linux" {
		open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.pid))
		if err != nil {
			t.Fatal(err)
		}
		h.descriptors = len(open)
	}
	filepath.WalkDir(filepath.Join(c.dir, ".devserver"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() { // files go while they are counted
			h.files++
		}
		return nil
	})
	return h
}

// peak is the most bytes that a process has had in memory. Linux tells.
func peak(t *testing.T, pid int) (bytes int64) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(status), "VmHWM:")
	if !ok {
		t.Fatal("the system does not tell of the memory")
	}
	if _, err := fmt.Sscan(rest, &bytes); err != nil {
		t.Fatal(err)
	}
	return bytes << 10
}
