package agent

import (
	"errors"
	"syscall"
)

// Descriptors that go to another process, or come from one.

// SendingRights judges a control message that goes out: a socket's descriptor in it would be another process's.
func (a *Agent) SendingRights(control []byte) error {
	for _, fd := range passed(control) {
		if s := a.lentSocket(fd); s != nil {
			if err := s.Dup(); err != nil {
				return err
			}
		}
	}
	return nil
}

// ReceivedRights judges the sockets that came in by a control message. When one is refused, all that came are closed.
func (a *Agent) ReceivedRights(control []byte) error {
	var errs []error
	fds := passed(control)
	for _, fd := range fds {
		if network := networkAt(fd); network != "" {
			_, err := a.adopt(fd, network)
			errs = append(errs, err)
		}
	}
	err := errors.Join(errs...)
	if err != nil {
		for _, fd := range fds {
			a.forget(fd)
			if s := a.lentSocket(fd); s != nil {
				a.Unlend(fd, s)
				s.Close()
			}
			syscall.Close(fd)
		}
	}
	return err
}

// passed returns the descriptors in a control message.
func passed(control []byte) (fds []int) {
	msgs, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return nil // the kernel refuses it, or has cut it off and closed what did not fit
	}
	for i := range msgs {
		if got, err := syscall.ParseUnixRights(&msgs[i]); err == nil {
			fds = append(fds, got...)
		}
	}
	return fds
}

// adopt takes over a descriptor that this program did not make.
func (a *Agent) adopt(fd int, network string) (*Socket, error) {
	s, err := a.Box.Adopt(network, localAddr(fd), peerAddr(fd), a.Origin())
	if err == nil && s != nil {
		a.own(fd, s)
	}
	return s, err
}

// leaving judges that a child process inherits a descriptor. It returns the errno of a denial, 0 for none.
func (a *Agent) leaving(fd int) uintptr {
	s := a.lentSocket(fd)
	if s == nil && a.isForeign(fd) {
		var err error
		if s, err = a.adopt(fd, networkAt(fd)); err != nil {
			return uintptr(errnoOf(err))
		}
	}
	if s == nil {
		return 0
	}
	return uintptr(errnoOf(s.Dup()))
}

func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	if err != nil && !errors.As(err, &errno) {
		return syscall.EACCES
	}
	return errno
}
