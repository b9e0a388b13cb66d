package main

import (
	"fmt"
	"io"
	"strings"
)

// sheet is a heading with rows of a label and a text below it. A label is written once for rows that follow each other.
type sheet struct {
	p    palette
	b    strings.Builder
	last string // the label of the row before
}

func (s *sheet) line(format string, args ...any) {
	fmt.Fprintf(&s.b, format+"\n", args...)
	s.last = ""
}

// row writes a row, none for an empty text.
func (s *sheet) row(label, text string) {
	if text == "" {
		return
	}
	shown := label
	if label == s.last {
		shown = ""
	}
	fmt.Fprintf(&s.b, "  %s %s\n", s.p.dim.Render(fmt.Sprintf("%-8s", shown)), clean(text))
	s.last = label
}

func (s *sheet) write(w io.Writer) error {
	_, err := io.WriteString(w, s.b.String())
	return err
}
