package web

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// ansi are the sequences that colour a terminal or move its cursor: CSI, OSC and the two-letter ones.
var ansi = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[ -/]*[0-Z\\\\^-~])")

// calm makes what a program wrote fit for a page: colours for a terminal are left out, other control characters are
// shown by their pictures, and what would turn the direction of the text around is a replacement character.
func calm(text string) string {
	text = ansi.ReplaceAllString(strings.ToValidUTF8(text, string(utf8.RuneError)), "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return r
		case r < 0x20:
			return 0x2400 + r
		case r == 0x7f:
			return 0x2421
		case r > 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x2028, r == 0x2029:
			return utf8.RuneError
		}
		return r
	}, text)
}

// cut shortens a text to at most so many bytes without breaking a letter, and returns how many were left out.
func cut(text string, most int) (string, int) {
	if len(text) <= most {
		return text, 0
	}
	end := most
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end], len(text) - end
}

// brief is the calm beginning of a text of others.
func brief(most int, text string) string {
	short, rest := cut(text, most)
	if rest > 0 {
		short += "…"
	}
	return calm(short)
}
