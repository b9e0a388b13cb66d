package export_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/export"
	"github.com/seed-d81df0db/devserver/storage"
)

// fullDiskEnv names the folder on which this process, in a namespace of its own, shall mount a small disk.
const fullDiskEnv = "DEVSERVER_TEST_EXPORT_DISK"

func TestMain(m *testing.M) {
	if dir := os.Getenv(fullDiskEnv); dir != "" {
		if err := onSmallDisk(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// onSmallDisk exports to, and imports on, a disk that is too small: both say so and leave nothing.
func onSmallDisk(dir string) error {
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=1m"); err != nil {
		return err
	}
	path := filepath.Join(dir, "out.ndjson")
	err := export.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(make([]byte, 2<<20))
		return err
	})
	if !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(), "there is no room for "+path) {
		return fmt.Errorf("WriteFile on a full disk = %v", err)
	}
	var text bytes.Buffer
	fmt.Fprintln(&text, `{"devserver":"recording","version":1}`)
	for i := range 60_000 {
		fmt.Fprintf(&text, "{\"type\":\"log\",\"id\":%d,\"app\":\"shop\",\"at\":1,\"stream\":\"stdout\",\"text\":\"a line that takes some room\"}\n", i+1)
	}
	in, err := storage.NewImport(filepath.Join(dir, "again.db"))
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := export.Read(ctx, &text, in.Add); !errors.Is(err, storage.ErrFull) {
		return fmt.Errorf("import on a full disk = %v", err)
	}
	if err := in.Abort(); err != nil {
		return err
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		return fmt.Errorf("left are %v, %v", left, err)
	}
	return nil
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
