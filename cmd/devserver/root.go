package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// helpTemplate shows what a command is for, how it is called and its flags, and ends with an example.
const helpTemplate = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}

{{end}}Usage:
  {{if .Runnable}}{{.UseLine}}{{else}}{{.CommandPath}} COMMAND{{end}}
{{- if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}{{end}}
{{- if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}
{{- if .HasExample}}

Example:
{{.Example}}{{end}}
`

// cobra's setting is one for the process: it is made before any command is, and tests run several at once.
func init() { cobra.EnableCommandSorting = false }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "devserver COMMAND",
		Short: "run Go web apps under production's socket rules",
		Long: `devserver builds an unmodified Go web app, runs it locally under the socket rules of
production, and shows what every socket did. A blocked port, a private address, a pooled
connection that production reclaims while it is idle: they fail here first, with the
reason and the line of your code.`,
		Example: `  devserver run ./examples/guestbook
  devserver explain tcp smtp.example.com:25`,
		Args:          func(*cobra.Command, []string) error { return nil }, // RunE names an unknown command itself
		RunE:          runRoot,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(helpTemplate)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	// The order is that in which one needs them.
	root.AddCommand(newRun(), newExplain(), newProfiles(), newInit(), newConfig(), newRequests(), newSockets(), newEvents(), newDenials(), newLogs(), newRuns(), newShow(), newQuotas(), newQuota(), newExport(), newImport(), newClock(), newDoctor(), newEnv(), newTrust())
	return root
}

// runRoot answers a call without a known command.
func runRoot(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("a command is missing: %s", strings.Join(commandNames(c), ", "))
	}
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("there is no command %q; did you mean %s?", args[0], strings.Join(near, " or "))
	}
	return usagef("there is no command %q; the commands are %s", args[0], strings.Join(commandNames(c), ", "))
}

func commandNames(c *cobra.Command) []string {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			names = append(names, sub.Name())
		}
	}
	return names
}

// between allows from least to most arguments; what they are, want says.
func between(least, most int, want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usagef("too few arguments: %s", want)
		case len(args) > most:
			return usagef("too many arguments, %q is one too much: %s", args[most], want)
		}
		return nil
	}
}
