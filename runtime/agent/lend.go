package agent

import "syscall"

// own tracks a socket whose descriptor user code holds by its number. The sandbox ends it by a number that is the
// socket's still: this one may be closed by then, and another socket's.
func (a *Agent) own(fd int, s *Socket) {
	a.Lend(fd, s)
	s.SetCloser(func() { a.shutDown(s) })
}

// shutDown ends a socket by one of its numbers, whose close waits meanwhile. The close itself is the program's.
func (a *Agent) shutDown(s *Socket) {
	a.lentMu.RLock()
	defer a.lentMu.RUnlock()
	for fd, other := range a.lent {
		if other == s { // RawSyscall: this one is not the program's call
			syscall.RawSyscall(syscall.SYS_SHUTDOWN, uintptr(fd), syscall.SHUT_RDWR, 0)
			return
		}
	}
}

// Lend notes that user code knows the number of a socket's descriptor: from now on its own system calls on it are
// judged. The number belongs to the socket until Unlend.
func (a *Agent) Lend(fd int, s *Socket) {
	if a.lentSocket(fd) == s {
		return
	}
	a.closeListener(fd) // where no hook saw it, or the number were not free
	a.lentMu.Lock()
	defer a.lentMu.Unlock()
	a.lent[fd] = s
	delete(a.foreign, fd)
	machine.see(fd, true)
}

// Unlend forgets the descriptor of a socket, which is about to be closed. A number that is another socket's by now
// stays that one's.
func (a *Agent) Unlend(fd int, s *Socket) {
	a.lentMu.Lock()
	defer a.lentMu.Unlock()
	if a.lent[fd] == s {
		delete(a.lent, fd)
		machine.see(fd, false)
	}
}

// Kept reports whether user code keeps a socket that package net closes: it has a duplicate. The socket is its own then,
// until the last one is closed.
func (a *Agent) Kept(s *Socket) bool {
	if !a.isLent(s) {
		return false
	}
	s.SetCloser(func() { a.shutDown(s) })
	return true
}

// isLent reports whether user code knows a number of the socket's still.
func (a *Agent) isLent(s *Socket) bool {
	a.lentMu.RLock()
	defer a.lentMu.RUnlock()
	for _, other := range a.lent {
		if other == s {
			return true
		}
	}
	return false
}

// isForeign reports whether the process was started with a descriptor, and nobody has taken it over or closed it.
func (a *Agent) isForeign(fd int) bool {
	a.lentMu.RLock()
	defer a.lentMu.RUnlock()
	return a.foreign[fd]
}

// forget says that a descriptor that the process was started with is being closed.
func (a *Agent) forget(fd int) {
	a.lentMu.Lock()
	defer a.lentMu.Unlock()
	if a.foreign[fd] {
		delete(a.foreign, fd)
		machine.see(fd, false)
	}
}

// lentSocket returns the socket whose descriptor's number user code knows as fd, nil when there is none.
func (a *Agent) lentSocket(fd int) *Socket {
	a.lentMu.RLock()
	defer a.lentMu.RUnlock()
	return a.lent[fd]
}
