//go:build linux && (amd64 || arm64)

package agent

import "syscall"

func (c *call) isOption() bool {
	return c.trap == syscall.SYS_GETSOCKOPT || c.trap == syscall.SYS_SETSOCKOPT
}

// option judges a call that gets or sets an option, and records it once it is made. It returns the length of the value
// with which the sandbox answers in the system's place, notAnswered when it does not.
func (a *Agent) option(c *call, after bool) (size int, err error) {
	s, err := a.known(c, "")
	if s == nil || err != nil {
		return notAnswered, err
	}
	if after && c.state == nil { // it began on a socket that had the number before, and that nobody judged
		return 0, nil
	}
	if after {
		if c.err != 0 {
			err = c.err
		}
		s.EndOption(c.state.option, c.data, err)
		return 0, nil
	}
	answer, err := s.BeginOption(c.trap == syscall.SYS_SETSOCKOPT, int(c.a2), int(c.a3), c.data)
	if err != nil {
		return 0, err
	}
	c.state = &callState{option: answer}
	if !answer.Answered {
		return notAnswered, nil
	}
	return copy(c.data, answer.Value), nil
}
