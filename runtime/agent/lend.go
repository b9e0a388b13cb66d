package agent

// Lend notes that user code knows the number of a socket's descriptor: from now on its own system calls on it are
// judged. The number belongs to the socket until Unlend.
func (a *Agent) Lend(fd int, s *Socket) {
	if a.lentSocket(fd) == s {
		return
	}
	a.lentMu.Lock()
	defer a.lentMu.Unlock()
	a.lent[fd] = s
	machine.see(fd, true)
}

// Unlend forgets a descriptor that is about to be closed.
func (a *Agent) Unlend(fd int) {
	a.lentMu.Lock()
	defer a.lentMu.Unlock()
	delete(a.lent, fd)
	machine.see(fd, false)
}

// lentSocket returns the socket whose descriptor's number user code knows as fd, nil when there is none.
func (a *Agent) lentSocket(fd int) *Socket {
	a.lentMu.RLock()
	defer a.lentMu.RUnlock()
	return a.lent[fd]
}
