//go:build amd64 || arm64

package agent

import _ "unsafe" // for go:linkname

// Implemented in package syscall's added files.

func installCalls(f func(after bool, trap, fd, a2, a3 uintptr, addr []byte, n int, errno uintptr) (int, uintptr))
func seeDescriptor(fd int, on bool)

func init() {
	machine.calls = func(a *Agent) { installCalls(a.judgeCall) }
	machine.see = seeDescriptor
}
