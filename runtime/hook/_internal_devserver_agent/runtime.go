package agent

import "unsafe"

// Implemented in the added files of the packages runtime, syscall and os.

func enableOrigins()
func currentRequest() uint64
func swapRequest(id uint64) unsafe.Pointer
func restoreOrigin(p unsafe.Pointer)
func originStack(level int, pcs []uintptr) int
func trust(delta int32)
func setTrust(n int32) int32
func trusted() bool
func callers(pcs []uintptr) int
func expand(pc uintptr, pcs []uintptr) int
func startLoop(i int, f func())
func configPath() string
func installLeaving(f func(fd int) (errno uintptr))
func installOutput(f func(fd int, b []byte))

// Trust tells that the calling goroutine is inside package net's own work: its system calls have been judged.
func Trust() { trust(1) }

// Distrust ends what Trust began.
func Distrust() { trust(-1) }

// SetTrust sets how deep the calling goroutine is trusted, and returns how deep it was: 0 while user code is
// called back from package net.
func SetTrust(n int32) int32 { return setTrust(n) }

// Trusted reports whether the calling goroutine is inside package net's own work.
func Trusted() bool { return trusted() }

func init() {
	machine.enable, machine.loop = enableOrigins, startLoop
	machine.request, machine.swap, machine.restore, machine.stack = currentRequest, swapRequest, restoreOrigin, originStack
	machine.callers, machine.expand, machine.leaving = callers, expand, installLeaving
	machine.output = installOutput
	boot(configPath())
}
