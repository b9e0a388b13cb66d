package journal

import (
	"io"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// What a look at the slots of the position has found.
type found int

const (
	aSkip    found = iota // nothing, but the position has moved on
	anEvent               // the event before the position
	aGap                  // a slot that is reserved or free
	fullStop              // no slot, or free ones up to the end
	theEnd                // the end of the journal
	aWreck                // a slot that no writer has written
)

// step reads what stands at the position and moves over it. Bad news is believed only of bytes that were just read: the
// writer may have gone on since the buffer was filled, or while it was.
func (r *Reader) step(e *sandbox.Event) (found, error) {
	what, slots, err := r.look(e)
	if what >= aGap && !r.gone && err == nil {
		r.forget()
		what, slots, err = r.look(e)
	}
	if err != nil {
		return what, err
	}
	if what == aGap && r.gone {
		return r.skipGap()
	}
	if what == aWreck {
		r.damaged++
		what = aSkip
	}
	r.pos.Offset = min(r.pos.Offset+int64(slots)*slotSize, r.end)
	return what, nil
}

// look judges the slot of the position, and says how many there are to move over.
func (r *Reader) look(e *sandbox.Event) (what found, slots int, err error) {
	slot, err := r.view(1)
	if err != nil || slot == nil {
		return fullStop, 0, err
	}
	w := get64(slot)
	switch {
	case w == 0:
		return aGap, 0, nil
	case !intact(slot, uint64(r.pos.Segment), r.number()):
		return aWreck, 1, nil
	case mark(w) == markFirst:
		return r.record(size(w), e)
	case mark(w) == markMore: // its first slot was torn, or is damaged
		return aSkip, 1, nil
	case mark(w) == markPad:
		return aSkip, max(size(w), 1), nil
	case mark(w) == markEnd:
		return theEnd, 0, nil
	}
	return aWreck, 1, nil
}

// record reads the n slots of a record, the first of which is good.
func (r *Reader) record(n int, e *sandbox.Event) (found, int, error) {
	if n < 1 || n > maxSlots {
		return aWreck, 1, nil
	}
	record, err := r.view(n)
	if err != nil || record == nil {
		return aWreck, 1, err
	}
	for i := 1; i < n; i++ {
		slot := record[i*slotSize : (i+1)*slotSize]
		w := get64(slot)
		if mark(w) != markMore || size(w) != i || !intact(slot, uint64(r.pos.Segment), r.number()+uint64(i)) {
			return aWreck, n, nil
		}
	}
	if !r.decode(record, e) {
		return aWreck, n, nil
	}
	r.taken += len(record)
	return anEvent, n, nil
}

// skipGap goes to the next slot that is not empty; without one it stays, and the segment is done.
func (r *Reader) skipGap() (found, error) {
	from := r.pos.Offset
	for {
		slot, err := r.view(1)
		if err != nil {
			return aGap, err
		}
		if slot == nil {
			r.pos.Offset = from
			return fullStop, nil
		}
		if get64(slot) != 0 {
			r.torn += (r.pos.Offset - from) / slotSize
			return aSkip, nil
		}
		r.pos.Offset += slotSize
	}
}

// number returns the number of the slot at the position.
func (r *Reader) number() uint64 { return uint64(r.pos.Offset-headerSize) / slotSize }

// view returns n slots from the position on, nil when the segment has not so many. They are valid until the next call.
func (r *Reader) view(n int) ([]byte, error) {
	want := n * slotSize
	if r.pos.Offset+int64(want) > r.end {
		return nil, nil
	}
	at := r.pos.Offset - r.base
	if at < 0 || at+int64(want) > int64(len(r.buf)) {
		if err := r.fill(want); err != nil {
			return nil, err
		}
		at = 0
	}
	if len(r.buf) < want { // shortened since it was opened
		r.end = r.pos.Offset
		r.damaged++
		return nil, nil
	}
	return r.buf[at : at+int64(want)], nil
}

// fill reads from the position on: little after a halt, more and more while there is much.
func (r *Reader) fill(want int) error {
	length := min(int64(max(want, r.chunk)), r.end-r.pos.Offset)
	if int64(cap(r.buf)) < length {
		r.buf = make([]byte, max(length, maxChunk))
	}
	n, err := r.f.ReadAt(r.buf[:length], r.pos.Offset)
	if err != nil && err != io.EOF {
		return err
	}
	r.buf, r.base = r.buf[:n], r.pos.Offset
	r.chunk = min(r.chunk*2, maxChunk)
	return nil
}

// forget lets the next view read anew.
func (r *Reader) forget() { r.buf, r.chunk = r.buf[:0], minChunk }
