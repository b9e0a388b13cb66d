package devserver

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// usage is what an app has used of its quotas, in a file that all its workers map.
type usage struct {
	*sandbox.Usage
	path string
	mem  []byte
}

// openUsage opens the usage in a file, and makes the file when there is none. What counts in it without a supervisor goes
// by the day that it was told last, and by days of 24 hours after that.
func openUsage(path string) (*usage, error) {
	mem, err := openPage(path, func(mem []byte) error { return sandbox.NewUsage(mem).Err() })
	if err != nil {
		return nil, fmt.Errorf("quota usage: %w", err)
	}
	u := &usage{sandbox.NewUsage(mem), path, mem}
	u.setDay(sandbox.Now())
	return u, nil
}

// begin forgets what the clock of a devserver that is gone has led to: it may have been moved, and was not taken back.
func (u *usage) begin() {
	u.SetLead(0)
	u.DropFuture(sandbox.Now())
}

// setDay says when production's day ends that holds now, by the sandbox's clock.
func (u *usage) setDay(now int64) {
	start, end := quotaDay(time.Unix(0, now))
	u.SetDay(start.UnixNano(), end.UnixNano())
}

func (u *usage) Close() error { return unix.Munmap(u.mem) }
