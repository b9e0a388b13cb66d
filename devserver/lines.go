package devserver

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/worker"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// How much waits for the journal to be read. A pipe holds 64 KiB, so no more lines than that are journaled and still on
// their way here; the other way round it is as many as the app writes while a batch is.
const (
	maxOnTheWay     = 1 << 16 // lines in each of two generations
	maxWaiting      = 1 << 20 // lines
	maxWaitingBytes = 8 << 20 // of their text
)

// Whoever reads the pipe and whoever reads the journal break a long line at the same place: neither constant here may be
// below zero.
const _ = uint(storage.MaxLine-worker.MaxLine) + uint(worker.MaxLine-storage.MaxLine)

// lines finds out which lines of a worker came by its pipes alone, and has them recorded: what print, a panic or a child
// process wrote. Every other line is in the journal before it is in the pipe, so once all of the journal is
// read up to a line's arrival, a line that is not among those read is one of them. Lines are told apart by their text.
type lines struct {
	db   *storage.DB
	run  int64
	app  string
	warn func(format string, args ...any)

	missing int64 // lines of which no gap tells yet; settle's own

	mu      sync.Mutex
	streams [2]lineStream // guarded by mu
	marks   [2]uint64     // how many lines had been heard when all was read, the last time and before; guarded by mu
	heard   uint64        // guarded by mu
}

// lineStream is standard output or standard error.
type lineStream struct {
	joiner   storage.Joiner
	onTheWay [2]map[uint64]int // journaled and not heard yet, by hash; the second holds the older ones
	waiting  []waitingLine     // heard and not journaled yet, in order
	unpaired map[uint64]int    // how many of waiting are, by hash
	paired   map[uint64]int    // how many of waiting have turned out to be journaled since
	bytes    int               // of the text of waiting
	unknown  int64             // lines that there was no room for
}

type waitingLine struct {
	hash   uint64
	at     int64
	number uint64 // of lines.heard
	text   string
	cut    bool // the text was not kept
}

var lineSeed = maphash.MakeSeed()

func newLines(db *storage.DB, run int64, app string, warn func(string, ...any)) *lines {
	l := &lines{db: db, run: run, app: app, warn: warn}
	for i := range l.streams {
		s := &l.streams[i]
		s.onTheWay = [2]map[uint64]int{{}, {}}
		s.unpaired, s.paired = map[uint64]int{}, map[uint64]int{}
	}
	return l
}

// hear takes in a line that came by a pipe. It does not block but for a moment.
func (l *lines) hear(line worker.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard++
	l.streams[line.Stream-worker.Stdout].hear(waitingLine{
		hash: maphash.String(lineSeed, line.Text), at: time.Now().UnixNano(), number: l.heard, text: line.Text,
	})
}

func (s *lineStream) hear(w waitingLine) {
	for _, m := range s.onTheWay {
		if take(m, w.hash) {
			return
		}
	}
	if len(s.waiting) >= maxWaiting {
		s.unknown++
		return
	}
	if s.bytes+len(w.text) > maxWaitingBytes {
		w.text, w.cut = "", true
	}
	s.bytes += len(w.text)
	s.waiting = append(s.waiting, w)
	s.unpaired[w.hash]++
}

// take takes one of m[h] away, if there is one.
func take(m map[uint64]int, h uint64) bool {
	n := m[h]
	if n > 1 {
		m[h] = n - 1
	} else if n == 1 {
		delete(m, h)
	}
	return n > 0
}

// journaled takes in what was read from the journal.
func (l *lines) journaled(events []sandbox.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range events {
		e := &events[i]
		if e.Kind != sandbox.KindStdout && e.Kind != sandbox.KindStderr {
			continue
		}
		s := &l.streams[e.Kind-sandbox.KindStdout]
		s.joiner.Add(e.At, 0, e.Detail, func(line storage.Line) error {
			s.pair(line)
			return nil
		})
	}
}

// pair finds the line that was heard, or notes that it will be.
func (s *lineStream) pair(line storage.Line) {
	h := maphash.String(lineSeed, line.Text)
	if !take(s.unpaired, h) {
		if len(s.onTheWay[0]) >= maxOnTheWay { // the program writes where nobody hears it
			s.onTheWay[1], s.onTheWay[0] = s.onTheWay[0], map[uint64]int{}
		}
		s.onTheWay[0][h]++
		return
	}
	s.paired[h]++
	for len(s.waiting) > 0 && take(s.paired, s.waiting[0].hash) { // mostly they come in order
		s.drop()
	}
}

// drop forgets the first of waiting.
func (s *lineStream) drop() {
	s.bytes -= len(s.waiting[0].text)
	s.waiting[0] = waitingLine{}
	if s.waiting = s.waiting[1:]; len(s.waiting) == 0 {
		s.waiting = nil
	}
}

// quiet is called when all of the journal is read, a moment after the last time. A goroutine that has its place in the journal and was
// interrupted there holds up those behind it for a moment, so it is the second quiet that counts.
func (l *lines) quiet() {
	l.mu.Lock()
	before := l.marks[1]
	l.marks[1], l.marks[0] = l.marks[0], l.heard
	l.mu.Unlock()
	l.settle(before)
}

// settle records what was heard up to a line's number and is not in the journal.
func (l *lines) settle(upTo uint64) {
	for i, k := range [2]sandbox.Kind{sandbox.KindStdout, sandbox.KindStderr} {
		l.mu.Lock()
		alone, lost, unknown := l.streams[i].alone(upTo)
		l.mu.Unlock()
		if err := l.record(k, alone); err != nil {
			lost += int64(len(alone))
			l.warn("lines that %s wrote by print, a panic or a child process are not recorded: %v", l.app, err)
		}
		if l.missing += lost; l.missing > 0 || unknown {
			l.gap()
		}
	}
}

// alone takes out of waiting what came up to a number and is not journaled. lost says of how many the text was not
// kept, unknown that there are more of which nothing is known.
func (s *lineStream) alone(upTo uint64) (list []storage.Line, lost int64, unknown bool) {
	if len(s.waiting) == 0 || s.waiting[0].number > upTo {
		return nil, 0, false
	}
	var later []waitingLine
	for i, w := range s.waiting {
		if w.number > upTo {
			later = s.waiting[i:]
			break
		}
		s.bytes -= len(w.text)
		switch {
		case take(s.paired, w.hash):
			continue
		case w.cut:
			lost++
		default:
			list = append(list, storage.Line{At: w.at, Text: w.text, Broken: len(w.text) == storage.MaxLine})
		}
		take(s.unpaired, w.hash)
	}
	s.waiting = append([]waitingLine(nil), later...)
	unknown, s.unknown = s.unknown > 0, 0
	return list, lost, unknown
}

// record adds lines in pieces that do not hold up the journals for long.
func (l *lines) record(k sandbox.Kind, list []storage.Line) error {
	const atOnce = 4096
	for len(list) > 0 {
		n := min(len(list), atOnce)
		if err := l.db.AddLines(l.run, l.app, k.String(), list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

func (l *lines) gap() {
	err := l.db.AddGap(record.Gap{RunID: l.run, App: l.app, At: time.Now().UnixNano(), Events: l.missing,
		Reason: "log lines by print, a panic or a child process that could not be kept"})
	if err != nil {
		l.warn("%v", err)
		return
	}
	l.missing = 0
}

// end is called when the worker is dead. whole says that all of its journal is read; otherwise the next start reads
// the rest, and which lines are not in it nobody knows.
func (l *lines) end(whole bool) {
	l.mu.Lock()
	for i := range l.streams {
		if line, ok := l.streams[i].joiner.End(); ok {
			l.streams[i].pair(line)
		}
	}
	last, waiting := l.heard, len(l.streams[0].waiting)+len(l.streams[1].waiting)
	l.mu.Unlock()
	switch {
	case whole:
		l.settle(last)
	case waiting > 0:
		l.gap()
	}
}
