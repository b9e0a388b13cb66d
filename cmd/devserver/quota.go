package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newQuota() *cobra.Command {
	c := &cobra.Command{
		Use:   "quota",
		Short: "let the quotas of a running app start afresh",
		Long: `What an app has used of its quotas outlives reloads and restarts of devserver, as it does
in production. quota reset forgets it. What is used now: devserver quotas`,
		Example: `  devserver quota reset --app orders`,
		Args:    func(*cobra.Command, []string) error { return nil },
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("quota: say what: reset; \"devserver quotas\" shows what is used")
			}
			return usagef("quota: %q is unknown; there is reset, and \"devserver quotas\" shows what is used", args[0])
		},
	}
	c.AddCommand(newQuotaReset())
	return c
}

func newQuotaReset() *cobra.Command {
	var app, data string
	c := &cobra.Command{
		Use:   "reset",
		Short: "forget what was used of the quotas",
		Long: `reset forgets what the apps of a running devserver have used of their quotas, in the present
minute and the present day. Their workers see it at once.`,
		Example: `  devserver quota reset
  devserver quota reset --app orders`,
		Args: between(0, 0, "the app is a flag: --app NAME"),
		RunE: func(c *cobra.Command, _ []string) error {
			running, err := devserver.Find(data)
			if err != nil {
				return err
			}
			if err := runsApp(running, app); err != nil {
				return err
			}
			reset, err := running.ResetQuotas(c.Context(), app)
			if err != nil {
				return err
			}
			for _, name := range reset {
				fmt.Fprintf(c.OutOrStdout(), "%s has used nothing of its quotas now\n", clean(name))
			}
			return nil
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&app, "app", "", "only of the app `NAME`; all apps without it")
	f.StringVar(&data, "data", "", "the data directory `DIR` of the devserver that is meant")
	return c
}

// runsApp refuses the name of an app that does not run.
func runsApp(running *devserver.Instance, app string) error {
	var names []string
	for _, a := range running.Apps {
		names = append(names, a.Name)
	}
	if app == "" || slices.Contains(names, app) {
		return nil
	}
	return fmt.Errorf("no app %q runs; there are %s", app, strings.Join(names, ", "))
}
