package devserver

import (
	"slices"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// The words of builds.outcome.
const (
	buildOK        = "ok"
	buildFailed    = "failed"
	buildCanceled  = "canceled"  // a newer save came, or devserver was stopped
	buildUnchanged = "unchanged" // the program is the one that runs
)

// underWay is the build that the loop waits for.
type underWay struct {
	at    time.Time
	files []string
}

// recordBuild writes down how the build under way ended, and returns its id; 0 when that could not be written. A zero
// start is the moment it was asked for.
func (l *loop) recordBuild(outcome string, start time.Time, took time.Duration, errs ...string) int64 {
	if start.IsZero() {
		start, took = l.building.at, time.Since(l.building.at)
	}
	id, err := l.sup.db.AddBuild(record.Build{
		App: l.name, StartedAt: start.UnixNano(), DurationNS: int64(took), Outcome: outcome, Files: l.building.files, Errors: errs,
	})
	if err != nil {
		l.sup.notices.warnOnce("a build is not recorded: %v", err)
	}
	return id
}

// giveUp writes down that the build under way is given up, if there is one.
func (l *loop) giveUp() {
	if l.builder.busy {
		l.recordBuild(buildCanceled, time.Time{}, 0)
	}
}

// begin notes what the next build is for.
func (l *loop) begin() {
	l.giveUp()
	l.building = underWay{time.Now(), slices.Clone(l.pending)}
}
