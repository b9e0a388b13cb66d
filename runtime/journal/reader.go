package journal

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// A Position is a place between two events of a journal; the zero Position is its beginning. What was read up to a
// position stays read: a reader opened there returns the events after it, and only those.
type Position struct {
	Segment int64 // number of a segment, from 1
	Offset  int64 // in its file, in bytes
}

// A Reader returns the events of a journal in the order in which they were reserved: the order of each goroutine,
// and between goroutines that of time, nearly. It belongs to one goroutine at a time. It may follow a writer that
// lives, in this process or another.
type Reader struct {
	dir, name string
	head      Header
	gone      bool  // the writer is dead
	fresh     bool  // nothing was read yet, at the beginning: what is missing was released
	failed    error // what every further Next returns
	first     int64 // number of the first segment that was not released, 0 before the first Release

	f     *os.File // nil between two segments
	pos   Position
	end   int64  // of the slots in f
	buf   []byte // what was read of f last,
	base  int64  // from here on
	chunk int    // how much is read at once

	taken         int  // bytes of the records that this Next has returned
	drained       bool // by the last Next
	torn, damaged int64
	scratch       []byte
	words         map[string]string
}

const (
	minChunk = 4 << 10
	maxChunk = 128 << 10
	maxTaken = 4 << 20
)

// Open opens a journal for reading, at a position that an earlier Reader of it has returned. The error is a
// FormatError with ErrVersion or ErrDamaged when the journal cannot be understood, and fs.ErrNotExist when there is
// none. A journal whose segments were all released can be opened.
func Open(dir, name string, from Position) (*Reader, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	head, err := readLock(dir, name)
	if err != nil {
		return nil, err
	}
	r := &Reader{dir: dir, name: name, head: head, pos: from, chunk: minChunk, fresh: from.Segment < 1}
	r.pos.Segment = max(from.Segment, 1)
	ok, err := r.enter()
	if err == nil && ok {
		err = r.check(from)
	} else if err == nil {
		_, err = os.Lstat(join(dir, name+lockSuffix)) // not begun yet, or all released
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// check returns an error when nobody knows whose journal it is, or a position from outside cannot be one of it.
func (r *Reader) check(from Position) error {
	if r.head == (Header{}) {
		if err := r.findHeader(); err != nil {
			return err
		}
	}
	if from.Segment != r.pos.Segment || from.Offset == 0 {
		return nil
	}
	if from.Offset < headerSize || from.Offset%slotSize != 0 {
		return &FormatError{r.f.Name(), ErrPosition, "no slot begins there: it is not a position of this journal"}
	}
	if r.pos.Offset = from.Offset; from.Offset > r.end { // the file was shortened
		r.pos.Offset = r.end
		r.damaged++
	}
	return nil
}

// findHeader looks for an intact header in every segment.
func (r *Reader) findHeader() error {
	numbers, err := segments(r.dir, r.name)
	for i := 0; i < len(numbers) && r.head == (Header{}) && err == nil; i++ {
		var f *os.File
		if f, err = os.Open(segmentPath(r.dir, r.name, numbers[i])); err == nil {
			_, _, err = r.readHeader(f)
			f.Close()
		}
	}
	if err == nil && r.head == (Header{}) {
		_, err = parseHeader(r.f.Name(), nil)
	}
	return err
}

// Header returns whose journal it is. It is zero when the journal was begun on a full disk and has no segment yet.
func (r *Reader) Header() Header { return r.head }

// Next fills batch with the events that follow, as far as they are committed and have together no more than about 4 MiB of
// text, and returns how many these are. It never waits: 0 and nil mean that there is nothing new yet. 0 and io.EOF mean that nothing will ever follow, which
// is known after Close of the writer or WriterGone. Any other error stays.
func (r *Reader) Next(batch []sandbox.Event) (int, error) {
	r.taken, r.drained = 0, false
	for n := range batch {
		if r.taken > maxTaken {
			return n, nil
		}
		if err := r.event(&batch[n]); err != nil {
			r.drained = true
			if n > 0 || err == errNothingYet {
				err = nil
			}
			return n, err
		}
	}
	return len(batch), nil
}

// Drained reports whether the last Next has returned all that was committed by then.
func (r *Reader) Drained() bool { return r.drained }

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
	wanted, fresh := r.pos.Segment, r.fresh
	err := r.openSegment(wanted)
	if !errors.Is(err, fs.ErrNotExist) {
		return err == nil, err
	}
	numbers, err := segments(r.dir, r.name)
	if err != nil {
		return false, err
	}
	after, _ := slices.BinarySearch(numbers, uint64(wanted))
	if after == len(numbers) {
		return false, nil
	}
	// They come into being in order, but a folder is not listed at one moment: the one wanted may be there after all.
	err = r.openSegment(wanted)
	if !errors.Is(err, fs.ErrNotExist) {
		return err == nil, err
	}
	next := int64(numbers[after])
	if err := r.openSegment(next); err != nil {
		return false, err
	}
	if !fresh { // someone else has deleted some
		r.damaged += next - wanted
	}
	return true, nil
}

// openSegment opens a segment and goes to its first slot. A damaged header does not keep it from being read: each
// slot stands for itself.
func (r *Reader) openSegment(number int64) error {
	path := segmentPath(r.dir, r.name, uint64(number))
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	length, intact, err := r.readHeader(f)
	if err != nil {
		f.Close()
		return err
	}
	if !intact {
		r.damaged++
	}
	r.f, r.end, r.fresh = f, length-length%slotSize, false
	r.pos = Position{Segment: number, Offset: headerSize}
	r.forget()
	return nil
}

// readHeader returns how long a segment is and whether its header and its length are in order. It keeps what the
// first intact header says.
func (r *Reader) readHeader(f *os.File) (length int64, intact bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, false, err
	}
	page := make([]byte, headerSize)
	n, err := f.ReadAt(page, 0)
	if err != nil && err != io.EOF {
		return 0, false, err
	}
	h, err := parseHeader(f.Name(), page[:n])
	if errors.Is(err, ErrDamaged) {
		return info.Size(), false, nil
	}
	if err != nil {
		return 0, false, err
	}
	if r.head == (Header{}) {
		r.head = h
	}
	return min(info.Size(), h.size), info.Size() >= h.size, nil
}

// WriterGone tells the reader that the writer is dead: what is not committed will never be. Ask Alive, or wait for
// the process.
func (r *Reader) WriterGone() {
	r.gone = true
	r.forget()
}

// Torn returns how many slots were passed over because the writer was killed before it had committed them. Each is
// at most one event, of an operation that had not returned. What was reserved behind the last event is not seen, and
// not counted.
func (r *Reader) Torn() int64 { return r.torn }

// Damaged returns how many records, slots, headers and segments were passed over because they are not what a writer has
// written, or are missing.
func (r *Reader) Damaged() int64 { return r.damaged }

// Dropped returns how many events the writer could not keep. A living writer says so at most every 100 ms.
func (r *Reader) Dropped() uint64 { return r.Counts().Dropped }

// Counts returns what the writer says beside the events. A living one says so at most every 100 ms.
func (r *Reader) Counts() Counts { return readCounts(r.dir, r.name) }

// Position returns the place after the last event that Next has returned.
func (r *Reader) Position() Position { return r.pos }

// Release deletes the segments that lie wholly before p: call it when all before p is kept elsewhere. p is a position
// that this reader has returned. A writer that has reached its limit waits as long as Release is called every now and then
// with another position.
func (r *Reader) Release(p Position) error {
	notePlace(r.dir, r.name, p)
	if r.first == 0 {
		numbers, err := segments(r.dir, r.name)
		if err != nil || len(numbers) == 0 {
			return err
		}
		r.first = int64(numbers[0])
	}
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
