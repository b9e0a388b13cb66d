package watch

import (
	"time"

	"golang.org/x/sys/unix"
)

// Now is the clock that files get their times from: it goes on with each tick, and a file saved from now on has no earlier
// time. time.Now is ahead of it, by more than a tick where a virtual machine is held up.
func Now() time.Time {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &t) != nil {
		return time.Now().Add(-tick)
	}
	return time.Unix(t.Unix())
}
