package storage

import "strings"

// MaxLine is where a line without an end is broken, in bytes: what follows counts as the next line. A supervisor that
// compares what it reads with what is recorded breaks lines there too.
const MaxLine = 64 << 10

// A Line is what a program wrote on one of its streams, up to an end of line, to [MaxLine] or to its own end.
type Line struct {
	At      int64  // when it began to be written
	Request uint64 // whose goroutine wrote it, or the first piece of it that a request's did; 0: no request's
	Text    string // as it was written, without the end of the line
	Broken  bool   // it goes on in the next line
}

// A Joiner makes lines of what was written on one stream piece by piece. Its zero value is ready.
type Joiner struct {
	piece   []byte // of a line that has no end yet
	at      int64  // of that line
	request uint64
}

// Add takes in what was written and tells say of each line that is complete, until say returns an error.
func (j *Joiner) Add(at int64, request uint64, text string, say func(Line) error) error {
	for text != "" {
		if len(j.piece) == 0 {
			j.at, j.request = at, 0
		}
		if j.request == 0 {
			j.request = request
		}
		part := text[:min(len(text), MaxLine-len(j.piece))]
		end := strings.IndexByte(part, '\n') + 1
		if end > 0 {
			part = part[:end]
		}
		text = text[len(part):]
		switch {
		case len(j.piece) == 0 && (end > 0 || len(part) == MaxLine):
		case end == 0 && len(j.piece)+len(part) < MaxLine:
			j.piece = append(j.piece, part...)
			continue
		default:
			part = string(append(j.piece, part...))
		}
		j.piece = j.piece[:0]
		if err := say(j.line(part, end == 0)); err != nil {
			return err
		}
	}
	return nil
}

func (j *Joiner) line(text string, broken bool) Line {
	return Line{At: j.at, Request: j.request, Text: strings.TrimRight(text, "\r\n"), Broken: broken}
}

// End returns what is left when nothing more is written; ok is false when nothing is.
func (j *Joiner) End() (l Line, ok bool) {
	if len(j.piece) == 0 {
		return Line{}, false
	}
	l = j.line(string(j.piece), false)
	j.piece = j.piece[:0]
	return l, true
}

// shown is the text that the recording holds: UTF-8 whatever the program wrote, and marked where it goes on.
func (l Line) shown() string {
	text := strings.ToValidUTF8(l.Text, "\uFFFD")
	if l.Broken {
		text += "…"
	}
	return text
}
