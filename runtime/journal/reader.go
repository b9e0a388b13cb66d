package journal

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// A Position is a place between two events of a journal; the zero Position is its beginning. What was read up to a
// position stays read: a reader opened there returns the events after it, and only those.
type Position struct {
	Segment int64 // number of a segment, from 1
	Offset  int64 // in its file, in bytes
}

// A Reader returns the events of a journal in the order in which they were reserved: the order of each goroutine, and between
// goroutines that of time, nearly. It belongs to one goroutine at a time. It may follow a writer that lives, in
// this process or another.
type Reader struct {
	dir, name string
	head      Header
	gone      bool  // the writer is dead
	failed    error // what every further Next returns
	first     int64 // number of the first segment that was not released

	f     *os.File // nil between two segments
	pos   Position
	end   int64  // of the slots in f
	buf   []byte // what was read of f last,
	base  int64  // from here on
	chunk int    // how much is read at once

	torn, damaged int64
	scratch       []byte
	words         map[string]string
}

const (
	minChunk = 4 << 10
	maxChunk = 128 << 10
)

// Open opens a journal for reading, at a position that an earlier Reader of it has returned. The error is a FormatError with ErrVersion or
// ErrDamaged when the journal cannot be understood, and fs.ErrNotExist when there is none. Of a journal whose segments were
// all released the Header is zero.
func Open(dir, name string, from Position) (*Reader, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	numbers, err := segments(dir, name)
	if err != nil {
		return nil, err
	}
	r := &Reader{dir: dir, name: name, pos: from, chunk: minChunk}
	if len(numbers) == 0 {
		r.first = max(from.Segment, 1)
		if _, err := os.Lstat(join(dir, name+lockSuffix)); err != nil {
			return nil, err
		}
		return r, nil
	}
	r.first = int64(numbers[0])
	if r.head, err = anyHeader(dir, name, numbers); err != nil {
		return nil, err
	}
	if from.Segment == 0 {
		r.pos = Position{Segment: r.first}
	}
	if _, err := r.enter(); err != nil {
		return nil, err
	}
	if err := r.checkOffset(from); err != nil {
		return nil, err
	}
	return r, nil
}

// anyHeader returns the first header that is intact.
func anyHeader(dir, name string, numbers []uint64) (h Header, err error) {
	for _, n := range numbers {
		if h, err = readHeader(segmentPath(dir, name, n)); !errors.Is(err, ErrDamaged) {
			break
		}
	}
	return h, err
}

func readHeader(path string) (Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return Header{}, err
	}
	defer f.Close()
	page := make([]byte, headerSize)
	n, err := f.ReadAt(page, 0)
	if err != nil && err != io.EOF {
		return Header{}, err
	}
	return parseHeader(path, page[:n])
}

// checkOffset returns an error when a position from outside cannot be one of this journal.
func (r *Reader) checkOffset(from Position) error {
	if r.f == nil || from.Segment != r.pos.Segment || from.Offset == 0 {
		return nil
	}
	if o := from.Offset; o < headerSize || o > max(r.end, headerSize) || o%slotSize != 0 {
		r.f.Close()
		return &FormatError{r.f.Name(), ErrPosition, "it was shortened, or the position is another journal's"}
	}
	r.pos.Offset = from.Offset
	return nil
}

// Header returns whose journal it is.
func (r *Reader) Header() Header { return r.head }

// Next fills batch with the events that follow, as far as they are committed, and returns how many these are. It
// never waits: 0 and nil mean that there is nothing new yet. 0 and io.EOF mean that nothing will ever follow, which is known after
// Close of the writer or WriterGone. Any other error stays.
func (r *Reader) Next(batch []sandbox.Event) (int, error) {
	for n := range batch {
		if err := r.event(&batch[n]); err != nil {
			if n > 0 || err == errNothingYet {
				err = nil
			}
			return n, err
		}
	}
	return len(batch), nil
}

// errNothingYet is what event and the functions below it say when the writer has to go on first.
var errNothingYet = errors.New("nothing yet")

// event reads one event, through gaps and into further segments.
func (r *Reader) event(e *sandbox.Event) error {
	for r.failed == nil {
		if r.f == nil {
			if ok, err := r.enter(); err != nil {
				r.failed = err
			} else if !ok {
				return r.nothing()
			}
			continue
		}
		switch found, err := r.step(e); {
		case err != nil:
			r.failed = err
		case found == anEvent:
			return nil
		case found == theEnd:
			r.leave()
			r.failed = io.EOF
		case found == fullStop:
			if ok, err := r.turn(); err != nil {
				r.failed = err
			} else if !ok {
				return r.nothing()
			}
		case found == aGap:
			return errNothingYet
		}
	}
	return r.failed
}

// nothing says that there is no further segment: not yet, or never.
func (r *Reader) nothing() error {
	if !r.gone {
		return errNothingYet
	}
	r.failed = io.EOF
	return io.EOF
}

// turn goes to the segment after this one if there is one.
func (r *Reader) turn() (bool, error) {
	numbers, err := segments(r.dir, r.name)
	if err != nil {
		return false, err
	}
	last := len(numbers) == 0 || int64(numbers[len(numbers)-1]) <= r.pos.Segment
	if last && r.pos.Offset < r.end { // the rest of it is empty
		return false, nil
	}
	r.leave()
	return true, nil
}

// leave ends the reading of a segment: the position is before the next one.
func (r *Reader) leave() {
	r.f.Close()
	r.f, r.buf = nil, nil
	r.pos = Position{Segment: r.pos.Segment + 1}
}

// enter opens the segment of the position, or the one after it that exists. It reports false when there is none.
func (r *Reader) enter() (bool, error) {
	numbers, err := segments(r.dir, r.name)
	if err != nil {
		return false, err
	}
	for _, n := range numbers {
		if int64(n) < r.pos.Segment {
			continue
		}
		if int64(n) > r.pos.Segment { // someone else has deleted some
			r.damaged += int64(n) - r.pos.Segment
			r.pos = Position{Segment: int64(n)}
		}
		return true, r.openSegment()
	}
	return false, nil
}

// openSegment opens the file of the position. A damaged header does not keep it from being read: each slot stands for itself.
func (r *Reader) openSegment() error {
	path := segmentPath(r.dir, r.name, uint64(r.pos.Segment))
	h, err := readHeader(path)
	if err != nil && !errors.Is(err, ErrDamaged) {
		return err
	}
	f, err2 := os.Open(path)
	if err2 != nil {
		return err2
	}
	info, err2 := f.Stat()
	if err2 != nil {
		f.Close()
		return err2
	}
	length := info.Size()
	if err != nil || length < h.size {
		r.damaged++
	}
	if err == nil {
		length = min(length, h.size)
	}
	r.f, r.end = f, length-length%slotSize
	r.pos.Offset = headerSize
	r.forget()
	return nil
}

// WriterGone tells the reader that the writer is dead: what is not committed will never be. Ask Alive, or wait for the process.
func (r *Reader) WriterGone() {
	r.gone = true
	r.forget()
}

// Torn returns how many slots were passed over because the writer was killed before it had committed them. Each is at most one event,
// of an operation that had not returned. What was reserved behind the last event is not seen, and not counted.
func (r *Reader) Torn() int64 { return r.torn }

// Damaged returns how many records, slots, headers and segments were passed over because they are not what a writer has
// written, or are missing.
func (r *Reader) Damaged() int64 { return r.damaged }

// Dropped returns how many events the writer could not keep. A living writer says so at most every 100 ms.
func (r *Reader) Dropped() uint64 { return readDropped(r.dir, r.name) }

// Position returns the place after the last event that Next has returned.
func (r *Reader) Position() Position { return r.pos }

// Release deletes the segments that lie wholly before p: call it when all before p is kept elsewhere. p is a position
// that this reader has returned.
func (r *Reader) Release(p Position) error {
	for r.first < min(p.Segment, r.pos.Segment) {
		if err := os.Remove(segmentPath(r.dir, r.name, uint64(r.first))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		r.first++
	}
	return nil
}

// Close ends the reading and keeps the files.
func (r *Reader) Close() error {
	r.failed = fs.ErrClosed
	if r.f == nil {
		return nil
	}
	err := r.f.Close()
	r.f = nil
	return err
}
