package rules

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

func output(c *wire.Config) { c.Output = true }

// loopbackAllowed lets the program talk to itself.
func loopbackAllowed(p *sandbox.Policy) {
	for _, r := range []sandbox.Rule{sandbox.RuleLoopback, sandbox.RuleListen, sandbox.RuleBind} {
		p.Rules[r] = sandbox.RuleSetting{Mode: sandbox.ModeOff}
	}
}

// TestOutput: what goes through package os is in the journal as it was written, with its request; nothing else is.
func TestOutput(t *testing.T) {
	t.Parallel()
	got := start(t, "talk", run{Args: []string{"ways"}, Config: output, Change: loopbackAllowed})
	if got := written(got, sandbox.KindStderr); !slices.Equal(got, []string{"log"}) {
		t.Errorf("standard error is journaled as %q", got)
	}
	lines := written(got, sandbox.KindStdout)
	for i, l := range lines {
		if strings.HasPrefix(l, "time=") && strings.HasSuffix(l, "level=INFO msg=slog") {
			lines[i] = "slog"
		}
	}
	want := []string{
		"fmt", "slog", "pieces", strings.Repeat("x", 20_000),
		"handler of /a in 1", "goroutine of /a in 1", "handler of /b in 2", "goroutine of /b in 2", "no request",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("standard output is journaled as\n%.200q\nwant\n%.200q", lines, want)
	}
	for _, l := range []string{"system call", "of a child", "no request"} {
		if !slices.Contains(got.Lines, l) {
			t.Errorf("the program's own output lacks %q: %.500q", l, got.Lines)
		}
	}
	for _, e := range got.Events {
		if len(e.Detail) > journal.MaxString {
			t.Errorf("a record holds %d bytes", len(e.Detail))
		}
	}
}

// written returns what was journaled of a stream, line by line, with the number of the request if there is one: 1 is that of the
// first request that began, and so on.
func written(r result, k sandbox.Kind) (list []string) {
	var requests []uint64
	for _, e := range r.of(sandbox.KindRequestBegin) {
		requests = append(requests, e.Request)
	}
	var b strings.Builder
	for _, e := range r.of(k) {
		b.WriteString(strings.TrimSuffix(e.Detail, "\n"))
		if e.Request != 0 {
			fmt.Fprintf(&b, " in %d", slices.Index(requests, e.Request)+1)
		}
		if strings.HasSuffix(e.Detail, "\n") {
			list = append(list, b.String())
			b.Reset()
		}
	}
	return list
}

// TestOutputUnasked: without a supervisor that reads the streams nothing of them is recorded.
func TestOutputUnasked(t *testing.T) {
	t.Parallel()
	got := start(t, "talk", run{Args: []string{"ways"}, Change: loopbackAllowed})
	if n := len(got.of(sandbox.KindStdout)) + len(got.of(sandbox.KindStderr)); n > 0 {
		t.Errorf("%d pieces of output are journaled, want none", n)
	}
}

// TestOutputSurvives: a line is in the journal before it is written, so no kill loses it, not even while the write
// waits for a reader.
func TestOutputSurvives(t *testing.T) {
	t.Parallel()
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		cfg := configure(t, run{Config: output})
		cmd := exec.Command(build(t, "talk"), "killed")
		cmd.Env = append(os.Environ(), wire.Env+"="+writeConfig(t, cfg))
		if err := cmd.Run(); err == nil || err.Error() != "signal: killed" {
			t.Fatalf("the program ended with %v", err)
		}
		got := result{Events: events(t, cfg.JournalDir)}
		if lines := written(got, sandbox.KindStderr); !slices.Equal(lines, []string{"the last words"}) {
			t.Errorf("journaled is %q", lines)
		}
	})
	t.Run("stuck", func(t *testing.T) {
		t.Parallel()
		cfg := configure(t, run{Config: output})
		cmd := exec.Command(build(t, "talk"), "stuck")
		cmd.Env = append(os.Environ(), wire.Env+"="+writeConfig(t, cfg))
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := pipe.Read(make([]byte, 1)); err != nil { // it has begun to write, and cannot end: a pipe holds less
			t.Fatal(err)
		}
		cmd.Process.Kill()
		cmd.Wait()
		got := result{Events: events(t, cfg.JournalDir)}
		if lines := written(got, sandbox.KindStdout); len(lines) != 1 || len(lines[0]) != 1<<20 {
			t.Errorf("journaled are %d lines", len(lines))
		}
	})
}
