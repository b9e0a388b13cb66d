package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

// quotasEvery is how often followed quotas are read: as often as devserver writes them down.
const quotasEvery = time.Second

func newQuotas() *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use:   "quotas [flags]",
		Short: "what the apps used of production's quotas, and its price",
		Long: `quotas shows what each app has used of its quotas: in this minute, which is refilled every
60 seconds, and today, which ends at midnight Pacific time. A resource is "Limited" while
its minute is used up: calls that need it fail. Last comes what the bytes sent today would
cost in production. The numbers are devserver's of a second ago; when it does not run, of a
window that is over nothing is shown as used, and a line says of when the numbers are.

Lower limits of your own, to see what the app does without, stand in devserver.yaml:
  quotas: {connect: {per_minute: 5, per_day: 100}}

With --json each object is a window of a resource: app, resource, window, window_start and
window_end (ns since 1970), used, limit (below 0: unlimited), used_up; where the recording
tells of an older window only, last_start and last_used too. Quotas are counted by app: there
is no filter by run, request or host.

` + recordingHelp,
		Example: `  devserver quotas
  devserver quotas --follow --app orders
  devserver quotas --json | jq 'select(.used_up)'`,
		Args: between(0, 0, "what is shown are flags, see --help"),
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := l.file()
			if err != nil {
				return err
			}
			rec, err := devserver.OpenRecording(file)
			if err != nil {
				return err
			}
			defer rec.Close()
			return showQuotas(c, &l, rec, newSandboxClock(file))
		},
	}
	l.formFlags(c)
	l.placeFlags(c)
	return c
}

// showQuotas prints the quotas once, or again whenever they change until the command is asked to stop.
func showQuotas(c *cobra.Command, l *listing, rec *devserver.Recording, clock *sandboxClock) error {
	w := c.OutOrStdout()
	view := &quotaView{w: w}
	if isTerminal(w) {
		view.width = func() int { return columns(w.(*os.File)) }
	}
	show := view.show
	if l.json {
		show = quotaLines(w)
	}
	ticks := time.NewTicker(quotasEvery)
	defer ticks.Stop()
	for {
		now, offset := clock.now(c.Context())
		q, err := rec.Quotas(c.Context(), l.app, now)
		if err != nil {
			return err
		}
		if len(q.Rows) == 0 && !l.follow && !l.json {
			fmt.Fprintln(c.ErrOrStderr(), "devserver: the recording has no quotas yet; they are written once an app runs")
			return nil
		}
		if err := show(q, offset); err != nil || !l.follow {
			return err
		}
		select {
		case <-ticks.C:
		case <-c.Context().Done():
			return nil
		}
	}
}

// sandboxClock is the clock of the devserver that writes a recording: the machine's when none does.
type sandboxClock struct {
	running *devserver.Instance
	offset  time.Duration // as it was last told
}

func newSandboxClock(recording string) *sandboxClock {
	running, err := devserver.Find(filepath.Dir(recording))
	if err != nil {
		running = nil
	}
	return &sandboxClock{running: running}
}

// now is the time by that clock, and how far it is ahead. When devserver ends meanwhile, the clock goes on as it went.
func (s *sandboxClock) now(ctx context.Context) (time.Time, time.Duration) {
	if s.running != nil {
		if state, err := s.running.Clock(ctx); err == nil {
			s.offset = state.Offset
		}
	}
	return time.Now().Add(s.offset), s.offset
}
