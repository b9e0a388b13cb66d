// Command devserver runs unmodified Go web apps under the socket rules of production, reloads them when their
// files change, and shows what every socket did.
//
// This package is flags in and words out; what it calls is package devserver, which a test can call just as well.
// Each subcommand has a file of its own name. Results go to standard output, all else to standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/seed-d81df0db/devserver/devserver"
)

// Exit statuses. They are part of what scripts rely on.
const (
	exitDone   = 0 // also after SIGINT and SIGTERM
	exitFailed = 1
	exitUsage  = 2
	exitDenied = 3 // explain: production would refuse this
)

// errDenied ends explain with exitDenied; what there is to say has been printed.
var errDenied = errors.New("denied")

// usageError is a command line that makes no sense; --help leads on from it. What makes no sense in a file or in
// what a flag names is devserver's own UsageError, with its own way out.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// usagef returns a usageError.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// reported is an error that its command has told already, in its own form.
type reported struct{ error }

func (r reported) Unwrap() error { return r.error }

func main() {
	os.Exit(run(untilStopped(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// untilStopped returns a context that ends when this process is asked to stop. A second Ctrl-C ends it at once. A terminal
// that closes says so twice, once by its shell and once by the system, and means one orderly stop; under nohup it is not
// meant at all.
func untilStopped() context.Context {
	ctx, again := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		ctx, _ = signal.NotifyContext(ctx, syscall.SIGHUP) // for as long as the process lives
	}
	context.AfterFunc(ctx, again) // from here on the system's own handling of the first two holds
	return ctx
}

// run carries out one command line and returns the exit status. The end of ctx is a request to stop cleanly.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	status := statusOf(ctx, err)
	var told reported
	if err == nil || status == exitDone || status == exitDenied || errors.As(err, &told) {
		return status
	}
	fmt.Fprintln(stderr, "devserver: "+err.Error())
	var wrong usageError
	if errors.As(err, &wrong) {
		fmt.Fprintf(stderr, "devserver: more with: %s --help\n", command.CommandPath())
	}
	return status
}

func statusOf(ctx context.Context, err error) int {
	var line usageError
	var config *devserver.UsageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errDenied):
		return exitDenied
	case errors.As(err, &line), errors.As(err, &config):
		return exitUsage
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return exitDone // asked to stop, and stopped
	}
	return exitFailed
}
