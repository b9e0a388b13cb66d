package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

func TestJoiner(t *testing.T) {
	long := strings.Repeat("x", MaxLine)
	for _, tt := range []struct {
		name   string
		pieces []string
		want   []string // a broken line ends in "+", one that End gave in "."
	}{
		{"a line", []string{"a\n"}, []string{"a"}},
		{"two at once", []string{"a\nb\n"}, []string{"a", "b"}},
		{"pieces", []string{"a", "b", "\n", "c\nd"}, []string{"ab", "c", "d."}},
		{"empty lines", []string{"\n\n", "\n"}, []string{"", "", ""}},
		{"carriage returns", []string{"a\r\n", "b\r", "\n"}, []string{"a", "b"}},
		{"no end", []string{"a"}, []string{"a."}},
		{"nothing", []string{""}, nil},
		{"the longest whole line", []string{long[1:] + "\n"}, []string{long[1:]}},
		{"a line too long", []string{long + "y\n"}, []string{long + "+", "y"}},
		{"too long in pieces", []string{long[:10], long[10:], "y\n"}, []string{long + "+", "y"}},
		{"too long by nothing", []string{long, "\n"}, []string{long + "+", ""}},
	} {
		var j Joiner
		var got []string
		for _, p := range tt.pieces {
			j.Add(1, 0, p, func(l Line) error {
				if l.Broken {
					l.Text += "+"
				}
				got = append(got, l.Text)
				return nil
			})
		}
		if l, ok := j.End(); ok {
			got = append(got, l.Text+".")
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %.80q, want %.80q", tt.name, got, tt.want)
		}
	}
}

// FuzzJoiner: however a text is cut into pieces, its lines are those of the whole, and no byte is lost.
func FuzzJoiner(f *testing.F) {
	f.Add("a\nb\n\r\nlast", uint64(1))
	f.Add(strings.Repeat("long ", MaxLine/4), uint64(7))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		join := func(piece func(left int) int) (all []Line) {
			var j Joiner
			for rest := text; rest != ""; {
				n := min(max(piece(len(rest)), 1), len(rest))
				j.Add(3, 5, rest[:n], func(l Line) error { all = append(all, l); return nil })
				rest = rest[n:]
			}
			if l, ok := j.End(); ok {
				all = append(all, l)
			}
			return all
		}
		r := rand.New(rand.NewPCG(seed, 0))
		whole, cut := join(func(left int) int { return left }), join(func(left int) int { return r.IntN(min(left, 9000)) + 1 })
		if !slices.Equal(whole, cut) {
			t.Fatalf("whole %+v, in pieces %+v", whole, cut)
		}
		var b strings.Builder
		for i, l := range whole {
			b.WriteString(l.Text)
			if !l.Broken && i < len(whole)-1 {
				b.WriteByte('\n')
			}
			if l.At != 3 || l.Request != 5 {
				t.Fatalf("line %d is %+v", i, l)
			}
		}
		strip := func(s string) string { return strings.ReplaceAll(strings.TrimRight(s, "\r\n"), "\r", "") }
		if got, want := strip(b.String()), strip(text); got != want {
			t.Fatalf("the lines hold %q, want %q", got, want)
		}
	})
}

// Lines keep their order and requests over batches, pieces wait for their end, and the run's end ends them.
func TestWrittenLines(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	ctx := context.Background()
	run, err := db.StartRun(record.Run{App: "shop", StartedAt: 1})
	if err != nil {
		t.Fatal(err)
	}
	offset := int64(0)
	write := func(events ...sandbox.Event) {
		t.Helper()
		offset++
		b := Batch{RunID: run, App: "shop", Journal: "j", Segment: 1, Offset: offset, Events: events}
		for range 2 { // the second time it is held already
			if err := db.Write(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	const out, errs = sandbox.KindStdout, sandbox.KindStderr
	say := func(k sandbox.Kind, at int64, request uint64, text string) sandbox.Event {
		return sandbox.Event{Kind: k, At: at, Request: request, Detail: text}
	}
	write(say(out, 10, 7, "first\nsec"), say(errs, 11, 0, "oops "))
	write(say(out, 12, 8, "ond\n\xffthird\n"), sandbox.Event{Kind: sandbox.KindResolve, At: 13, Detail: "no line"})
	write(say(errs, 14, 9, "a\x00b"))
	if err := db.AddLines(run, "shop", "stderr", []Line{{At: 20, Text: "panic: \xfe"}, {At: 21, Text: "long", Broken: true}}); err != nil {
		t.Fatal(err)
	}
	if err := db.EndRun(run, 30, "exit status 2"); err != nil {
		t.Fatal(err)
	}
	write(say(out, 31, 0, "late"))
	got, err := db.Logs(ctx, record.LogFilter{Ascending: true})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, l := range got {
		lines = append(lines, fmt.Sprintf("%d %s %d %q", l.At, l.Stream, l.RequestID, l.Text))
	}
	want := []string{
		`10 stdout 7 "first"`, `10 stdout 7 "second"`, `12 stdout 8 "�third"`, `20 stderr 0 "panic: �"`, `21 stderr 0 "long…"`,
		`11 stderr 9 "oops a\x00b"`, `31 stdout 0 "late"`,
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	var left int
	if err := db.read.QueryRow(`SELECT count(*) FROM unfinished_lines`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d lines are unfinished (%v), want none", left, err)
	}
}
