//go:build linux && (amd64 || arm64)

package agent

import (
	"os"
	"strconv"
	"syscall"
)

// Descriptors that come into the program, leave it, or get a second number.

// duplicating judges a call that gives a descriptor another number, or lets child processes have it.
func (a *Agent) duplicating(c *call) error {
	s, err := a.known(c, "")
	if s == nil || err != nil {
		return err
	}
	if c.trap == syscall.SYS_FCNTL {
		switch {
		case c.a2 == syscall.F_DUPFD, c.a2 == syscall.F_DUPFD_CLOEXEC:
		case c.a2 == syscall.F_SETFD && c.a3&syscall.FD_CLOEXEC == 0:
		default:
			return nil
		}
	}
	if err := s.Dup(); err != nil {
		return err
	}
	if (c.trap == sysDup2 || c.trap == syscall.SYS_DUP3) && c.a2 != c.fd {
		a.closing(int(c.a2)) // what had the number until now is closed by the call
	}
	return nil
}

// duplicated follows a descriptor to its second number.
func (a *Agent) duplicated(c *call, s *Socket) {
	if c.isDup() && c.err == 0 {
		a.Lend(c.n, s)
	}
}

// isDup reports whether a call gives a descriptor a second number.
func (c *call) isDup() bool {
	switch c.trap {
	case syscall.SYS_DUP, sysDup2, syscall.SYS_DUP3:
		return true
	case syscall.SYS_FCNTL:
		return c.a2 == syscall.F_DUPFD || c.a2 == syscall.F_DUPFD_CLOEXEC
	}
	return false
}

// paired judges the two ends that socketpair(2) has made, and tracks them, so that descriptors sent over them are seen.
// An error closes both.
func (a *Agent) paired(c *call) error {
	for _, fd := range []uintptr{c.a2, c.a3} {
		s, err := a.Box.Socket("unix", a.Origin())
		if err != nil {
			a.closing(int(c.a2)) // the first end, where only a quota refuses the second
			return err
		}
		a.own(int(fd), s)
	}
	return nil
}

// findForeign notes the sockets that this process was started with: what the program does with one is judged by the
// rule descriptor. Standard input, output and error are left alone, and what the supervisor has handed down.
func (a *Agent) findForeign() {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return // no /proc here: net.FileConn and its relatives are judged all the same
	}
	for _, name := range names {
		fd, err := strconv.Atoi(name.Name())
		if err != nil || fd <= 2 || fd == a.cfg.ControlFD || fd == a.cfg.ConnFD {
			continue
		}
		if networkAt(fd) != "" {
			a.lentMu.Lock()
			a.foreign[fd] = true
			a.lentMu.Unlock()
			machine.see(fd, true)
		}
	}
}
