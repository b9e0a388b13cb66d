package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

// hidden stands for a value that may be a secret.
const hidden = "(hidden; --show-env shows it)"

func newConfig() *cobra.Command {
	var asJSON, showEnv, schema bool
	c := newRunLike(func(c *cobra.Command, o devserver.Options) error {
		if schema {
			_, err := c.OutOrStdout().Write(devserver.ConfigSchema())
			return err
		}
		all, err := devserver.Effective(c.Context(), o)
		if err != nil {
			return err
		}
		for i := range all {
			if all[i].Secret && !showEnv {
				all[i].Value = hidden
			}
		}
		if asJSON {
			return writeSettings(c.OutOrStdout(), all)
		}
		return showSettings(c.OutOrStdout(), all)
	})
	c.Use, c.Short = "config [flags] [DIR...]", "shows all settings that hold, each with where it comes from"
	c.Long = `config shows the settings by which "devserver run" would go with the same flags and DIRs,
and where each comes from: a flag, devserver.yaml, app.yaml or .env with the line, the
environment, or the default. It starts nothing.

Flags win over what devserver.yaml says of an app, that over what it says of all apps, and
that over the defaults. An app's variables come, the weakest first, from app.yaml, from
.env, from the environment, and from env in devserver.yaml. Their values are hidden
unless --show-env is given.`
	c.Example = `  devserver config ./orders
  devserver config --drain 5s --json ./orders
  devserver config --schema > devserver.schema.json`
	f := c.Flags()
	f.BoolVar(&asJSON, "json", false, "write one JSON object a line")
	f.BoolVar(&showEnv, "show-env", false, "show the values of variables and headers too")
	f.BoolVar(&schema, "schema", false, "print the JSON schema of devserver.yaml, for editors")
	return c
}

func writeSettings(w io.Writer, all []devserver.Setting) error {
	e := lineWriter(w)
	for _, s := range all {
		if err := e.Encode(s); err != nil {
			return err
		}
	}
	return nil
}

// showSettings prints a block for devserver as a whole and one for each app.
func showSettings(w io.Writer, all []devserver.Setting) error {
	p := newPalette(w)
	wide, long := 0, 0
	for _, s := range all {
		wide = max(wide, len(s.Key))
		if n := len([]rune(clean(s.Value))); n <= 40 {
			long = max(long, n)
		}
	}
	last := ""
	for i, s := range all {
		if s.App != last || i == 0 {
			title := "devserver"
			if s.App != "" {
				title = "\n" + clean(s.App)
			}
			if _, err := fmt.Fprintln(w, p.strong.Render(title)); err != nil {
				return err
			}
			last = s.App
		}
		value := clean(s.Value)
		if value == "" {
			value = "-"
		}
		origin := clean(s.Origin)
		if origin == "default" {
			origin = p.dim.Render(origin)
		}
		if _, err := fmt.Fprintf(w, "  %-*s  %-*s  %s\n", wide, clean(s.Key), long, value, origin); err != nil {
			return err
		}
	}
	return nil
}
