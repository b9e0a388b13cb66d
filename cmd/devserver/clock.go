package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newClock() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "clock",
		Short: "show or move the sandbox's clock: idle time passes at once",
		Long: `The rules that depend on time ask a clock that can be moved forward: the reclaim of idle
sockets, the API deadline, the minutes and days of quotas. The app's own clock, its timers
and its deadlines are never touched, and what is recorded carries real time.

clock shows where it stands and when the next minute and production's next day begin.`,
		Example: `  devserver clock
  devserver clock advance 2m1s
  devserver clock advance midnight
  devserver clock reset`,
		Args: func(*cobra.Command, []string) error { return nil },
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("clock: %q is unknown; there are advance and reset, and clock alone shows it", args[0])
			}
			running, err := devserver.Find(data)
			if err != nil {
				return err
			}
			state, err := running.Clock(c.Context())
			if err != nil {
				return err
			}
			return showClock(c.OutOrStdout(), state.Offset, time.Now())
		},
	}
	c.AddCommand(newClockAdvance(&data), newClockReset(&data))
	for _, c := range append(c.Commands(), c) {
		c.Flags().StringVar(&data, "data", "", "the data directory `DIR` of the devserver that is meant")
	}
	return c
}

// showClock says where the clock stands while the machine's shows now.
func showClock(w io.Writer, ahead time.Duration, now time.Time) error {
	at := now.Add(ahead)
	s := sheet{p: newPalette(w)}
	if ahead == 0 {
		s.line("the clock is the machine's")
	} else {
		s.line("the clock is %s ahead of the machine's", exactly(ahead))
	}
	minute, midnight := devserver.Borders(at)
	s.row("here", at.Local().Format(time.DateTime))
	s.row("Pacific", devserver.InProduction(at).Format(time.DateTime)+", by which production's quotas are counted")
	s.row("minute", "ends in "+left(minute.Sub(at)))
	s.row("midnight", "in "+left(midnight.Sub(at))+", Pacific time")
	if ahead != 0 {
		s.row("back", "devserver clock reset")
	}
	return s.write(w)
}

// exactly writes how far the clock is ahead, to the millisecond.
func exactly(d time.Duration) string { return d.Round(time.Millisecond).String() }

func newClockAdvance(data *string) *cobra.Command {
	return &cobra.Command{
		Use:   "advance DURATION|minute|midnight",
		Short: "move it forward; returns when all that fell due is done",
		Long: `advance moves the sandbox's clock forward and returns when all that fell due is done and
recorded. Advances add up. How far:

  DURATION   so long: 90s, 2m1s, 24h. After two idle minutes and a second a socket is
             reclaimed.
  minute     to the next full minute: what was used of the quotas per minute is refilled,
             a resource that was "Limited" is not any more.
  midnight   to the next midnight Pacific time, by the sandbox's clock: production's day
             begins, and with it the quotas per day. It is 23 to 25 hours long where the
             clocks are changed.`,
		Example: `  devserver clock advance 2m1s
  devserver clock advance minute`,
		Args: between(1, 1, "a DURATION is wanted, such as 2m1s, or minute, or midnight"),
		RunE: func(c *cobra.Command, args []string) error {
			move, where, err := advanceBy(args[0])
			if err != nil {
				return err
			}
			running, err := devserver.Find(*data)
			if err != nil {
				return err
			}
			state, err := move(c.Context(), running)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "the clock is %s ahead%s; %s reclaimed\n", exactly(state.Offset), where, count(state.Reclaimed, "idle socket"))
			return err
		},
	}
}

// advanceBy reads how far the clock is to go. where says it of a border.
func advanceBy(text string) (move func(context.Context, *devserver.Instance) (devserver.ClockState, error), where string, err error) {
	switch text {
	case devserver.ToMinute:
		where = ", at the next full minute"
	case devserver.ToMidnight:
		where = ", at the next midnight Pacific time"
	default:
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, "", usagef("%q is no duration; write it as 90s, 2m1s or 24h, or say minute or midnight", text)
		}
		if d <= 0 {
			return nil, "", usagef("%q: the clock moves forward only; \"devserver clock reset\" sets it back", text)
		}
		return func(ctx context.Context, i *devserver.Instance) (devserver.ClockState, error) {
			return i.Advance(ctx, d)
		}, "", nil
	}
	return func(ctx context.Context, i *devserver.Instance) (devserver.ClockState, error) {
		return i.AdvanceTo(ctx, text)
	}, where, nil
}

func newClockReset(data *string) *cobra.Command {
	return &cobra.Command{
		Use:   "reset",
		Short: "set it back to the machine's",
		Long: `reset sets the sandbox's clock back to the machine's. What was reclaimed stays so, and what
was used in minutes and days that now lie in the future is forgotten.`,
		Example: `  devserver clock reset`,
		Args:    between(0, 0, "reset takes none"),
		RunE: func(c *cobra.Command, _ []string) error {
			running, err := devserver.Find(*data)
			if err != nil {
				return err
			}
			if _, err := running.ResetClock(c.Context()); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), "the clock is the machine's again")
			return err
		},
	}
}
