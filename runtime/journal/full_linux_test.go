package journal

import (
	"os"
	"syscall"
	"testing"
)

// recordOnFullDisk has a small disk of its own, in a namespace that only this process sees.
func recordOnFullDisk(dir string) error {
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=1m"); err != nil {
		return err
	}
	return recordOnDisk(dir)
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	cmd := child("fulldisk", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}
	if err := cmd.Start(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("a full disk needs user namespaces: ", err)
		}
		t.Skip("a full disk needs user namespaces: ", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
