package main

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

// followEvery is how often a followed recording is asked for news: often enough to feel live, and an indexed
// query costs well under a millisecond.
const followEvery = 250 * time.Millisecond

// listing is what sockets, events, denials and quotas have in common: which recording, which rows, how they are shown.
type listing struct {
	recording, data string
	json, follow    bool
	app, host, rule string
	since           string
	request, run    int64
	limit           int
}

// flags adds the common flags to a command.
func (l *listing) flags(c *cobra.Command) {
	l.formFlags(c)
	l.filterFlags(c)
	f := c.Flags()
	f.Int64Var(&l.request, "request", 0, "only of the request with this `ID`")
	l.placeFlags(c)
}

// filterFlags select by what happened and when.
func (l *listing) filterFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&l.host, "host", "", "only with this `TEXT` in the host or the remote address")
	f.StringVar(&l.rule, "rule", "", "only those that `RULE` spoke about")
	f.Int64Var(&l.run, "run", 0, "only of the worker's run with this `ID`")
	l.newestFlags(c)
}

// newestFlags bound a listing to what is new.
func (l *listing) newestFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&l.since, "since", "", "only from this `TIME` on: 5m (ago), 14:30, 2026-01-31, or RFC 3339")
	f.IntVar(&l.limit, "limit", 200, "at most the newest `N`")
}

// formFlags are those of every listing: how it is shown, and of which app.
func (l *listing) formFlags(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&l.json, "json", false, "write one JSON object a line")
	f.BoolVar(&l.follow, "follow", false, "go on with what is new until interrupted")
	f.StringVar(&l.app, "app", "", "only of the app `NAME`")
}

// placeFlags name the recording.
func (l *listing) placeFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&l.recording, "recording", "", "read this recording.db `FILE`")
	f.StringVar(&l.data, "data", "", "the data directory `DIR` of the devserver that is meant")
}

// recordingHelp tells in help texts how the recording is found.
const recordingHelp = `The recording is that of the running devserver, or else the one in ./.devserver;
--data names another data directory, --recording a file.`

// open opens the recording that the flags name, once they make sense.
func (l *listing) open() (*devserver.Recording, error) {
	if l.rule != "" && !devserver.Rule(l.rule).Known() {
		return nil, usagef("--rule: there is no rule %q; \"devserver profiles appengine\" lists them", l.rule)
	}
	if l.limit < 1 {
		return nil, usagef("--limit: %d is not a number of rows", l.limit)
	}
	file, err := l.file()
	if err != nil {
		return nil, err
	}
	return devserver.OpenRecording(file)
}

func (l *listing) file() (string, error) {
	if l.recording != "" && l.data != "" {
		return "", usagef("--recording and --data name two recordings; give one of them")
	}
	if l.recording != "" {
		return l.recording, nil
	}
	running, err := devserver.Find(l.data)
	if err == nil {
		return running.Recording, nil
	}
	if !errors.Is(err, devserver.ErrNotRunning) {
		return "", err
	}
	left := filepath.Join(orDefault(l.data, ".devserver"), "recording.db")
	if _, err := os.Stat(left); err != nil {
		return "", errors.New("no devserver is running, and there is no " + left +
			"; start one with devserver run DIR, or name a recording with --recording FILE")
	}
	return left, nil
}

func orDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// sinceTime reads --since: a time of day, a date, a moment, or how long ago. 0 for "".
func sinceTime(s string, now time.Time) (int64, error) {
	if s == "" {
		return 0, nil
	}
	if ago, err := time.ParseDuration(strings.TrimPrefix(s, "-")); err == nil {
		return nanos(now.Add(-ago)), nil
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			y, m, d := now.Date()
			return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, now.Location()).UnixNano(), nil
		}
	}
	for _, layout := range []string{time.DateOnly, time.DateTime, time.RFC3339Nano} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return nanos(t), nil
		}
	}
	return 0, usagef("--since: %q is no time; write 5m (ago), 14:30, 2026-01-31, or 2026-01-31T14:30:00Z", s)
}

// nanos is t in a recording's time, nanoseconds since 1970 UTC, or the end of what that can tell where t lies beyond it.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}
