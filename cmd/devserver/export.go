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
}

func newExport() *cobra.Command {
	var x exporting
	c := &cobra.Command{
		Use:   "export --format ndjson|har|pcapng [flags]",
		Short: "take a recording to other tools",
		Long: `export writes a recording, or the part of it that the filters select, in a form that
other tools read:

  ndjson   everything, one JSON object a line; devserver import makes a recording of it
  har      the requests with the sockets that they used, for browsers and HAR viewers
  pcapng   the sockets as packets, for Wireshark

It exports one moment of the recording, also while devserver writes to it. A FILE appears
when it is whole; what stood there before is kept until then. docs/export.md tells the formats.

` + recordingHelp,
		Example: `  devserver export --format ndjson -o monday.ndjson
  devserver export --format har --app orders --since 10m -o orders.har
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
	return c
}

func (x *exporting) run(c *cobra.Command) error {
	if x.format == "" {
		return usagef("--format is missing: %s", strings.Join(devserver.ExportFormats, ", "))
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
	o := devserver.ExportOptions{App: x.app, RunID: x.listing.run, RequestID: x.request, Since: since,
		Progress: func(done, _ int) { show.step(fmt.Sprintf("devserver: exported %d rows", done)) }}
	return x.write(c, func(w io.Writer) error { return rec.Export(c.Context(), x.format, w, o) })
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
