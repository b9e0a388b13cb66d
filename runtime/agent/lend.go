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

// lentSocket returns the socket whose descriptor's number user code knows as fd, nil when there is none.
func (a *Agent) lentSocket(fd int) *Socket {
	a.lentMu.RLock()
	defer a.lentMu.RUnlock()
	return a.lent[fd]
}
