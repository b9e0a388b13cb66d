//go:build linux && (amd64 || arm64)

package agent

import (
	"syscall"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// A call that began on one socket may end on another, which got the number meanwhile.
func TestOptionOfNewSocket(t *testing.T) {
	a, err := New(wire.Config{Version: wire.Version, Policy: sandbox.Policy{Profile: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	const fd = 1000
	call := func(after bool) (size int) {
		_, size, errno := a.judgeCall(after, nil, syscall.SYS_GETSOCKOPT, fd, syscall.SOL_SOCKET, syscall.SO_TYPE, make([]byte, 4), 0, 0)
		if errno != 0 {
			t.Fatal(syscall.Errno(errno))
		}
		return size
	}
	if size := call(false); size != notAnswered {
		t.Fatalf("answered with %d bytes", size)
	}
	s, err := a.Box.Socket("tcp4", sandbox.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	a.Lend(fd, s)
	call(true)
}
