package storage

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// onSmallDisk gives this process a disk of its own, in a namespace that nobody else sees.
func onSmallDisk(dir string) error {
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=4m"); err != nil {
		return err
	}
	return writeToFullDisk(dir)
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fullDiskEnv+"="+t.TempDir())
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}
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
