package rules

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/porttest"
	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
)

// spawn runs a server until the test's end and returns once it has printed ready.
func spawn(t *testing.T, cmd *exec.Cmd, ready string, stop os.Signal) {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	err = cmd.Start()
	in.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(stop)
		cmd.Wait()
		out.Close()
	})
	var said strings.Builder
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fmt.Fprintln(&said, lines.Text())
		if strings.Contains(lines.Text(), ready) {
			go io.Copy(io.Discard, out) // a full pipe would stop the server
			return
		}
	}
	t.Fatalf("%s ended:\n%s", cmd.Path, said.String())
}

// redis starts a Redis server and returns its address.
func redis(t *testing.T) string {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		hooktest.Missing(t, "redis-server is not installed")
	}
	port := strconv.Itoa(porttest.Keep(t))
	cmd := exec.Command(bin, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no")
	cmd.Dir = t.TempDir()
	spawn(t, cmd, "Ready to accept connections", os.Kill)
	return "127.0.0.1:" + port
}

// postgres starts a PostgreSQL server, whose user app needs no password, and returns its address.
func postgres(t *testing.T) string {
	t.Helper()
	bin := newestPostgres(t)
	dir := t.TempDir()
	as := unprivileged(t, dir)
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "app", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, as
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	port := strconv.Itoa(porttest.Keep(t))
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "shared_buffers=16MB")
	cmd.Dir, cmd.SysProcAttr = dir, as
	spawn(t, cmd, "ready to accept connections", syscall.SIGQUIT)
	return "127.0.0.1:" + port
}

// newestPostgres returns the folder of PostgreSQL's programs, which Debian keeps out of PATH.
func newestPostgres(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		hooktest.Missing(t, "PostgreSQL's initdb is not installed")
	}
	slices.SortStableFunc(found, func(a, b string) int { return len(a) - len(b) }) // 9.6 before 15
	return filepath.Dir(found[len(found)-1])
}

// unprivileged gives dir to the user that a server which refuses to be root can run as.
func unprivileged(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
			t.Fatal(err)
		}
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	hooktest.Missing(t, "there is no user postgres or nobody to run a server as")
	return nil
}
