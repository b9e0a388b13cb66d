package main

import (
	"io"
	"strings"
	"sync"

	"github.com/charmbracelet/lipgloss"
)

// clearLine takes the cursor to the line's start and empties the line.
const clearLine = "\r\x1b[K"

// screen is standard error as a person reads it: lines that stay, and on a terminal one line of progress below
// them that is redrawn in place. It is safe for concurrent use.
type screen struct {
	width func() int // columns of the terminal; nil: not a terminal, and progress is one line a step

	mu     sync.Mutex
	w      io.Writer // guarded by mu, as is status
	status string    // the progress shown now, "" for none
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
	_, _ = io.WriteString(s.w, clearLine+s.fitLocked())
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
	_, _ = io.WriteString(s.w, clearLine)
	n, err := w.Write(p)
	_, _ = io.WriteString(s.w, s.fitLocked())
	return n, err
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
