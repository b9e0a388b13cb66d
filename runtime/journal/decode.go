package journal

import (
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// decode makes an event of the slots of one record, whose checksums are right. It reports whether the text is in order.
func (r *Reader) decode(record []byte, e *sandbox.Event) bool {
	b := record[:slotSize]
	*e = sandbox.Event{
		Kind: sandbox.Kind(kind(get64(b))), At: int64(get64(b[8:])), Duration: time.Duration(get64(b[16:])),
		Socket: get64(b[24:]), Request: get64(b[32:]), Bytes: int64(get64(b[40:])), Reason: sandbox.CloseReason(b[48]),
	}
	has := uint16(get32(b[48:]) >> 16)
	if has == 0 {
		return true
	}
	if has&hasInfo != 0 {
		e.Info = new(sandbox.Info)
	}
	if has&hasReq != 0 {
		e.Req = new(sandbox.RequestInfo)
	}
	t := text{b: r.join(record), ok: true}
	for i, s := range texts(e) {
		if s != nil && has&(1<<i) != 0 {
			n := t.uvarint()
			if i := n - MaxString - 1; n > MaxString && i < uint64(len(sandbox.Phrases)) {
				*s = sandbox.Phrases[i]
				continue
			}
			*s = r.intern(t.take(n))
		}
	}
	if q := e.Req; q != nil {
		q.Status, q.BytesIn, q.BytesOut = int(t.uvarint()), int64(t.uvarint()), int64(t.uvarint())
	}
	return t.ok
}

// join returns the text of a record in one piece, valid until the next call.
func (r *Reader) join(record []byte) []byte {
	r.scratch = append(r.scratch[:0], record[textAt:slotSize]...)
	for at := slotSize; at < len(record); at += slotSize {
		r.scratch = append(r.scratch, record[at+wordSize:at+slotSize]...)
	}
	return r.scratch
}

// intern returns b as a string. Short ones (rules, errors, networks, call sites) come again and again, and a batch in
// flight should not hold a thousand copies of each.
func (r *Reader) intern(b []byte) string {
	if len(b) > 64 {
		return string(b)
	}
	if s, ok := r.words[string(b)]; ok {
		return s
	}
	if r.words == nil || len(r.words) >= 4096 {
		r.words = make(map[string]string)
	}
	s := string(b)
	r.words[s] = s
	return s
}

// text is read from the front. It stops being ok when it does not hold what is asked for, and then gives nothing.
type text struct {
	b  []byte
	ok bool
}

func (t *text) take(n uint64) []byte {
	if n > MaxString || n > uint64(len(t.b)) {
		t.b, t.ok = nil, false
		return nil
	}
	b := t.b[:n]
	t.b = t.b[n:]
	return b
}

func (t *text) uvarint() uint64 {
	var v uint64
	for i, c := range t.b {
		if i == 10 {
			break
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			t.b = t.b[i+1:]
			return v
		}
	}
	t.b, t.ok = nil, false
	return 0
}
