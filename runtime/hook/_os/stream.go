//go:build unix || (js && wasm) || wasip1

package os

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
