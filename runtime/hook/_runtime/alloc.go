package runtime

import "unsafe"

// devserver_alloc returns n zeroed bytes without growing the caller's stack.
//
//go:linkname devserver_alloc
//go:nosplit
func devserver_alloc(n uintptr) (p unsafe.Pointer) {
	systemstack(func() { p = mallocgc(n, nil, true) })
	return p
}
