package main

import (
	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newEnv() *cobra.Command {
	var (
		o    devserver.EnvOptions
		form string
		json bool
	)
	c := &cobra.Command{
		Use:   "env [flags] [DIR]",
		Short: "the variables that put any go command under the rules",
		Long: `env prints the environment variables, KEY=VALUE, with which a go command, a debugger or an
IDE builds, runs, tests and debugs the app in DIR (this folder) under production's socket
rules. Values are quoted for a POSIX shell where they need it; --format env is for files of
variables, such as an envFile of VS Code. docs/debugging.md shows how IDEs use them.`,
		Example: `  set -a; eval "$(devserver env ./orders)"; set +a
  dlv debug ./orders
  devserver env --format env ./orders > .vscode/devserver.env`,
		Args: between(0, 1, "one DIR is meant"),
		RunE: func(c *cobra.Command, args []string) error {
			if envForms[form] == nil {
				return usagef("--format: %q is none of shell, export, env; --json writes an object", form)
			}
			if len(args) == 1 {
				o.Dir = args[0]
			}
			t := newTeller(c.ErrOrStderr())
			o.Notify = t.tell
			vars, err := devserver.Env(c.Context(), o)
			t.screen.Status("")
			if err != nil {
				return err
			}
			return writeEnv(c.OutOrStdout(), vars, form, json)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&form, "format", "shell", "how they are written: `shell|export|env`")
	f.BoolVar(&json, "json", false, "write one JSON object")
	f.StringVar(&o.Profile, "profile", "", "whose rules hold (default that of devserver.yaml, else appengine)")
	f.StringVar(&o.Data, "data", "", "data directory `DIR` (default .devserver in the app's folder)")
	f.StringArrayVar(&o.Standins, "standin", nil, "let a local address serve one of production, `[PROD=]LOCAL`; may be repeated")
	f.BoolVar(&o.NoBilling, "no-billing", false, "as an app without billing: every socket is refused")
	f.StringVar(&o.Config, "config", "", "read this `FILE` instead of looking for a devserver.yaml")
	return c
}
