package main

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// ttyGuard is a small process that gives a terminal its mode back when this one has died without doing so: killed, or by
// a panic in any goroutine. A shell alone waits in it.
type ttyGuard struct {
	cmd  *exec.Cmd
	line io.WriteCloser
}

// guardScript waits for a line, and puts the mode back when there comes an end instead.
const guardScript = `trap "" TTOU; read -r line || stty "$1" <&3 2>/dev/null`

// startTTYGuard remembers the terminal's mode. Where there is no stty, it returns nil, and nothing is guarded.
func startTTYGuard(tty *os.File) *ttyGuard {
	stty := exec.Command("stty", "-g")
	stty.Stdin = tty
	mode, err := stty.Output()
	if err != nil {
		return nil
	}
	g := &ttyGuard{cmd: exec.Command("sh", "-c", guardScript, "sh", strings.TrimSpace(string(mode)))}
	g.cmd.ExtraFiles = []*os.File{tty}
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // no key of the terminal reaches it
	if g.line, err = g.cmd.StdinPipe(); err != nil || g.cmd.Start() != nil {
		return nil
	}
	return g
}

// dismiss ends the guard, which leaves the terminal as it is.
func (g *ttyGuard) dismiss() {
	if g == nil {
		return
	}
	_, _ = io.WriteString(g.line, "over\n") // it fails where somebody has killed the guard
	_ = g.line.Close()
	_ = g.cmd.Wait()
}
