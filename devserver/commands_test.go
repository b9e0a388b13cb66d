package devserver

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestCommands: what a person at the terminal asks for is done, and told.
func TestCommands(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	commands := make(chan Command)
	s.opts.Commands = commands
	s.up()
	s.get("/keep")
	first := s.worker()
	commands <- AdvanceClock{2*time.Minute + time.Second}
	if m := waitFor[ClockMoved](s, nil); m.Offset != 2*time.Minute+time.Second || m.Reclaimed != 1 {
		t.Errorf("the clock moved: %+v, want 2m1s and one socket reclaimed", m)
	}
	commands <- Rebuild{} // nothing has changed: the program is the same, and starts anew
	if r := waitFor[AppReady](s, nil); r.Reload != 1 || r.Restarted || len(r.Files) > 0 {
		t.Errorf("asked to build, the app is ready as %+v, want reload 1", r)
	}
	if got := s.get("/"); got != "one 0" {
		t.Errorf("/ = %q", got)
	}
	if second := s.worker(); second == first {
		t.Errorf("the process is the one before: %d", second)
	}
	commands <- AdvanceClock{-time.Second}
	if w := waitFor[Warning](s, nil); w.Text != "the clock: the clock goes forward only; devserver clock reset takes it back to the machine's" {
		t.Errorf("a clock that goes back is told as %q", w.Text)
	}
	close(commands) // nobody is at the terminal any more
	if got := s.get("/"); got != "one 0" {
		t.Errorf("/ = %q", got)
	}
}

// TestRebuildFollows: pages load again after the rebuild that was asked for: what made a person ask is nothing that was seen.
func TestRebuildFollows(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	commands := make(chan Command)
	s.opts.Commands, s.opts.LiveReload = commands, true
	s.up()
	commands <- Rebuild{}
	waitFor[AppReady](s, nil)
	s.awaitPages("a rebuild", func(p pagesState) bool { return p.Version == 2 })
}

// pagesState is what open pages are told.
type pagesState struct{ Version, Assets, Styles int }

// awaitPages waits until open pages are told what match accepts.
func (s *site) awaitPages(after string, match func(pagesState) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", s.url+"/_devserver/live", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var state pagesState
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); !ok {
			continue
		} else if err := json.Unmarshal([]byte(text), &state); err != nil {
			s.t.Fatal(err)
		}
		if match(state) {
			return
		}
	}
	s.t.Errorf("pages are told only of %+v after %s", state, after)
}

// TestRebuildFails: where nothing is watched, a build that was asked for and fails while the app is down ends nothing: the
// program before starts again, and the next build may be asked for.
func TestRebuildFails(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	commands := make(chan Command)
	s.opts.Commands, s.opts.NoReload = commands, true
	s.up()
	s.write("main.go", "package main\n\nfunc main() { x }\n")
	exit(t, s.url)
	waitFor[WorkerExited](s, nil)
	commands <- Rebuild{}
	waitFor[BuildFailed](s, nil)
	waitFor(s, func(r AppReady) bool { return r.Restarted })
	s.write("main.go", versionOf("two"))
	commands <- Rebuild{}
	waitFor[AppReady](s, nil)
	if got := s.get("/"); got != "two 0" {
		t.Errorf("/ = %q", got)
	}
}
