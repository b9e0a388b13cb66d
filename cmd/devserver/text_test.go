package main

import (
	"bytes"
	"math"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ got, want string }{
		{size(0), "0 B"}, {size(999), "999 B"}, {size(1000), "1.0 kB"}, {size(999_949), "999.9 kB"}, {size(999_950), "1.0 MB"},
		{size(18_400), "18.4 kB"}, {size(1 << 62), "4611686.0 TB"},
		{count(0, "socket"), "no sockets"}, {count(1, "socket"), "1 socket"}, {count(int64(2), "socket"), "2 sockets"},
		{seconds(410 * time.Millisecond), "0.41 s"}, {seconds(12340 * time.Millisecond), "12.3 s"},
		{took(0), ""}, {took(300), "300ns"}, {took(81_400), "81µs"}, {took(1_240_000), "1.2ms"}, {took(3_440_000_000), "3.4s"},
		{number(0), ""}, {number(7), "7"},
		{clockTime(0), ""},
		{address("", "1.2.3.4:80"), "1.2.3.4:80"}, {address("a.example", "1.2.3.4:80"), "a.example:80"},
		{address("a.example", "[::1]:80"), "a.example:80"}, {address("a.example", ""), "a.example"},
		{clean("a\x1b[2Jb\nc\u202e"), `a\x1b[2Jb\nc\u202e`}, {clean("naïve 日本"), "naïve 日本"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

// TestShellWord asks a real shell.
func TestShellWord(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"plain", "", "a b", "it's", `"$HOME" \ *`, "new\nline", "[::1]:80", "ünï", "~", "-n"} {
		out, err := exec.Command("sh", "-c", "printf %s "+"x"+shellWord(word)).Output()
		if err != nil || string(out) != "x"+word {
			t.Errorf("the shell reads shellWord(%q) = %s as %q, %v", word, shellWord(word), out, err)
		}
	}
}

func TestSinceTime(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 3600)
	now := time.Date(2026, 3, 4, 15, 30, 0, 0, zone)
	at := func(y, mo, d, h, mi, s int) int64 {
		return time.Date(y, time.Month(mo), d, h, mi, s, 0, zone).UnixNano()
	}
	for _, tt := range []struct {
		in   string
		want int64
	}{
		{"", 0},
		{"5m", now.Add(-5 * time.Minute).UnixNano()},
		{"-1h30m", now.Add(-90 * time.Minute).UnixNano()},
		{"14:30", at(2026, 3, 4, 14, 30, 0)},
		{"14:30:05", at(2026, 3, 4, 14, 30, 5)},
		{"2026-01-31", at(2026, 1, 31, 0, 0, 0)},
		{"2026-01-31 08:00:01", at(2026, 1, 31, 8, 0, 1)},
		{"2026-01-31T07:00:00Z", at(2026, 1, 31, 8, 0, 0)},
		{"1600-01-01", math.MinInt64}, // before all that can be recorded
		{"2300-01-01", math.MaxInt64}, // and after it
		{"2262-04-11T23:47:16.854775807Z", math.MaxInt64},
		{"1677-09-21T00:12:43.145224192Z", math.MinInt64},
		{"2262-04-11T23:47:16.854775806Z", math.MaxInt64 - 1},
	} {
		if got, err := sinceTime(tt.in, now); got != tt.want || err != nil {
			t.Errorf("sinceTime(%q) = %d, %v; want %d", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []string{"yesterday", "25:00", "5", "2026-02-30"} {
		if got, err := sinceTime(in, now); statusOf(t.Context(), err) != exitUsage {
			t.Errorf("sinceTime(%q) = %d, %v; want a usage error", in, got, err)
		}
	}
}

func TestTableAligns(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	tab := newTable(&b, "NAME", "BYTES", "NOTE")
	row := func(name, bytes, note string) {
		tab.add(cell{text: name}, cell{text: bytes, right: true}, cell{text: note})
	}
	row("a", "1", "")
	row("日本", "1234567", "wide\ttext")
	if err := tab.flush(); err != nil {
		t.Fatal(err)
	}
	row("later", "", "x")
	if err := tab.flush(); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"NAME    BYTES  NOTE",
		"a           1",
		`日本  1234567  wide\ttext`,
		"later           x",
		"",
	}, "\n")
	if b.String() != want {
		t.Errorf("written:\n%s\nwant:\n%s", b.String(), want)
	}
}
