package runtime

import "unsafe"

// devserverG is what a goroutine knows for the agent. It is a field of g.
type devserverG struct {
	origin  *devserverOrigin
	trusted int32 // above 0: inside package net's own work, whose system calls are not judged again
	noted   stack // where the stack lay when a system call arrived that is judged
}

// devserverOrigin says where a goroutine comes from. It is immutable: goroutines share it.
type devserverOrigin struct {
	request uint64 // the request whose goroutine tree this is; 0 none

	// stacks are those of the go statements that led here, the nearest first: physical return addresses. The first
	// element is not one of them: it is the number of frames to skip, as fpunwindExpand wants it.
	stacks [4][]uintptr
}

// devserverDepth is how many frames of a go statement's stack are kept, with the one that is none. Libraries put
// dozens of frames between a program's line and the goroutine that dials (middleware, interceptors, templates).
const devserverDepth = 65

// devserverOn is set once, before any user code runs.
var devserverOn bool

// newproc1 gives a new goroutine its origin. It runs on the system stack, where allocation is allowed
// (saveAncestors does the same) and the caller's frame pointer has just been saved.
func newproc1(fn *funcval, callergp *g, callerpc uintptr, parked bool, waitreason waitReason) *g {
	newg := devserverNewproc1(fn, callergp, callerpc, parked, waitreason)
	if devserverOn {
		newg.devserver.origin = devserverInherit(callergp)
		newg.devserver.trusted = 0
	}
	return newg
}

func devserverInherit(gp *g) *devserverOrigin {
	if gp.goid == 0 { // a scheduler's own stack: timers start their functions from there
		return nil
	}
	o := new(devserverOrigin)
	if up := gp.devserver.origin; up != nil {
		o.request = up.request
		copy(o.stacks[1:], up.stacks[:])
	}
	var pcs [devserverDepth]uintptr
	n := 1
	if tracefpunwindoff() || gp.m != nil && gp.m.hasCgoOnStack() {
		pcs[0] = logicalStackSentinel
		n += gcallers(gp, 0, pcs[1:])
	} else {
		n += fpTracebackPCs(unsafe.Pointer(gp.sched.bp), pcs[1:])
	}
	o.stacks[0] = make([]uintptr, n)
	copy(o.stacks[0], pcs[:])
	return o
}

//go:linkname devserver_enable internal/devserver/agent.enableOrigins
func devserver_enable() { devserverOn = true }

// devserver_request returns the request that led to the calling goroutine.
//
//go:linkname devserver_request internal/devserver/agent.currentRequest
func devserver_request() uint64 {
	if o := getg().devserver.origin; o != nil {
		return o.request
	}
	return 0
}

// devserver_swap makes the calling goroutine serve request id and returns its origin from before.
//
//go:linkname devserver_swap internal/devserver/agent.swapRequest
func devserver_swap(id uint64) unsafe.Pointer {
	gp := getg()
	old := gp.devserver.origin
	o := new(devserverOrigin)
	if old != nil {
		*o = *old
	}
	o.request = id
	gp.devserver.origin = o
	return unsafe.Pointer(old)
}

// devserver_restore puts an origin back that devserver_swap returned.
//
//go:linkname devserver_restore internal/devserver/agent.restoreOrigin
func devserver_restore(p unsafe.Pointer) {
	getg().devserver.origin = (*devserverOrigin)(p)
}

// devserver_stack fills pcs with the frames of the level-th go statement that led to the calling goroutine.
//
//go:linkname devserver_stack internal/devserver/agent.originStack
func devserver_stack(level int, pcs []uintptr) int {
	o := getg().devserver.origin
	if o == nil || level >= len(o.stacks) || o.stacks[level] == nil {
		return 0
	}
	return fpunwindExpand(pcs, o.stacks[level])
}

//go:linkname devserver_trust internal/devserver/agent.trust
//go:nosplit
func devserver_trust(delta int32) { getg().devserver.trusted += delta }

// devserver_setTrust sets the calling goroutine's trust and returns what it was.
//
//go:linkname devserver_setTrust internal/devserver/agent.setTrust
//go:nosplit
func devserver_setTrust(n int32) int32 {
	gp := getg()
	old := gp.devserver.trusted
	gp.devserver.trusted = n
	return old
}

//go:linkname devserver_trusted internal/devserver/agent.trusted
//go:nosplit
func devserver_trusted() bool { return getg().devserver.trusted > 0 }

// devserver_judged is for package syscall, which has no room for more calls.
//
//go:linkname devserver_judged internal/devserver/agent.judged
//go:nosplit
func devserver_judged() bool {
	gp := getg()
	gp.devserver.noted = gp.stack
	return gp.devserver.trusted <= 0
}

//go:linkname devserver_noted internal/devserver/agent.notedStack
//go:nosplit
func devserver_noted() (lo, hi uintptr) {
	s := getg().devserver.noted
	return s.lo, s.hi
}

// devserver_bounds returns where the calling goroutine's stack lies.
//
//go:linkname devserver_bounds internal/devserver/agent.stackBounds
//go:nosplit
func devserver_bounds() (lo, hi uintptr) {
	s := getg().stack
	return s.lo, s.hi
}

// A goroutine whose first function is in package runtime is a system goroutine: NumGoroutine, stack dumps
// and leak checks do not see it.
var devserverLoops [2]func()

//go:linkname devserver_loop internal/devserver/agent.startLoop
func devserver_loop(i int, f func()) {
	devserverLoops[i] = f
	if i == 0 {
		go devserverLoop0()
	} else {
		go devserverLoop1()
	}
}

func devserverLoop0() { devserverLoops[0]() }
func devserverLoop1() { devserverLoops[1]() }
