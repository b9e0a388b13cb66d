package devserver

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/storage"
)

// How much of the recording is kept where --keep does not say, and how often that is looked after.
const (
	defaultKeep = 2 << 30 // bytes
	keepEvery   = 15 * time.Second
)

// keep is how much of the recording is kept; 0 is no limit.
type keep struct {
	bytes int64
	age   time.Duration
}

// parseKeep reads the values of --keep: sizes, ages, or all. A later one of its kind counts.
func parseKeep(texts []string) (keep, error) {
	k := keep{bytes: defaultKeep}
	for _, text := range texts {
		if text == "all" {
			k = keep{}
		} else if age, ok := parseAge(text); ok {
			k.age = age
		} else if n, err := profile.ParseAmount(text, true); err == nil && n >= 1<<20 && strings.HasSuffix(text, "B") {
			k.bytes = n
		} else {
			return k, usagef("--keep: %q is neither a size (1MiB or more) nor an age (1m or more); write one such as 2GiB, 14d or 36h, or all", text)
		}
	}
	return k, nil
}

// parseAge reads a number of days, 14d, or a duration as Go writes it.
func parseAge(text string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n > 0 && n < math.MaxInt64/int(24*time.Hour)
	}
	age, err := time.ParseDuration(text)
	return age, err == nil && age >= time.Minute
}

// keepRecording removes what is too old or too much, at once and then every so often, until ctx ends.
func (s *supervisor) keepRecording(ctx context.Context, k keep) {
	if k == (keep{}) {
		return
	}
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		s.trim(ctx, k)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// trim removes what must go now, and says so when whole runs went.
func (s *supervisor) trim(ctx context.Context, k keep) {
	limits := storage.Keep{Bytes: k.bytes}
	if k.age > 0 {
		limits.Since = time.Now().Add(-k.age).UnixNano()
	}
	done, err := s.db.Trim(ctx, limits)
	if done.Runs > 0 {
		s.notices.tell(Trimmed{Runs: done.Runs, Events: done.Events, Keep: k.text()})
	}
	if done.Events > 0 {
		s.touch()
	}
	if err != nil && ctx.Err() == nil {
		s.notices.warnOnce("%v; the recording may grow past %s", err, k.text())
	}
}

// text says what is kept: 2 GiB and 14d.
func (k keep) text() string {
	var all []string
	if k.bytes > 0 {
		all = append(all, bytesText(k.bytes))
	}
	if k.age > 0 {
		age := k.age.String()
		if days := k.age / (24 * time.Hour); k.age == days*24*time.Hour {
			age = fmt.Sprintf("%dd", days)
		}
		all = append(all, age)
	}
	return strings.Join(all, " and ")
}
