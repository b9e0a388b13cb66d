package agent

import (
	"bytes"
	"encoding/json"
	"os"
	"syscall"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// orphanGrace is how long an app whose supervisor is gone may take to end by itself.
const orphanGrace = time.Second

// obey carries out the supervisor's commands until it is gone, and then ends the process: a worker without its
// supervisor would hold its place unseen.
func (a *Agent) obey() {
	var pending []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := syscall.Read(a.cfg.ControlFD, buf)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		pending = append(pending, buf[:n]...)
		for {
			line, rest, ok := bytes.Cut(pending, []byte("\n"))
			if !ok {
				break
			}
			a.command(line)
			pending = rest
		}
	}
	endOrphan()
}

// endOrphan ends the process, and with it all that it has started in its group, as the supervisor would have done.
func endOrphan() {
	group := os.Getpid()
	if syscall.Getpgrp() == group { // under a debugger another leads the group, and ends with it
		group = -group
	}
	syscall.Kill(group, syscall.SIGTERM)
	time.Sleep(orphanGrace)
	syscall.Kill(group, syscall.SIGKILL)
}

func (a *Agent) command(line []byte) {
	var m wire.Message
	if err := json.Unmarshal(line, &m); err != nil {
		return // no id to answer to; the supervisor's own wait tells
	}
	done := wire.Message{Type: wire.Done, ID: m.ID}
	switch m.Type {
	case wire.Clock:
		a.Box.SetOffset(m.Offset)
	case wire.CloseSocket:
		if err := a.Box.CloseSocket(m.Socket, sandbox.ReasonConsole); err != nil {
			done.Error = err.Error()
		}
	default:
		done.Error = "unknown command " + m.Type
	}
	a.send(done)
}

// send writes one line to the supervisor. Without one it does nothing.
func (a *Agent) send(m wire.Message) {
	if a.cfg.ControlFD == 0 {
		return
	}
	text, err := json.Marshal(m)
	if err != nil {
		return
	}
	text = append(text, '\n')
	a.sendMu.Lock()
	defer a.sendMu.Unlock()
	for len(text) > 0 {
		n, err := syscall.Write(a.cfg.ControlFD, text)
		if err == syscall.EINTR || err == syscall.EAGAIN {
			continue
		}
		if err != nil {
			return
		}
		text = text[n:]
	}
}
