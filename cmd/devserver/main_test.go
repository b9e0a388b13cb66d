package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	live := t.Context()
	ended, cancel := context.WithCancel(live)
	cancel()
	for _, tt := range []struct {
		ctx  context.Context
		err  error
		want int
	}{
		{live, nil, 0},
		{live, errors.New("disk full"), 1},
		{live, usagef("no such flag"), 2},
		{live, fmt.Errorf("run: %w", &devserver.UsageError{Err: errors.New("port")}), 2},
		{live, errDenied, 3},
		{live, context.Canceled, 1}, // somebody else's context
		{ended, fmt.Errorf("query: %w", context.Canceled), 0},
		{ended, errors.New("disk full"), 1},
		{live, reported{usagef("port")}, 2},
	} {
		if got := statusOf(tt.ctx, tt.err); got != tt.want {
			t.Errorf("statusOf(%v, %v) = %d, want %d", tt.ctx.Err(), tt.err, got, tt.want)
		}
	}
}

// TestHelp holds what --help promises for each command: it teaches, and ends with an example that names it.
func TestHelp(t *testing.T) {
	t.Parallel()
	commands := [][]string{{}, {"clock", "advance"}, {"clock", "reset"}, {"quota", "reset"}}
	for _, name := range commandNames(newRoot()) {
		commands = append(commands, []string{name})
	}
	for _, args := range commands {
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), append(args, "--help"), nil, &stdout, &stderr); status != 0 || stderr.Len() > 0 {
			t.Errorf("%v --help: status %d, %s", args, status, &stderr)
		}
		_, example, ok := strings.Cut(stdout.String(), "\nExample:\n")
		if want := strings.Join(append([]string{"devserver"}, args...), " "); !ok || !strings.Contains(example, want) {
			t.Errorf("%v --help does not end with an example of %q:\n%s", args, want, &stdout)
		}
		for line := range strings.Lines(stdout.String()) {
			if len(line) > 121 {
				t.Errorf("%v --help has a line of %d bytes: %s", args, len(line), line)
			}
		}
	}
}

// TestReadmeNamesCommands holds that the README's table has each command.
func TestReadmeNamesCommands(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range commandNames(newRoot()) {
		if !regexp.MustCompile("(?m)^\\| .*`(devserver )?" + name + "\\b").Match(text) {
			t.Errorf("the README's table has no %s", name)
		}
	}
}
