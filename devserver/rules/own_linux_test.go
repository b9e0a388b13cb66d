//go:build linux && (amd64 || arm64)

package rules

import (
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/porttest"
	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// ownPort is $PORT where nothing is bound to it: a supervisor hands the connections over.
const ownPort = 8080

// serving hires a program with an own listener, and returns the end from which it is handed connections.
func serving(t *testing.T, way string) (*worker, *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "connections"), os.NewFile(uintptr(fds[1]), "connections")
	t.Cleanup(func() { ours.Close() })
	defer theirs.Close()
	return hire(t, "probe", run{Args: []string{way, strconv.Itoa(ownPort)}, Files: []*os.File{theirs}, Config: func(c *wire.Config) {
		c.ConnFD, c.Port = 4, ownPort
	}}), ours
}

// A socket that is bound to $PORT stays so when it cannot listen yet.
func TestOwnPortAgain(t *testing.T) {
	t.Parallel()
	w, _ := serving(t, "patient")
	got := w.rest()
	wantLines(t, got, "bind: ok", "listen: address already in use [errno 98, OpError false]", "again: ok")
	if denied := got.of(sandbox.KindDeny); len(denied) != 0 {
		t.Errorf("denials %+v", denied)
	}
}

// Without a supervisor a socket that was to be bound to $PORT is the program's own for as long as it is no listener.
func TestOwnPortNoListener(t *testing.T) {
	t.Parallel()
	addr := echo(t)
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const inUse = "address already in use [errno 98, OpError false]"
	for port, want := range map[int][]string{
		taken.Addr().(*net.TCPAddr).Port: {"bind: " + inUse, "again: " + inUse},
		porttest.Keep(t):                 {"bind: ok", "again: invalid argument [errno 22, OpError false]"},
	} {
		got := start(t, "probe", run{Args: []string{"strayed", strconv.Itoa(port), addr}, Config: func(c *wire.Config) { c.Port = port }})
		wantLines(t, got, append(want, "connect: permission denied [errno 13, OpError false]")...)
		if denied := got.of(sandbox.KindDeny); len(denied) != 1 || denied[0].Rule != sandbox.RuleLoopback {
			t.Errorf("denials %+v, want one by the address", denied)
		}
	}
}

// A listener that is closed has no duplicate to give.
func TestOwnListenerOver(t *testing.T) {
	t.Parallel()
	w, _ := serving(t, "over")
	wantLines(t, w.rest(), "file: file tcp 127.0.0.1:8080: use of closed network connection")
}

// What has the number of a listener that was closed unseen is no listener.
func TestOwnListenerUnseen(t *testing.T) {
	t.Parallel()
	w, _ := serving(t, "unseen")
	wantLines(t, w.rest(), "closed true true", "connect: permission denied [errno 13, OpError false]")
}

// A blocked accept takes the next connection even when its listener is closed meanwhile, as the system's does.
func TestOwnListenerClosedMeanwhile(t *testing.T) {
	t.Parallel()
	w, conns := serving(t, "late")
	if line := w.line(); line != "close: ok" {
		t.Fatalf("printed %q", line)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := c.(*net.TCPConn).File()
	c.Close()
	if err != nil {
		t.Fatal(err)
	}
	text := `{"id": 1, "remote": "192.0.2.1:1234", "local": "127.0.0.1:8080"}`
	if err := syscall.Sendmsg(int(conns.Fd()), []byte(text), syscall.UnixRights(int(theirs.Fd())), nil, 0); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	if line := w.line(); line != "accept: ok" {
		t.Errorf("printed %q", line)
	}
	ours.SetReadDeadline(time.Now().Add(time.Minute))
	if b, err := io.ReadAll(io.LimitReader(ours, 1)); string(b) != "x" {
		t.Errorf("read %q, %v", b, err)
	}
	w.rest()
}
