package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/seed-d81df0db/devserver/devserver"
)

// exporting is what the flags of export say. Exactly one of its targets is given.
type exporting struct {
	listing
	format, out string
	store       otlpFlags
}

func newExport() *cobra.Command {
	var x exporting
	c := &cobra.Command{
		Use:   "export --format ndjson|har|pcapng | --otlp URL [flags]",
		Short: "take a recording to other tools",
		Long: `export writes a recording, or the part of it that the filters select, in a form that
other tools read:

  ndjson   everything, one JSON object a line; devserver import makes a recording of it
  har      the requests with the sockets that they used, for browsers and HAR viewers
  pcapng   the sockets as packets, for Wireshark

With --otlp it sends them to an OpenTelemetry store instead: what devserver run --otlp does
while it records (docs/otlp.md).

It exports one moment of the recording, also while devserver writes to it. A FILE appears
when it is whole; what stood there before is kept until then. docs/export.md tells the formats.

` + recordingHelp,
		Example: `  devserver export --format ndjson -o monday.ndjson
  devserver export --format har --app orders --since 10m -o orders.har
  devserver export --otlp http://localhost:4318 --since 1h
  devserver export --format ndjson | jq -c 'select(.type == "event" and .kind == "deny")'`,
		Args: between(0, 0, "filters are flags, see --help"),
		RunE: func(c *cobra.Command, _ []string) error { return x.run(c) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&x.format, "format", "", "the `FORMAT`: ndjson, har or pcapng")
	f.StringVarP(&x.out, "output", "o", "", "write to this `FILE` instead of standard output")
	f.StringVar(&x.app, "app", "", "only of the app `NAME`")
	f.Int64Var(&x.listing.run, "run", 0, "only of the worker's run with this `ID`")
	f.Int64Var(&x.request, "request", 0, "only the request with this `ID` and the sockets that it used")
	f.StringVar(&x.since, "since", "", "only from this `TIME` on: 5m (ago), 14:30, 2026-01-31, or RFC 3339")
	x.placeFlags(c)
	x.store.add(f)
	return c
}

func (x *exporting) run(c *cobra.Command) error {
	switch {
	case x.format != "" && x.store.url != "":
		return usagef("--format and --otlp are two targets; give one of them")
	case x.store.url != "" && x.out != "":
		return usagef("-o is for --format; --otlp sends to %s", x.store.url)
	case x.store.url == "" && len(x.store.headers) > 0:
		return usagef("--otlp-header: there is no store to send it to; name one with --otlp URL")
	case x.store.url != "":
		return x.send(c)
	case x.format == "":
		return usagef("--format is missing: %s; or --otlp URL", strings.Join(devserver.ExportFormats, ", "))
	}
	if !slices.Contains(devserver.ExportFormats, x.format) {
		return usagef("--format: %q is none of %s", x.format, strings.Join(devserver.ExportFormats, ", "))
	}
	since, err := sinceTime(x.since, time.Now())
	if err != nil {
		return err
	}
	if x.out == "" && x.format == "pcapng" && isScreen(c.OutOrStdout()) {
		return usagef("pcapng is not for a terminal; name a file with -o FILE, or pipe it: devserver export --format pcapng | wireshark -k -i -")
	}
	file, err := x.file()
	if err != nil {
		return err
	}
	if sameFile(file, x.out) {
		return usagef("-o %s is the recording itself; name another file", x.out)
	}
	rec, err := devserver.OpenRecording(file)
	if err != nil {
		return err
	}
	defer rec.Close()
	show := newProgress(c.ErrOrStderr())
	defer show.end()
	o := x.part(since, show, "exported")
	o.Note = func(text string) { fmt.Fprintln(c.ErrOrStderr(), "devserver: "+text) }
	return x.write(c, func(w io.Writer) error { return rec.Export(c.Context(), x.format, w, o) })
}

// part is what the filters select; show tells how much of it was dealt with.
func (x *exporting) part(since int64, show *progress, done string) devserver.ExportOptions {
	return devserver.ExportOptions{App: x.app, RunID: x.listing.run, RequestID: x.request, Since: since,
		Progress: func(n, _ int) { show.step(fmt.Sprintf("devserver: %s %d rows", done, n)) }}
}

// send exports to an OpenTelemetry store.
func (x *exporting) send(c *cobra.Command) error {
	since, err := sinceTime(x.since, time.Now())
	if err != nil {
		return err
	}
	file, err := x.file()
	if err != nil {
		return err
	}
	rec, err := devserver.OpenRecording(file)
	if err != nil {
		return err
	}
	defer rec.Close()
	show := newProgress(c.ErrOrStderr())
	err = exportOTLP(c, rec, x.store, devserver.OTLPOptions{Options: x.part(since, show, "sent")}, os.Getenv)
	show.end()
	if err != nil && c.Context().Err() != nil {
		fmt.Fprintln(c.ErrOrStderr(), "devserver: interrupted; what was sent stays sent, and the rest may be sent by the same command")
	}
	return withCause(c.Context(), err)
}

// write lets export fill the target.
func (x *exporting) write(c *cobra.Command, export func(io.Writer) error) error {
	var err error
	if x.out != "" {
		err = devserver.ExportFile(x.out, export)
		if err != nil && c.Context().Err() != nil {
			fmt.Fprintf(c.ErrOrStderr(), "devserver: interrupted; %s was not written\n", x.out)
		}
	} else {
		// Without this a reader that goes away, as head does, would end the process without a word.
		pipe := make(chan os.Signal, 1)
		signal.Notify(pipe, syscall.SIGPIPE)
		defer signal.Stop(pipe)
		err = devserver.ExplainExport("standard output", export(c.OutOrStdout()))
		if err != nil && c.Context().Err() != nil {
			fmt.Fprintln(c.ErrOrStderr(), "devserver: interrupted; standard output holds only a part")
		}
	}
	if err != nil && c.Context().Err() == nil {
		return fmt.Errorf("export: %w", err)
	}
	return withCause(c.Context(), err)
}

// withCause makes any error of a context that has ended say so, whatever the database called it.
func withCause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return err
}

// isScreen reports whether w is a terminal of any kind.
func isScreen(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// sameFile reports whether two paths lead to one file. One that is not there is no other's.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil || b == "" {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// progress is a line on a terminal that tells how far a command is, once it has taken longer than a second.
type progress struct {
	screen *screen // nil: not a terminal, where nothing is shown
	next   time.Time
}

func newProgress(w io.Writer) *progress {
	if !isTerminal(w) {
		return &progress{}
	}
	return &progress{screen: &screen{w: w, width: func() int { return columns(w.(*os.File)) }}, next: time.Now().Add(time.Second)}
}

func (p *progress) step(text string) {
	if now := time.Now(); p.screen != nil && now.After(p.next) {
		p.screen.Status(text)
		p.next = now.Add(time.Second / 5)
	}
}

func (p *progress) end() {
	if p.screen != nil {
		p.screen.Status("")
	}
}

func newImport() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "import FILE.ndjson [flags]",
		Short: "make a recording of an ndjson export",
		Long: `import makes a recording again of what devserver export --format ndjson wrote, - being
standard input. The rows keep their ids. It makes a new file and replaces none; after an
error, which names the line, there is none.`,
		Example: `  devserver import monday.ndjson -o monday.db
  devserver sockets --recording monday.db`,
		Args: between(1, 1, "the file of an export, or - for standard input"),
		RunE: func(c *cobra.Command, args []string) error { return importFile(c, args[0], out) },
	}
	c.Flags().StringVarP(&out, "output", "o", "recording.db", "the recording `FILE` to make")
	return c
}

func importFile(c *cobra.Command, name, out string) error {
	in := c.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	} else {
		name, in = "standard input", interruptible(c.Context(), in)
	}
	show := newProgress(c.ErrOrStderr())
	rows, err := devserver.Import(c.Context(), in, out, func(rows int) { show.step(fmt.Sprintf("devserver: imported %d rows", rows)) })
	show.end()
	if err != nil {
		if c.Context().Err() != nil {
			fmt.Fprintf(c.ErrOrStderr(), "devserver: interrupted; %s was not made\n", out)
			return withCause(c.Context(), err)
		}
		return fmt.Errorf("import %s: %w", name, err)
	}
	fmt.Fprintf(c.ErrOrStderr(), "devserver: %s holds %d rows; devserver sockets --recording %s\n", filepath.Base(out), rows, out)
	return nil
}

// interruptible returns a reader that ends with ctx, though a read from r is waiting. That read waits on: only the end of
// the process ends it.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	from, to := io.Pipe()
	context.AfterFunc(ctx, func() { to.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(to, r)
		to.CloseWithError(err)
	}()
	return from
}
