package web

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCalm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain, ünï":         "plain, ünï",
		"a\tb":               "a\tb",
		"\x1b[31mred\x1b[0m": "red",
		"\x1b]8;;http://x/\x1b\\link\x1b]8;;\x07": "link",
		"\x1b(Bx\x1bMy":  "xy",
		"a\x00b\rc\x7f":  "a␀b␍c␡",
		"\x1b":           "␛",
		"a\xffb":         "a\ufffdb",
		"a\u202eb\u0085": "a\ufffdb\ufffd",
	} {
		if got := calm(text); got != want {
			t.Errorf("calm(%q) = %q, want %q", text, got, want)
		}
	}
	if text, rest := cut("aé", 2); text != "a" || rest != 2 {
		t.Errorf("cut = %q, %d", text, rest)
	}
}

func FuzzCalm(f *testing.F) {
	for _, seed := range []string{"", "\x1b[1;31mx\x1b[m", "\x1b]0;t\x07", "\x1b\x1b[[mm", "\xff\x1b[\x80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := calm(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			t.Errorf("calm(%q) = %q", text, got)
		}
		if again := calm(got); again != got {
			t.Errorf("calm(%q) = %q, and again %q", text, got, again)
		}
		short, rest := cut(got, 5)
		if len(short)+rest != len(got) || !utf8.ValidString(short) {
			t.Errorf("cut(%q) = %q, %d", got, short, rest)
		}
	})
}
