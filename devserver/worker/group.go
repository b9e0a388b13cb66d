package worker

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// killGroup kills every process of the group that pid leads.
func killGroup(pid int) { unix.Kill(-pid, unix.SIGKILL) }

// awaitGroup waits until no process of the group is left. They are killed already; whoever inherited them reaps
// them, which may be a slow init: nothing depends on that, so the wait ends after a second.
func awaitGroup(pid int) {
	for range 200 {
		if errors.Is(unix.Kill(-pid, 0), unix.ESRCH) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// socketpair returns a connected pair: one end for this process, one for the program.
func socketpair(kind int) (ours *net.UnixConn, theirs *os.File, err error) {
	syscall.ForkLock.RLock() // no other child may inherit them; not every system has SOCK_CLOEXEC
	fds, err := unix.Socketpair(unix.AF_UNIX, kind, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "worker's end")
	end := os.NewFile(uintptr(fds[0]), "supervisor's end")
	defer end.Close() // FileConn has its own copy
	c, err := net.FileConn(end)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return c.(*net.UnixConn), theirs, nil
}
