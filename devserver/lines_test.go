package devserver

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/worker"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// pipeLines is a worker's lines with a recording of their own.
func pipeLines(t *testing.T) (*lines, *storage.DB) {
	t.Helper()
	db, err := storage.Open(filepath.Join(t.TempDir(), "recording.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return newLines(db, 1, "shop", func(format string, args ...any) { t.Errorf(format, args...) }), db
}

// TestLines: in whatever order pipe and journal come, the lines of the pipe alone are recorded, each once.
func TestLines(t *testing.T) {
	t.Parallel()
	const long = storage.MaxLine + 10
	for _, tt := range []struct {
		name  string
		steps string // j: the journal has the next text, p: the pipe has the next line, q: nothing new is in the journal
		texts []string
		want  []string
	}{
		{"journal first", "jpqqq", []string{"a\n", "a"}, nil},
		{"pipe first", "pjqqq", []string{"a", "a\n"}, nil},
		{"pipe alone", "pqqq", []string{"a"}, []string{"a"}},
		{"too early to tell", "pqq", []string{"a"}, nil},
		{"one of two", "ppjqqq", []string{"a", "a", "a\n"}, []string{"a"}},
		{"out of order", "pppjjqqq", []string{"a", "b", "c", "c\n", "a\n"}, []string{"b"}},
		{"in pieces", "pjjqqq", []string{"ab", "a", "b\n"}, nil},
		{"a long line", "ppjqqq", []string{strings.Repeat("x", storage.MaxLine), "xxxxxxxxxx", strings.Repeat("x", long) + "\n"}, nil},
		{"again later", "pqqqpjqqq", []string{"a", "a", "a\n"}, []string{"a"}},
		{"between", "pqpqq", []string{"a", "b"}, []string{"a"}},
	} {
		l, db := pipeLines(t)
		next := 0
		for _, step := range tt.steps {
			switch step {
			case 'j':
				l.journaled([]sandbox.Event{{Kind: sandbox.KindStderr, Detail: tt.texts[next]}, {Kind: sandbox.KindStdout, Detail: "other\n"}})
				next++
			case 'p':
				l.hear(worker.Line{Stream: worker.Stderr, Text: tt.texts[next]})
				next++
			case 'q':
				l.quiet()
			}
		}
		if got := recorded(t, db); !slices.Equal(got, tt.want) {
			t.Errorf("%s: recorded are %q, want %q", tt.name, got, tt.want)
		}
	}
}

func recorded(t *testing.T, db *storage.DB) (list []string) {
	t.Helper()
	rows, err := db.Logs(t.Context(), record.LogFilter{Ascending: true, Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range rows {
		list = append(list, l.Text)
	}
	return list
}

// TestLinesEnd: at the worker's end all is told apart, the last line without an end too; where the journal is not read
// to its end, nothing is.
func TestLinesEnd(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{true, false} {
		l, db := pipeLines(t)
		l.journaled([]sandbox.Event{{Kind: sandbox.KindStderr, Detail: "no end"}})
		l.hear(worker.Line{Stream: worker.Stderr, Text: "panic: boom"})
		l.hear(worker.Line{Stream: worker.Stderr, Text: "no end"})
		l.end(whole)
		var want []string
		if whole {
			want = []string{"panic: boom"}
		}
		if got := recorded(t, db); !slices.Equal(got, want) {
			t.Errorf("whole %v: recorded are %q, want %q", whole, got, want)
		}
		if gaps, err := db.Gaps(t.Context(), 1); (len(gaps) == 1) == whole || err != nil {
			t.Errorf("whole %v: gaps = %v, %v", whole, gaps, err)
		}
	}
}

// TestLinesBounded: what waits has bounds. Lines whose text was not kept are a gap, not silence.
func TestLinesBounded(t *testing.T) {
	t.Parallel()
	l, db := pipeLines(t)
	const more = 10
	text := strings.Repeat("y", 32<<10)
	for i := range maxWaitingBytes/len(text) + more {
		l.hear(worker.Line{Stream: worker.Stdout, Text: fmt.Sprintf("%08d", i) + text[8:]})
	}
	if s := &l.streams[0]; s.bytes > maxWaitingBytes {
		t.Errorf("%d bytes wait, want at most %d", s.bytes, maxWaitingBytes)
	}
	l.end(true)
	gaps, err := db.Gaps(t.Context(), 1)
	if err != nil || len(gaps) != 1 || gaps[0].Events != more || gaps[0].App != "shop" {
		t.Errorf("gaps = %+v, %v; want one of %d lines", gaps, err, more)
	}
	if got := len(recorded(t, db)); got != maxWaitingBytes/len(text) {
		t.Errorf("%d lines are recorded, want %d", got, maxWaitingBytes/len(text))
	}
	for i := range 5 * maxOnTheWay { // a program that writes where nobody hears it
		l.journaled([]sandbox.Event{{Kind: sandbox.KindStdout, Detail: fmt.Sprintln(i)}})
	}
	if s := &l.streams[0]; len(s.onTheWay[0]) > maxOnTheWay || len(s.onTheWay[1]) > maxOnTheWay {
		t.Errorf("%d and %d lines are on the way, want at most %d", len(s.onTheWay[0]), len(s.onTheWay[1]), maxOnTheWay)
	}
}
