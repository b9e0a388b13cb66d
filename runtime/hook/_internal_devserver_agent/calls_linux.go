//go:build amd64 || arm64

package agent

import "unsafe"

// Implemented in package syscall's added files.

func installCalls(f func(after bool, state unsafe.Pointer, trap, fd, a2, a3 uintptr, data []byte, n int, errno uintptr) (unsafe.Pointer, int, uintptr))
func seeDescriptor(fd int, on bool)

func init() {
	machine.calls = func(a *Agent) {
		installCalls(func(after bool, state unsafe.Pointer, trap, fd, a2, a3 uintptr, data []byte, n int, errno uintptr) (unsafe.Pointer, int, uintptr) {
			// The judge's own system calls are not the program's.
			defer SetTrust(SetTrust(1))
			return a.judgeCall(after, state, trap, fd, a2, a3, data, n, errno)
		})
		a.findForeign()
	}
	machine.see = seeDescriptor
}
