package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/devserver"
)

// runStory is a start of an app with what came of it.
type runStory struct {
	Run     countedRun       `json:"run"`
	Build   *devserver.Build `json:"build,omitempty"`
	Denials int64            `json:"denials"`
	Gaps    []devserver.Gap  `json:"gaps,omitempty"`
}

func lookRun(ctx context.Context, rec *devserver.Recording, id int64) (story, error) {
	rows, err := rec.SelectRuns(ctx, devserver.RunFilter{Before: id + 1, Limit: 1})
	if err == nil && (len(rows) == 0 || rows[0].ID != id) {
		err = devserver.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	counts, err := rec.RunCounts(ctx)
	if err != nil {
		return nil, err
	}
	s := &runStory{Run: countedRun{rows[0], counts[id]}}
	if b := s.Run.BuildID; b != 0 {
		builds, err := rec.Builds(ctx, devserver.BuildFilter{Before: b + 1, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(builds) > 0 && builds[0].ID == b {
			s.Build = &builds[0]
		}
	}
	denials, err := rec.Denials(ctx, devserver.EventFilter{RunID: id, Limit: -1})
	if err != nil {
		return nil, err
	}
	for _, d := range denials {
		s.Denials += d.Count
	}
	s.Gaps, err = rec.Gaps(ctx, id)
	return s, err
}

func (s *runStory) tell(w io.Writer) error {
	p := newPalette(w)
	r := &s.Run
	page := sheet{p: p}
	page.line("run %d  %s", r.ID, clean(r.App))
	page.row("started", dateTime(r.StartedAt))
	switch {
	case r.ReadyAt != 0:
		page.row("ready", "after "+took(max(r.ReadyAt-r.StartedAt, 1)))
	case r.EndedAt != 0:
		page.row("ready", "never")
	}
	page.row("ended", runEnd(r))
	if r.PID != 0 {
		page.row("pid", fmt.Sprint(r.PID))
	}
	page.row("profile", r.Profile)
	page.row("go", r.GoVersion)
	page.row("revision", r.Revision)
	page.row("build", s.build())
	if s.Build != nil {
		for _, f := range s.Build.Files {
			page.row("changed", f)
		}
	}
	page.row("did", fmt.Sprintf("%s, %s, %s", count(r.Requests, "request"), count(r.Sockets, "socket"), count(s.Denials, "denial")))
	if r.Requests+r.Sockets > 0 {
		page.row("list", fmt.Sprintf("devserver requests --run %d", r.ID))
		page.row("list", fmt.Sprintf("devserver sockets --run %d", r.ID))
	}
	for _, g := range s.Gaps {
		missing := "an unknown number of events"
		if g.Events > 0 {
			missing = count(g.Events, "event")
		}
		page.row("gap", fmt.Sprintf("%s: %s missing, %s", dateTime(g.At), missing, g.Reason))
	}
	if r.LastWords != "" {
		page.line("")
		page.line("Its last words:")
		for line := range strings.SplitSeq(strings.TrimRight(r.LastWords, "\n"), "\n") {
			page.line("%s", strings.TrimRight("  "+clean(strings.ReplaceAll(line, "\t", "    ")), " "))
		}
	}
	return page.write(w)
}

func (s *runStory) build() string {
	text := took(s.Run.BuildMS * int64(time.Millisecond))
	if s.Build == nil {
		return text
	}
	return both(fmt.Sprintf("%d, %s", s.Build.ID, s.Build.Outcome), " in ", text)
}

func runEnd(r *countedRun) string {
	if r.EndedAt == 0 {
		return "not yet"
	}
	return both(dateTime(r.EndedAt)+", after "+took(max(r.EndedAt-r.StartedAt, 1)), ": ", r.Exit)
}
