package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newProfiles() *cobra.Command {
	return &cobra.Command{
		Use:   "profiles [NAME]",
		Short: "list the production profiles, or print one",
		Long: `A profile is a production platform's socket rules: what it denies, its quotas, its API
deadline, and when it reclaims an idle socket, each with its source. profiles lists the
built-in ones; with NAME it prints that one as YAML, or that of a file.

A file of your own serves wherever a profile is asked for. It names what it extends and
what differs:

  extends: appengine
  billing: false                  # each socket is refused, as a free app's is
  rules: {listen: report}         # enforce, report (let through and told), off
  quotas: {connect: {per_minute: 5, per_day: 100}, bytes_sent: {per_minute: 1MiB}}
  reclaim: {idle: 30s}
  deadline: 60s

devserver.yaml takes the same keys without a file of their own. What is wrong in either is
told with its line and column. A rule by itself: devserver explain --rule RULE`,
		Example: `  devserver profiles
  devserver profiles appengine > mine.yaml
  devserver run --profile mine.yaml ./orders`,
		Args: between(0, 1, "one NAME is printed at a time"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return printProfile(c.OutOrStdout(), args[0])
			}
			t := newTable(c.OutOrStdout(), "NAME", "SUMMARY")
			for _, p := range devserver.Profiles() {
				t.add(cell{text: p.Name}, cell{text: p.Summary})
			}
			return t.flush()
		},
	}
}

func printProfile(w io.Writer, name string) error {
	text, err := devserver.ProfileText(name)
	if err != nil {
		return usagef("%w", err)
	}
	_, err = fmt.Fprint(w, text)
	return err
}
