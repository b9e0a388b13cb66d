package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newRun() *cobra.Command {
	noKeys := false
	c := newRunLike(func(c *cobra.Command, o devserver.Options) error { return runApps(c, o, noKeys) })
	c.Flags().BoolVar(&noKeys, "no-keys", false, "leave the keyboard alone; else, on a terminal, ? shows what its keys do")
	return c
}

// newRunLike is run with something else done to what the flags say.
func newRunLike(do func(*cobra.Command, devserver.Options) error) *cobra.Command {
	var (
		o          devserver.Options
		buildFlags string
		store      otlpFlags
	)
	c := &cobra.Command{
		Use:   "run [flags] [DIR...]",
		Short: "run apps with hot reload; the console on :8000, the app on :8080",
		Long: `run builds the app in DIR, runs it under production's socket rules, and builds it anew
when a file of it is saved. Nothing of the app is changed: no import, no go.mod, no flag.

DIR is a package main that serves on $PORT, or a package with a Handler or with handlers
on http.DefaultServeMux. Without DIR: the apps of devserver.yaml, else this folder. A
devserver.yaml is looked for in the first app's folder and above it; it can say all that
flags say, and flags win over it. "devserver init" writes one, "devserver config" shows
what holds, and docs/config.md tells of each key. A change of it, of app.yaml or of .env
applies while devserver runs.

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
			if err := withStore(&o, store); err != nil {
				return err
			}
			return do(c, o)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.Addr, "addr", "127.0.0.1:8080", "where the app answers, `HOST:PORT`; port 0 takes a free one")
	f.BoolVar(&o.TLS, "tls", false, "the apps answer HTTPS, with certificates of a local CA; see devserver trust")
	f.StringVar(&o.Console, "console", "127.0.0.1:8000", "where the console answers, `HOST:PORT`")
	f.StringVar(&o.Profile, "profile", "appengine", "whose rules hold: a `NAME` of \"devserver profiles\", or a file")
	f.StringVar(&o.Data, "data", "", "data directory `DIR` (default .devserver in the first app's folder)")
	f.StringArrayVar(&o.Standins, "standin", nil, "let a local address serve one of production, `[PROD=]LOCAL`;\nLOCAL may be builtin:echo, builtin:whois or app:NAME; may be repeated")
	f.BoolVar(&o.NoBilling, "no-billing", false, "as an app without billing: every socket is refused")
	f.StringVar(&o.OnBuild, "on-build", "wait", "a request during a build: `wait|serve-old`")
	f.DurationVar(&o.WaitLimit, "wait-limit", 30*time.Second, "how long a request waits for a version, a `DURATION`; 0: not at all")
	f.DurationVar(&o.Drain, "drain", 30*time.Second, "how long the version before may finish its requests,\na `DURATION`; 0: it ends at once")
	f.Var((*debugFlag)(&o.Debug), "debug", "let an IDE debug the app with Delve at `[=HOST:PORT]`, without one at\n"+defaultDebug+"; of several apps each has the next port")
	f.Lookup("debug").NoOptDefVal = "true"
	f.BoolVar(&o.NoReload, "no-reload", false, "do not watch for changes")
	f.BoolVar(&o.LiveReload, "live-reload", false, "open pages follow: they load again after a swap, take a changed style sheet at once,\nand show what does not compile")
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
	f.StringVar(&o.LogFormat, "log-format", "text", "`text|json`; json writes one object a line")
	return c
}

// withStore puts into o which store gets what is recorded: the flags', else devserver.yaml's, with the environment's
// headers.
func withStore(o *devserver.Options, store otlpFlags) (err error) {
	o.OTLP, o.OTLPHeaders = store.url, store.headers
	if merged, err := devserver.Configured(*o); err == nil { // else what it is about tells of it
		store.url = merged.OTLP
	}
	o.OTLP, o.OTLPHeaders, err = store.read(os.Getenv)
	return err
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
func runApps(c *cobra.Command, o devserver.Options, noKeys bool) error {
	format := o.LogFormat
	if merged, err := devserver.Configured(o); err == nil {
		format = merged.LogFormat
	}
	switch format {
	case "text":
		return runForPerson(c, o, noKeys)
	case "json":
		l := newLogger(c.ErrOrStderr())
		o.Notify, o.Stdout, o.Stderr = l.tell, c.OutOrStdout(), l.output("stderr")
		if err := devserver.Run(c.Context(), o); err != nil {
			l.fail(err)
			return reported{err}
		}
		return nil
	}
	return usagef("--log-format: %q is neither text nor json", format)
}

// runForPerson tells a person what happens, and on a terminal hears what keys that person presses.
func runForPerson(c *cobra.Command, o devserver.Options, noKeys bool) error {
	t := newTeller(c.ErrOrStderr())
	defer t.screen.Status("")
	o.Notify, o.Stdout, o.Stderr = t.tell, t.screen.Above(c.OutOrStdout()), t.screen.Above(c.ErrOrStderr())
	o.Label = newLabels(c.OutOrStdout(), c.ErrOrStderr()).label
	ctx, quit := context.WithCancel(c.Context())
	defer quit()
	defer t.sayWait(ctx)()
	if tty := keyTerminal(c.InOrStdin(), c.ErrOrStderr()); tty != nil && !noKeys {
		k := newKeys(t, quit)
		board, err := openKeyboard(tty, t.screen, k.hear)
		if err != nil {
			t.say("%s no keys are heard: %v", t.style.warn.Render("warning:"), err)
			return devserver.Run(ctx, o)
		}
		defer board.close()
		defer context.AfterFunc(ctx, board.close)() // a second Ctrl-C ends without a further word
		t.hint = "press ? for keys"
		o.Notify, o.Commands = k.tell, k.commands
	}
	return devserver.Run(ctx, o)
}
