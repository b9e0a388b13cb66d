package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newClock() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "clock",
		Short: "move the sandbox's clock: idle time passes at once",
		Long: `The rules that depend on time, such as the reclaim of idle sockets, ask a clock that can be
moved forward. The app's own clock, its timers and its deadlines are never touched.`,
		Example: `  devserver clock advance 2m1s
  devserver clock reset`,
		Args: func(*cobra.Command, []string) error { return nil },
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("clock: say what: advance DURATION, or reset")
			}
			return usagef("clock: %q is unknown; there are advance DURATION and reset", args[0])
		},
	}
	c.AddCommand(newClockAdvance(&data), newClockReset(&data))
	for _, sub := range c.Commands() {
		sub.Flags().StringVar(&data, "data", "", "the data directory `DIR` of the devserver that is meant")
	}
	return c
}

func newClockAdvance(data *string) *cobra.Command {
	return &cobra.Command{
		Use:   "advance DURATION",
		Short: "move it forward; returns when all that fell due is done",
		Long: `advance moves the sandbox's clock forward by DURATION (90s, 2m1s, 24h). When it returns,
sockets that were idle for too long are reclaimed and recorded. Advances add up.`,
		Example: `  devserver clock advance 2m1s`,
		Args:    between(1, 1, "a DURATION is wanted, such as 2m1s"),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := time.ParseDuration(args[0])
			if err != nil {
				return usagef("%q is no duration; write it as 90s, 2m1s or 24h", args[0])
			}
			if d <= 0 {
				return usagef("%q: the clock moves forward only; \"devserver clock reset\" sets it back", args[0])
			}
			running, err := devserver.Find(*data)
			if err != nil {
				return err
			}
			state, err := running.Advance(c.Context(), d)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "the clock is %s ahead; %s reclaimed\n", state.Offset, count(state.Reclaimed, "idle socket"))
			return nil
		},
	}
}

func newClockReset(data *string) *cobra.Command {
	return &cobra.Command{
		Use:     "reset",
		Short:   "set it back to the machine's",
		Long:    "reset sets the sandbox's clock back to the machine's. What was reclaimed stays so.",
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
			fmt.Fprintln(c.OutOrStdout(), "the clock is the machine's again")
			return nil
		},
	}
}
