package main

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/charmbracelet/lipgloss"
)

// screen is standard error as a person reads it: lines that stay, and on a terminal one line of progress below
// them that is redrawn in place. It is safe for concurrent use.
type screen struct {
	width func() int // columns of the terminal; nil: not a terminal, and progress is one line a step

	mu     sync.Mutex
	w      io.Writer // guarded by mu, as are the next
	status string    // the progress shown now, "" for none
	drawn  int       // columns that it takes, 0: the cursor is at the start of an empty row
}

// Print writes text and a line end above the progress.
func (s *screen) Print(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aboveLocked(s.w, []byte(text+"\n"))
}

// Status shows progress instead of what was shown before; "" takes it away. Where nothing can be redrawn, each
// new text is a line.
func (s *screen) Status(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text == s.status {
		return
	}
	s.status = text
	if s.width == nil {
		if text != "" {
			_, _ = io.WriteString(s.w, text+"\n")
		}
		return
	}
	_, _ = io.WriteString(s.w, s.eraseLocked()+s.drawLocked())
}

// Redraw draws the progress for the terminal's width now. It is called when the terminal is another size, or was
// somebody else's meanwhile.
func (s *screen) Redraw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.width != nil && s.status != "" {
		_, _ = io.WriteString(s.w, s.eraseLocked()+s.drawLocked())
	}
}

// Leave takes the progress off the terminal, which is to be somebody else's until Redraw.
func (s *screen) Leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.w, s.eraseLocked())
}

// Above returns a writer for another stream that may be the same terminal: what it is given, whole lines, stands
// above the progress.
func (s *screen) Above(w io.Writer) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.aboveLocked(w, p)
	})
}

func (s *screen) aboveLocked(w io.Writer, p []byte) (int, error) {
	if s.width == nil || s.status == "" {
		return w.Write(p)
	}
	_, _ = io.WriteString(s.w, s.eraseLocked())
	n, err := w.Write(p)
	_, _ = io.WriteString(s.w, s.drawLocked())
	return n, err
}

// eraseLocked takes the cursor to the start of the row where the progress begins and empties all from there. A terminal
// that was made narrower has broken the progress into several rows.
func (s *screen) eraseLocked() string {
	if s.drawn == 0 {
		return ""
	}
	rows := 1
	if width := s.width(); width > 0 {
		rows = (s.drawn + width - 1) / width
	}
	s.drawn = 0
	if rows > 1 {
		return fmt.Sprintf("\r\x1b[%dA\x1b[J", rows-1)
	}
	return "\r\x1b[J"
}

func (s *screen) drawLocked() string {
	text := s.fitLocked()
	s.drawn = lipgloss.Width(text)
	return text
}

// fitLocked cuts the progress to one row of the terminal: a row that wraps cannot be redrawn.
func (s *screen) fitLocked() string {
	room := s.width() - 1
	if room < 1 || lipgloss.Width(s.status) <= room {
		return s.status
	}
	runes := []rune(s.status)
	for len(runes) > 0 && lipgloss.Width(string(runes)) > room-1 {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + "…"
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
