package worker

import (
	"errors"

	"golang.org/x/sys/unix"
)

// connSocketType keeps messages apart; darwin has no SOCK_SEQPACKET for unix sockets. Nothing tells of the other
// end's death here: the process's end does.
const connSocketType = unix.SOCK_DGRAM

// awaitExit waits until the process has ended and leaves it unreaped, so that its id stays its own.
func awaitExit(pid int) {
	kq, err := unix.Kqueue()
	if err != nil {
		return
	}
	defer unix.Close(kq)
	var change [1]unix.Kevent_t
	unix.SetKevent(&change[0], pid, unix.EVFILT_PROC, unix.EV_ADD)
	change[0].Fflags = unix.NOTE_EXIT
	for {
		_, err := unix.Kevent(kq, change[:], change[:], nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
