package agent

import (
	"unsafe"

	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// output records what the program is about to write on its standard output (1) or standard error (2). What bypasses
// package os (print, a panic's words, child processes) reaches the supervisor by the pipe alone.
func (a *Agent) output(fd int, b []byte) {
	e := sandbox.Event{Kind: sandbox.KindStdout, At: a.Now(), Request: machine.request()}
	if fd == 2 {
		e.Kind = sandbox.KindStderr
	}
	for len(b) > 0 {
		n := min(len(b), journal.MaxString)
		e.Detail = unsafe.String(&b[0], n) // Record copies it
		a.journal.Record(e)
		b = b[n:]
	}
}
