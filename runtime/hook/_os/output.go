package os

import _ "unsafe" // for go:linkname

// devserverOutput is told what the program writes on its standard output (1) and standard error (2), before it is
// written: what has reached anybody is in the journal then. nil: nobody wants to know.
var devserverOutput func(fd int, b []byte)

//go:linkname devserver_installOutput internal/devserver/agent.installOutput
func devserver_installOutput(f func(fd int, b []byte)) { devserverOutput = f }

// Write is where fmt, log and log/slog arrive, and WriteString.
func (f *File) Write(b []byte) (n int, err error) {
	if devserverOutput != nil && f != nil {
		if fd := devserverStream(f.file); fd > 0 {
			devserverOutput(fd, b)
		}
	}
	return f.devserverWrite(b)
}

// devserverStream returns which of the standard streams f is, 0 for none. The race detector would take the number of
// the descriptor for the program's, should it close the file meanwhile.
//
//go:norace
func devserverStream(f *file) int {
	if f == nil || !f.stdoutOrErr {
		return 0
	}
	return max(f.pfd.Sysfd, 0)
}
