package main

import (
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
)

// cell is a field of a table.
type cell struct {
	text  string
	style lipgloss.Style // the zero value leaves the text as it is
	right bool           // aligned to the right, as numbers are
}

// table writes rows in aligned columns. Rows are held until flush, which fits the columns to them; after the
// first flush a column only grows, so that rows which follow stay aligned with those above.
type table struct {
	w      io.Writer
	head   []string // written with the first flush
	style  palette
	widths []int
	rows   [][]cell
}

func newTable(w io.Writer, head ...string) *table {
	t := &table{w: w, head: head, style: newPalette(w), widths: make([]int, len(head))}
	return t
}

func (t *table) add(cells ...cell) {
	for i := range cells {
		cells[i].text = clean(cells[i].text)
	}
	t.rows = append(t.rows, cells)
}

// flush writes what was added since the last flush.
func (t *table) flush() error {
	if len(t.head) > 0 {
		head := make([]cell, len(t.head))
		for i, h := range t.head {
			head[i] = cell{text: h, style: t.style.dim, right: len(t.rows) > 0 && t.rows[0][i].right}
		}
		t.rows, t.head = append([][]cell{head}, t.rows...), nil
	}
	for _, row := range t.rows {
		for i, c := range row {
			t.widths[i] = max(t.widths[i], lipgloss.Width(c.text))
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		t.line(&b, row)
	}
	t.rows = nil
	_, err := io.WriteString(t.w, b.String())
	return err
}

// line writes a row without blanks at its end.
func (t *table) line(b *strings.Builder, row []cell) {
	gap := ""
	for i, c := range row {
		pad := strings.Repeat(" ", t.widths[i]-lipgloss.Width(c.text))
		if c.text == "" {
			gap += pad + "  "
			continue
		}
		b.WriteString(gap)
		if c.right {
			b.WriteString(pad)
			pad = ""
		}
		b.WriteString(c.style.Render(c.text))
		gap = pad + "  "
	}
	b.WriteByte('\n')
}
