//go:build linux && (amd64 || arm64)

package agent

import (
	"syscall"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// A listener that dup2 puts in its own place is open once.
func TestOwnListenerDuplicatedToItself(t *testing.T) {
	a, err := New(wire.Config{Version: wire.Version, Policy: sandbox.Policy{Profile: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	const fd = 1000
	a.listening = 1
	(&Listener{FD: fd, a: a, open: true}).Lend(fd)
	a.judgeCall(false, nil, sysDup2, fd, fd, 0, nil, 0, 0)
	a.judgeCall(true, nil, sysDup2, fd, fd, 0, nil, fd, 0)
	if a.OwnListener(fd) == nil {
		t.Error("the number is forgotten")
	}
	a.judgeCall(false, nil, syscall.SYS_CLOSE, fd, 0, 0, nil, 0, 0)
	if a.listening != 0 {
		t.Errorf("%d descriptors are open after the close", a.listening)
	}
}
