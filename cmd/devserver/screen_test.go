package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver"
)

func TestScreenRedrawsProgress(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	s := &screen{w: &b, width: func() int { return 20 }}
	s.Status("copying 1 of 3")
	s.Status("copying 1 of 3") // nothing new, nothing drawn
	s.Print("a line")
	fmt.Fprintln(s.Above(&b), "from the app")
	s.Status("compiling the patched library")
	s.Status("")
	s.Print("done")
	const erase = "\r\x1b[J"
	want := "copying 1 of 3" +
		erase + "a line\n" + "copying 1 of 3" +
		erase + "from the app\n" + "copying 1 of 3" +
		erase + "compiling the patc…" +
		erase + "done\n"
	if b.String() != want {
		t.Errorf("drawn:\n%q, want\n%q", b.String(), want)
	}
}

// TestScreenFollowsTheWidth: progress that a narrower terminal has broken into rows is taken away with all of them, and a
// wider one gets more of it.
func TestScreenFollowsTheWidth(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	width := 40
	s := &screen{w: &b, width: func() int { return width }}
	s.Status("building orders: a.go, b.go, c.go")
	width = 12
	s.Redraw()
	width = 40
	s.Redraw()
	s.Leave()
	s.Redraw()
	s.Leave()
	s.Print("a line")
	const all = "building orders: a.go, b.go, c.go"
	want := all + "\r\x1b[2A\x1b[J" + "building o…" + "\r\x1b[J" + all + "\r\x1b[J" + all + "\r\x1b[J" + "a line\n" + all
	if b.String() != want {
		t.Errorf("drawn:\n%q, want\n%q", b.String(), want)
	}
}

func TestScreenOnAPipeWritesLines(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	s := &screen{w: &b}
	s.Status("copying")
	s.Status("copying")
	s.Status("compiling")
	s.Status("")
	s.Print("done")
	if want := "copying\ncompiling\ndone\n"; b.String() != want {
		t.Errorf("written %q, want %q", b.String(), want)
	}
}

// TestOddNoticesAreShown holds that a notice of a kind that is new to the command line is not lost.
func TestOddNoticesAreShown(t *testing.T) {
	t.Parallel()
	type odd struct{ devserver.Warning }
	var text, logged bytes.Buffer
	newTeller(&text).tell(odd{devserver.Warning{Text: "the moon is full"}})
	newLogger(&logged).tell(odd{devserver.Warning{Text: "the moon is full"}})
	if !strings.Contains(text.String(), "the moon is full") || !strings.Contains(logged.String(), "the moon is full") {
		t.Errorf("told %q, logged %q", &text, &logged)
	}
}
