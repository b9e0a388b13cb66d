package runtime

import "unsafe"

// devserver_callers fills pcs with the calling goroutine's return addresses. By frame pointers it takes a tenth of
// the time of Callers; what is inlined is told apart later, once for each address.
//
//go:linkname devserver_callers internal/devserver/agent.callers
func devserver_callers(pcs []uintptr) int {
	if tracefpunwindoff() || getg().m.hasCgoOnStack() {
		return callers(1, pcs)
	}
	return fpTracebackPCs(unsafe.Pointer(getfp()), pcs)
}

// devserver_expand fills pcs with the frames at a return address: the function there, and those it is inlined into.
//
//go:linkname devserver_expand internal/devserver/agent.expand
func devserver_expand(pc uintptr, pcs []uintptr) int {
	physical := [2]uintptr{0, pc} // 0 frames to skip
	return fpunwindExpand(pcs, physical[:])
}
