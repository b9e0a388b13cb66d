package agent

// Descriptors of the app's own listener whose number user code knows: it may accept with system calls of its own, as
// servers with an event loop do.

// OwnListener returns the listener of a descriptor that user code knows as fd, nil when it is another's.
func (a *Agent) OwnListener(fd int) *Listener {
	a.lentMu.RLock()
	defer a.lentMu.RUnlock()
	return a.owns[fd]
}

// Lend notes that user code knows l's descriptor as fd.
func (l *Listener) Lend(fd int) {
	l.a.lentMu.Lock()
	defer l.a.lentMu.Unlock()
	l.a.owns[fd] = l
	delete(l.a.lent, fd) // as Agent.Lend
	machine.see(fd, true)
}

// Unlend forgets the number, which is about to be free.
func (l *Listener) Unlend(fd int) {
	l.a.lentMu.Lock()
	defer l.a.lentMu.Unlock()
	if l.a.owns[fd] == l {
		delete(l.a.owns, fd)
		machine.see(fd, false)
	}
}

// closeListener says that what has the number fd is no descriptor of the own listener any more.
func (a *Agent) closeListener(fd int) {
	if l := a.OwnListener(fd); l != nil {
		l.Unlend(fd)
		l.Close()
	}
}
