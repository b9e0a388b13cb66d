package sandbox

import (
	"time"
	_ "unsafe" // for go:linkname
)

// A Clock tells the machine's time. It must not go backwards.
type Clock interface {
	Now() int64 // nanoseconds since 1970 UTC
}

// nanotime is the machine's monotonic time, also inside a bubble of testing/synctest, where time.Now is not.
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64

// epoch is when nanotime was 0, in nanoseconds since 1970.
var epoch = time.Now().UnixNano() - nanotime()

// Now is the machine's time in nanoseconds since 1970 UTC: the wall clock as it was at the start plus the monotonic
// time since, so that nobody who sets the machine's clock reclaims a socket.
func Now() int64 { return epoch + nanotime() }

type machineClock struct{}

func (machineClock) Now() int64 { return Now() }
