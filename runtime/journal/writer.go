package journal

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/seed-d81df0db/devserver/sandbox"
)

const (
	firstSegment = 256 << 10 // also the smallest: the longest record is half of it
	fullSegment  = 16 << 20
	growth       = 4
	retryAfter   = 100e6 // nanoseconds between two attempts to get a segment when the last one failed
)

// Options say whose journal it is.
type Options struct {
	App     string // whose events they are
	Run     int64  // runs.id of the recording; 0 when there is none
	Segment int    // size of a full segment in bytes, 0 is 16 MiB; less than 256 KiB counts as that
	// Limit is how many bytes of segments there may be at a time, 0: any number; less than MinLimit counts as that. Where
	// the next segment would be too much, Record waits until the reader has deleted one.
	Limit int64

	unmapped bool // as where mmap is impossible, for tests
}

// A Writer records the events of this process. All of its methods may be called by any number of goroutines.
type Writer struct {
	dir, name string
	mapped    bool
	full      int64 // size of a full segment
	limit     int64 // of all segments together; 0: none

	current atomic.Pointer[segment]
	dropped atomic.Uint64
	retryAt atomic.Int64 // no segment is tried before, nanoseconds since 1970
	noteAt  atomic.Int64 // the number of dropped events is not written before
	closed  atomic.Bool

	refused atomic.Uint64 // how many of those dropped were so because of the limit
	slowed  atomic.Uint64 // nanoseconds
	stalled atomic.Bool   // the reader has not got on for so long that nobody waits for it

	turnstile sync.Mutex // held by the one that waits for the reader; taken before mu

	mu      sync.Mutex // segments come and go under it
	head    Header     // of the newest segment
	next    *segment   // prepared ahead
	retired []*segment // full; perhaps some goroutine still writes into them
	kept    []place    // made and not known to be deleted, the oldest first; only with a limit
	size    int64      // of these together
	lock    int        // the descriptor that says that this process is alive
	err     error
}

var _ sandbox.Recorder = (*Writer)(nil)

// Create begins the journal of this process in the folder dir, which must exist. There must be no journal of that
// name: the error is syscall.EEXIST then.
func Create(dir, name string, o Options) (*Writer, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	dir, err := absolute(dir)
	if err != nil {
		return nil, err
	}
	h := Header{App: o.App[:min(len(o.App), maxApp)], Run: o.Run, PID: syscall.Getpid(), Started: now()}
	fd, err := lock(dir, name, h)
	if err != nil {
		return nil, err
	}
	if o.Segment == 0 {
		o.Segment = fullSegment
	}
	w := &Writer{dir: dir, name: name, mapped: !o.unmapped, lock: fd, head: h}
	if o.Limit > 0 {
		w.limit = max(o.Limit, MinLimit)
		o.Segment = int(min(int64(o.Segment), w.limit/minSegments))
	}
	w.full = max(int64(o.Segment)/headerSize*headerSize, firstSegment)
	w.current.Store(&segment{fd: -1}) // full
	if w.advance(w.current.Load(), 0) == nil && !noRoom(w.err) {
		syscall.Unlink(join(dir, name+lockSuffix))
		syscall.Close(fd)
		return nil, w.err
	}
	return w, nil
}

// Record keeps e: when it has returned, e is found even if this process is killed. When there is no room, or after
// Close, e is dropped and counted. It does not block but for a change of segments, where the journal has reached its limit
// until the reader has deleted one, and does not allocate unless a string of e is longer than MaxString.
func (w *Writer) Record(e sandbox.Event) {
	var has uint16
	n := uint64(1)
	if !plain(&e) {
		has, n = measure(&e)
	}
	for s := w.current.Load(); s != nil; {
		slot := s.tail.Add(n) - n
		if slot+n > s.slots {
			s = w.advance(s, slot)
			continue
		}
		if s.put(slot, n, &e, has) != nil {
			break
		}
		if half := s.slots / 2; slot < half && slot+n >= half {
			w.prepare(s)
		}
		return
	}
	w.drop()
}

// drop counts an event that is not kept, and sees to it that the reader learns the number even if this process is
// killed.
func (w *Writer) drop() {
	if w.stalled.Load() && !w.closed.Load() {
		w.refused.Add(1)
	}
	w.dropped.Add(1)
	at, t := w.noteAt.Load(), now()
	if !tooEarly(t, at) && w.noteAt.CompareAndSwap(at, t+retryAfter) {
		w.note()
	}
}

// tooEarly reports whether t is before a time that was retryAfter ahead. One that is further ahead is of a clock that was set back since.
func tooEarly(t, at int64) bool { return t < at && at-t <= retryAfter }

// note writes the counts where the reader finds them.
func (w *Writer) note() {
	noteCounts(w.dir, w.name, Counts{Dropped: w.dropped.Load(), Refused: w.refused.Load(), Slowed: w.slowed.Load()})
}

// noRoom reports whether err may pass by itself: the disk, the quota or the largest file is reached.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// Dropped returns how many events were not kept since Create.
func (w *Writer) Dropped() uint64 { return w.dropped.Load() }

// Err returns why events are being dropped: what the attempt to get a segment said, or ErrClosed. It is nil while
// they are kept.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// prepare makes the next segment ahead of time. It is called once a segment, by whoever passes the middle of it; the
// others go on. Should it not come to it, advance makes up for it.
func (w *Writer) prepare(s *segment) {
	if !w.mu.TryLock() {
		return
	}
	defer w.mu.Unlock()
	if w.next == nil && w.current.Load() == s && !w.closed.Load() {
		w.next, _ = w.newSegmentLocked()
	}
}

// advance returns the segment after s, in which the slot number slot was the first that the caller could not have,
// or nil when there is none.
func (w *Writer) advance(s *segment, slot uint64) *segment {
	if slot < s.slots { // only one caller gets the rest, which is too small for it
		s.mark(slot, markPad, s.slots-slot)
	}
	if w.closed.Load() || w.current.Load() == s && tooEarly(now(), w.retryAt.Load()) {
		return nil
	}
	next, full := w.turn(s)
	if full {
		return w.wait(s)
	}
	return next
}

// turn makes the segment after s the current one, unless another goroutine has done so, and returns it: nil where none can
// be had. full says that the journal's limit is why.
func (w *Writer) turn(s *segment) (next *segment, full bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed.Load() {
		return nil, false
	}
	if cur := w.current.Load(); cur != s {
		return cur, false
	}
	if w.next == nil {
		if w.next, w.err = w.newSegmentLocked(); w.err != nil {
			w.reap()
			if s.settled(s.slots) { // when the reader has deleted it too, this is the room that is missing
				s.release()
			}
			if w.err == ErrLimit {
				return nil, true
			}
			w.stalled.Store(false) // it is the disk now
			w.retryAt.Store(now() + retryAfter)
			return nil, false
		}
	}
	w.retired = append(w.retired, s)
	s, w.next, w.err = w.next, nil, nil
	w.stalled.Store(false)
	w.current.Store(s)
	w.reap()
	if w.dropped.Load() > 0 {
		w.note()
	}
	return s, false
}

// newSegmentLocked makes the segment after the newest one. The error is ErrLimit when the reader has to delete some first.
func (w *Writer) newSegmentLocked() (*segment, error) {
	h := w.head
	h.segment++
	h.size = min(max(h.size*growth, firstSegment), w.full)
	if !w.mapped {
		h.size = firstSegment // each is held in memory twice
	}
	if !w.roomLocked(h.size) {
		return nil, ErrLimit
	}
	s, err := newSegment(w.dir, w.name, h, w.mapped)
	if err != nil {
		return nil, err
	}
	w.head = h
	if w.limit > 0 {
		w.kept, w.size = append(w.kept, place{h.segment, h.size}), w.size+h.size
	}
	return s, nil
}

// reap gives back the memory of the segments in which nobody writes any more. Those that the reader has deleted
// then also leave the disk.
func (w *Writer) reap() {
	busy := w.retired[:0]
	for _, s := range w.retired {
		if !s.settled(s.slots) {
			busy = append(busy, s)
			continue
		}
		s.release()
	}
	clear(w.retired[len(busy):])
	w.retired = busy
}

// Close ends the journal: a reader that has read it all gets io.EOF. What is recorded afterwards is dropped. A
// process that ends need not call it.
func (w *Writer) Close() error {
	if !w.closed.CompareAndSwap(false, true) {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.current.Load()
	const beyond = 1 << 62 // so that every later reservation fails
	end := s.tail.Add(beyond) - beyond
	if end < s.slots {
		s.mark(end, markEnd, 0)
	}
	end = min(end, s.slots)
	for try := 0; try < 1000 && !s.settled(end); try++ {
		runtime.Gosched() // someone is about to commit
	}
	if s.settled(end) {
		s.release()
	}
	w.reap()
	var err error
	if w.next != nil {
		w.next.release()
		err = unlink(w.next.path)
		w.next = nil
	}
	if w.dropped.Load() > 0 {
		w.note()
	}
	w.err = ErrClosed
	syscall.Close(w.lock)
	return err
}

// absolute makes dir independent of the working directory, which the program may change.
func absolute(dir string) (string, error) {
	if dir != "" && dir[0] == os.PathSeparator {
		return dir, nil
	}
	wd, err := os.Getwd()
	if err != nil || dir == "" {
		return wd, err
	}
	return join(wd, dir), nil
}

// now is the machine's clock, in nanoseconds since 1970 UTC. time.Now is not: in a bubble of testing/synctest it
// stands still.
func now() int64 {
	var tv syscall.Timeval
	if syscall.Gettimeofday(&tv) != nil {
		return 0
	}
	return tv.Nano()
}
