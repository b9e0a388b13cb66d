//go:build linux && (amd64 || arm64)

package rules

import (
	"errors"
	"strconv"
	"syscall"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

func TestSystemCalls(t *testing.T) {
	t.Parallel()
	addr := echo(t)
	denied := start(t, "probe", run{Args: []string{"connect", addr}})
	wantLines(t, denied, "socket: ok", "connect: permission denied [errno 13, OpError false]", "close: ok")
	allowed := start(t, "probe", run{Args: []string{"connect", addr}, Standins: []sandbox.Standin{{Local: addr}}})
	wantLines(t, allowed, "socket: ok", "connect: ok", "write 6 <nil>", "read 6 <nil>", "close: ok")
	if sent := allowed.of(sandbox.KindSend); len(sent) != 1 || sent[0].Bytes != 6 {
		t.Errorf("sends %+v, want one of 6 bytes", sent)
	}
	packets, other := echoUDP(t), echoUDP(t)
	const no = ": permission denied [errno 13, OpError false]"
	bound := start(t, "probe", run{Args: []string{"bind", packets, other}, Standins: []sandbox.Standin{{Local: packets}}})
	wantLines(t, bound, "bind 127.0.0.1"+no, "bind 0.0.0.0: ok", "sendto: ok", "sendmsg: ok", "recvfrom 4 <nil>", "recvfrom 6 <nil>",
		"sendto elsewhere"+no, "sendmsg elsewhere"+no, "raw socket"+no, "interfaces: ok")
	wantBytes(t, bound, 10, 10)
}

// TestOwnPortAlone: without a supervisor $PORT is an ordinary listener on loopback, by system calls too.
func TestOwnPortAlone(t *testing.T) {
	t.Parallel()
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	// Bound and not listened on: the number is nobody else's, and free for who shares it.
	err = errors.Join(syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1), syscall.Bind(fd, &syscall.SockaddrInet6{}))
	if err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := at.(*syscall.SockaddrInet6).Port
	got := start(t, "probe", run{Args: []string{"serve", strconv.Itoa(port)}, Config: func(c *wire.Config) { c.Port = port }})
	wantLines(t, got, "IPv4: ok", "127.0.0.1", "IPv6: ok", "::ffff:127.0.0.1", "one: ok", "127.0.0.1", "another: permission denied [errno 13, OpError false]")
	if denied := got.of(sandbox.KindDeny); len(denied) != 1 {
		t.Errorf("denials %+v, want that of the other port", denied)
	}
}

// The descriptor of a connection of package net is judged in the program's hands too, and each datagram once.
func TestLentDescriptor(t *testing.T) {
	t.Parallel()
	packets := echoUDP(t)
	denied := start(t, "probe", run{Args: []string{"control", packets}})
	const no = ": permission denied [errno 13, OpError false]"
	if len(denied.Lines) != 4 || denied.Lines[0] != "sendto inside"+no || denied.Lines[1] != "sendto after"+no || denied.Lines[3] != "close: ok" {
		t.Errorf("printed %q", denied.Lines)
	}
	if n := len(denied.of(sandbox.KindDeny)); n != 3 {
		t.Errorf("%d denials, want 3", n)
	}
	allowed := start(t, "probe", run{Args: []string{"control", packets}, Standins: []sandbox.Standin{{Local: packets}}})
	wantLines(t, allowed, "sendto inside: ok", "sendto after: ok", "writeto: ok", "close: ok")
	wantBytes(t, allowed, 12, 0)
}
