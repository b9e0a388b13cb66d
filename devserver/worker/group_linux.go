package worker

import (
	"errors"

	"golang.org/x/sys/unix"
)

// connSocketType keeps messages apart and tells of the other end's death.
const connSocketType = unix.SOCK_SEQPACKET

// awaitExit waits until the process has ended and leaves it unreaped, so that its id stays its own.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
