package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newRun() *cobra.Command {
	var (
		o          devserver.Options
		buildFlags string
		logFormat  string
		store      otlpFlags
	)
	c := &cobra.Command{
		Use:   "run [flags] [DIR...]",
		Short: "run apps with hot reload; the console on :8000, the app on :8080",
		Long: `run builds the app in DIR, runs it under production's socket rules, and builds it anew
when a file of it is saved. Nothing of the app is changed: no import, no go.mod, no flag.

DIR is a package main that serves on $PORT, or a package with a Handler or with handlers
on http.DefaultServeMux. Without DIR: the apps of devserver.yaml, else this folder. A
devserver.yaml is looked for in the first app's folder and above it; flags win over it.

The first start makes a patched copy of your Go, once for each Go version. An app that
needs a database or a mail server reaches one on this machine through a stand-in: the
rules judge the production address, the bytes go to the local one.`,
		Example: `  devserver run ./examples/guestbook
  devserver run --standin db.example.com:5432=127.0.0.1:5432 ./orders
  devserver run --otlp http://localhost:4318 ./orders`,
		RunE: func(c *cobra.Command, dirs []string) error {
			var err error
			if o.BuildFlags, err = devserver.SplitFlags(buildFlags); err != nil {
				return usagef("--build-flags: %w", err)
			}
			o.Dirs, o.Set = dirs, c.Flags().Changed
			if o.OTLP, o.OTLPHeaders, err = store.read(os.Getenv); err != nil {
				return err
			}
			return runApps(c, o, logFormat)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.Addr, "addr", "127.0.0.1:8080", "where the app answers, `HOST:PORT`; port 0 takes a free one")
	f.StringVar(&o.Console, "console", "127.0.0.1:8000", "where the console answers, `HOST:PORT`")
	f.StringVar(&o.Profile, "profile", "appengine", "whose rules hold: a `NAME` of \"devserver profiles\", or a file")
	f.StringVar(&o.Data, "data", "", "data directory `DIR` (default .devserver in the first app's folder)")
	f.StringArrayVar(&o.Standins, "standin", nil, "let a local address serve one of production, `[PROD=]LOCAL`;\nLOCAL may be builtin:echo or builtin:whois; may be repeated")
	f.BoolVar(&o.NoBilling, "no-billing", false, "as an app without billing: every socket is refused")
	f.StringVar(&o.OnBuild, "on-build", "wait", "a request during a build: `wait|serve-old`")
	f.DurationVar(&o.WaitLimit, "wait-limit", 30*time.Second, "how long a request waits for a version, a `DURATION`")
	f.DurationVar(&o.Drain, "drain", 30*time.Second, "how long the version before may finish its requests, a `DURATION`")
	f.Var((*debugFlag)(&o.Debug), "debug", "let an IDE debug the app with Delve at `[=HOST:PORT]`, without one at\n"+defaultDebug+"; of several apps each has the next port")
	f.Lookup("debug").NoOptDefVal = "true"
	f.BoolVar(&o.NoReload, "no-reload", false, "do not watch for changes")
	f.StringVar(&buildFlags, "build-flags", "", "`FLAGS` for go build, such as \"-race -tags dev\"")
	f.StringVar(&o.Config, "config", "", "read this `FILE` instead of looking for a devserver.yaml")
	f.StringArrayVar(&o.Keep, "keep", nil, "keep so much of the recording, the newest: a `SIZE|AGE` such as 2GiB or 14d,\nor all; may be repeated (default 2GiB of any age)")
	f.StringVar(&o.JournalLimit, "journal-limit", "1GiB", "how much may wait on disk to be recorded, a `SIZE` or unlimited;\nan app that is faster is slowed")
	f.StringVar(&o.ReadyFile, "ready-file", "", "write this `FILE` (JSON, addresses in it) once every app accepts")
	f.StringVar(&o.Capture, "capture", "none", "record what goes over the app's sockets, in TLS as the app sees it, `none|head|full`;\nhead: the first 512 bytes of each operation")
	f.StringVar(&o.CaptureLimit, "capture-limit", "", "at most `SIZE` of each socket, direction and layer (default head 4KiB, full 1MiB)")
	f.StringArrayVar(&o.Redact, "redact", nil, "mask the values of the header `NAME` too, besides authorization, proxy-authorization,\ncookie, set-cookie, x-api-key; none drops these; may be repeated")
	f.StringVar(&o.KeyLog, "keylog", "", "add the keys of the app's TLS connections to `FILE`, as SSLKEYLOGFILE does")
	store.add(f)
	f.StringVar(&logFormat, "log-format", "text", "`text|json`; json writes one object a line")
	return c
}

// defaultDebug is where Delve listens when --debug names no address: its own documentation's.
const defaultDebug = "127.0.0.1:2345"

// debugFlag is an address that may be left out.
type debugFlag string

func (d *debugFlag) String() string { return string(*d) }

// Type makes help texts show the flag as one whose value may be left out.
func (d *debugFlag) Type() string { return "bool" }

// Set takes the address, or true and false, which a flag without a value stands for.
func (d *debugFlag) Set(s string) error {
	switch s {
	case "true":
		s = defaultDebug
	case "false":
		s = ""
	}
	*d = debugFlag(s)
	return nil
}

// runApps runs until the command's context ends.
func runApps(c *cobra.Command, o devserver.Options, logFormat string) error {
	switch logFormat {
	case "text":
		t := newTeller(c.ErrOrStderr())
		defer t.screen.Status("")
		o.Notify, o.Stdout, o.Stderr = t.tell, t.screen.Above(c.OutOrStdout()), t.screen.Above(c.ErrOrStderr())
		return devserver.Run(c.Context(), o)
	case "json":
		l := newLogger(c.ErrOrStderr())
		o.Notify, o.Stdout, o.Stderr = l.tell, c.OutOrStdout(), l.output("stderr")
		if err := devserver.Run(c.Context(), o); err != nil {
			l.fail(err)
			return reported{err}
		}
		return nil
	}
	return usagef("--log-format: %q is neither text nor json", logFormat)
}
