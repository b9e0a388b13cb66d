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
		Long: `A profile is a production platform's socket rules: what it denies, its limits, and when it
reclaims an idle socket, each with its source. profiles lists the built-in ones; with NAME
it prints that one as YAML. Such a file of your own, with "extends:" and what differs,
serves wherever a profile is asked for.`,
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
