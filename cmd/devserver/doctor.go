package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newDoctor() *cobra.Command {
	var (
		o      devserver.DoctorOptions
		asJSON bool
	)
	c := &cobra.Command{
		Use:   "doctor [flags] [DIR]",
		Short: "what works here, what does not, and what to do about it",
		Long: `doctor looks at all that run needs for the app in DIR (this folder): the Go toolchain and
whether its patches fit, the cache directory, devserver.yaml with the profile it names, the
data directory, the ports. It changes nothing.

Exit status: 1 when something fails, 0 otherwise.`,
		Example: `  devserver doctor ./orders`,
		Args:    between(0, 1, "one DIR is looked at"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Dir = args[0]
			}
			checks := devserver.Doctor(c.Context(), o)
			if err := showChecks(c.OutOrStdout(), checks, asJSON); err != nil {
				return err
			}
			var failed []string
			for _, check := range checks {
				if check.State == "fail" {
					failed = append(failed, check.Name)
				}
			}
			if len(failed) > 0 {
				return fmt.Errorf("doctor: does not work: %s; see above for the way out", strings.Join(failed, ", "))
			}
			return nil
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&asJSON, "json", false, "write one JSON object a line")
	f.StringVar(&o.Config, "config", "", "look at this `FILE` instead of looking for a devserver.yaml")
	f.StringVar(&o.Data, "data", "", "data directory `DIR` (default .devserver in the app's folder)")
	f.StringVar(&o.Addr, "addr", "127.0.0.1:8080", "where the app would answer, `HOST:PORT`")
	f.StringVar(&o.Console, "console", "127.0.0.1:8000", "where the console would answer, `HOST:PORT`")
	return c
}

func showChecks(w io.Writer, checks []devserver.Check, asJSON bool) error {
	if asJSON {
		enc := lineWriter(w)
		for _, check := range checks {
			if err := enc.Encode(check); err != nil {
				return err
			}
		}
		return nil
	}
	p := newPalette(w)
	style := map[string]lipgloss.Style{"ok": p.ok, "warn": p.warn, "fail": p.bad}
	var b strings.Builder
	for _, check := range checks {
		fmt.Fprintf(&b, "%s  %s: %s\n", style[check.State].Render(fmt.Sprintf("%-4s", check.State)), p.strong.Render(check.Name), clean(check.Detail))
		if check.Advice != "" {
			fmt.Fprintf(&b, "      %s\n", clean(check.Advice))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
