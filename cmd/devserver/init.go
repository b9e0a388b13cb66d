package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newInit() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "init [flags] [DIR]",
		Short: "write a devserver.yaml with every key explained",
		Long: `init writes a devserver.yaml into DIR (this folder). Every key stands in it with what it does,
commented out, so nothing changes until you change it. The programs below DIR that serve
HTTP are listed as apps: "devserver run" then runs them together. Where DIR itself is such
a program, they are commented out too, and "devserver run" runs DIR as before.`,
		Example: `  devserver init
  devserver init ./services`,
		Args: between(0, 1, "one DIR is meant"),
		RunE: func(c *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			file, apps, err := devserver.Init(c.Context(), dir, force)
			if err != nil {
				return err
			}
			w := c.OutOrStdout()
			fmt.Fprintf(w, "%s is written.\n", fromHere(file))
			for _, a := range apps {
				if rel, err := filepath.Rel(filepath.Dir(file), a); err == nil {
					fmt.Fprintf(w, "  app      %s\n", clean(rel))
				}
			}
			if len(apps) == 0 {
				fmt.Fprintf(w, "  app      none was found; add yours under apps, or name it: devserver run DIR\n")
			}
			fmt.Fprintf(w, "  run      %s\n", shellWords(append([]string{"devserver", "run"}, there(dir, file, apps)...)...))
			fmt.Fprintf(w, "  check    %s\n", shellWords(append([]string{"devserver", "config"}, there(dir, file, apps)...)...))
			fmt.Fprintf(w, "  editor   devserver config --schema > devserver.schema.json\n")
			return nil
		},
	}
	c.Flags().BoolVar(&force, "force", false, "replace a devserver.yaml that is there")
	return c
}

// there are the words by which run finds the devserver.yaml that was written, for one who stays where he is.
func there(dir, file string, apps []string) []string {
	switch {
	case filepath.Clean(dir) == ".":
		return nil
	case slices.Contains(apps, filepath.Dir(file)):
		return []string{dir}
	}
	return []string{"--config", fromHere(file)}
}
