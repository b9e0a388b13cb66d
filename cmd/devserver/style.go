package main

import (
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"golang.org/x/term"
)

// palette colours what a person reads. It uses the terminal's own sixteen colours, so that every theme fits;
// on anything but a terminal, and with NO_COLOR, it leaves text as it is.
type palette struct{ strong, dim, ok, warn, bad, cut lipgloss.Style }

func newPalette(w io.Writer) palette {
	r := lipgloss.NewRenderer(w)
	colour := func(c string) lipgloss.Style { return r.NewStyle().Foreground(lipgloss.Color(c)) }
	return palette{
		strong: r.NewStyle().Bold(true),
		dim:    r.NewStyle().Faint(true),
		ok:     colour("2"),
		warn:   colour("3"),
		bad:    colour("1"),
		cut:    colour("5"),
	}
}

// labels colour the names in front of the apps' lines, each app's in its own, by the stream that they stand in.
type labels struct{ out, err []lipgloss.Style }

// labelColours are the sixteen's that say neither good nor bad.
var labelColours = []string{"6", "5", "4", "14", "13", "12"}

func newLabels(stdout, stderr io.Writer) labels {
	styles := func(w io.Writer) (all []lipgloss.Style) {
		r := lipgloss.NewRenderer(w)
		for _, c := range labelColours {
			all = append(all, r.NewStyle().Foreground(lipgloss.Color(c)))
		}
		return all
	}
	return labels{styles(stdout), styles(stderr)}
}

func (l labels) label(name string, i int, stderr bool) string {
	styles := l.out
	if stderr {
		styles = l.err
	}
	return styles[i%len(styles)].Render(name)
}

// state is the style of a socket's state; the word stands beside it, colour alone says nothing.
func (p palette) state(s string) lipgloss.Style {
	switch s {
	case "open":
		return p.ok
	case "denied":
		return p.bad
	case "reclaimed":
		return p.cut
	case "failed":
		return p.warn
	}
	return p.dim
}

// isTerminal reports whether w is a terminal on which a line can be redrawn.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// clean makes text that came from elsewhere fit to be shown: what would steer a terminal, or break a line, is
// written as Go does in quotes.
func clean(s string) string {
	if strings.IndexFunc(s, steers) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if steers(r) {
			b.WriteString(quoteRune(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
