package worker

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
)

// keptLines is how much of a program's output is shown when it dies.
const keptLines = 50

// MaxLine is where a line without an end is broken: storage.MaxLine, which says the same of what is recorded.
const MaxLine = 64 << 10

// Stream names one of a program's outputs.
type Stream int

// The two outputs.
const (
	Stdout Stream = iota + 1
	Stderr
)

// A Line is a line that the program wrote, without its end.
type Line struct {
	Stream Stream
	Text   string
}

// output keeps the last lines of both streams, in the order in which they were read.
type output struct {
	hear func(Line) // may be nil; called with mu held, so that lines come one at a time

	mu    sync.Mutex
	lines []string // guarded by mu
}

func newOutput(hear func(Line)) *output { return &output{hear: hear} }

// read passes on the lines of r until it ends.
func (o *output) read(s Stream, r io.Reader) {
	br := bufio.NewReaderSize(r, MaxLine)
	for {
		text, err := br.ReadSlice('\n')
		if len(text) > 0 {
			o.add(Line{s, strings.TrimRight(string(text), "\r\n")})
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

func (o *output) add(l Line) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.lines) == keptLines {
		o.lines = slices.Delete(o.lines, 0, 1)
	}
	o.lines = append(o.lines, l.Text)
	if o.hear != nil {
		o.hear(l)
	}
}

func (o *output) last() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.lines)
}
