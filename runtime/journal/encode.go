package journal

import (
	"unicode/utf8"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// The bits that say what the text of a record holds. hasInfo and hasReq carry no string of their own: the struct was
// there, even when all in it was empty.
const (
	hasInfo = 1 << 13
	hasReq  = 1 << 14

	textCount = 13 // bits 0 to 12, in the order of texts
)

// texts returns every string that an event can have, in the order in which they are written; nil for those of a
// missing Info or Req.
func texts(e *sandbox.Event) (t [textCount]*string) {
	t[0], t[1], t[2] = (*string)(&e.Rule), &e.Error, &e.Detail
	if i := e.Info; i != nil {
		t[3], t[4], t[5], t[6], t[7], t[8] = &i.Network, &i.Host, &i.Remote, &i.Local, &i.Standin, &i.CallSite
	}
	if q := e.Req; q != nil {
		t[9], t[10], t[11], t[12] = &q.Method, &q.URL, &q.RemoteAddr, &q.Proto
	}
	return t
}

// plain reports whether e has no text, so that it is one slot.
func plain(e *sandbox.Event) bool {
	return e.Rule == "" && e.Error == "" && e.Detail == "" && e.Info == nil && e.Req == nil
}

// measure returns what the text of e holds and the number of slots that e takes.
func measure(e *sandbox.Event) (has uint16, slots uint64) {
	n := 0
	for i, s := range texts(e) {
		if s != nil && *s != "" {
			has |= 1 << i
			n += textLen(*s)
		}
	}
	if e.Info != nil {
		has |= hasInfo
	}
	if q := e.Req; q != nil {
		has |= hasReq
		for _, v := range numbers(q) {
			n += uvarintLen(v)
		}
	}
	if n <= firstText {
		return has, 1
	}
	return has, uint64(1 + (n-firstText+moreText-1)/moreText)
}

// textLen is how many bytes a string takes, with its length.
func textLen(s string) int {
	if i := phrase(s); i >= 0 {
		return uvarintLen(uint64(MaxString + 1 + i))
	}
	l := len(clip(s))
	return uvarintLen(uint64(l)) + l
}

// phrase returns the place of s among sandbox.Phrases, -1 when it has none.
func phrase(s string) int {
	if len(s) < shortestPhrase {
		return -1
	}
	for i, p := range sandbox.Phrases {
		if s == p {
			return i
		}
	}
	return -1
}

// shortestPhrase saves most strings the comparison.
const shortestPhrase = len(sandbox.DefaultsUDP)

// numbers returns those of a request, which are never negative in earnest: one that is comes back as it was, in ten
// bytes.
func numbers(q *sandbox.RequestInfo) [3]uint64 {
	return [3]uint64{uint64(q.Status), uint64(q.BytesIn), uint64(q.BytesOut)}
}

// putNumbers writes all of e but its text into the payload of a first slot.
func putNumbers(slot []byte, e *sandbox.Event, has uint16) {
	b := slot[:slotSize]
	put64(b[8:], uint64(e.At))
	put64(b[16:], uint64(e.Duration))
	put64(b[24:], e.Socket)
	put64(b[32:], e.Request)
	put64(b[40:], uint64(e.Bytes))
	put32(b[48:], uint32(e.Reason)|uint32(has)<<16)
}

// putText writes the text of e into the slots of its record.
func putText(record []byte, e *sandbox.Event) {
	p := pen{record, textAt}
	for _, s := range texts(e) {
		if s == nil || *s == "" {
			continue
		}
		if i := phrase(*s); i >= 0 {
			p.uvarint(uint64(MaxString + 1 + i))
			continue
		}
		t := clip(*s)
		p.uvarint(uint64(len(t)))
		p.text(t)
	}
	if e.Req != nil {
		for _, v := range numbers(e.Req) {
			p.uvarint(v)
		}
	}
}

// A pen writes text into a record, past the words of its slots.
type pen struct {
	record []byte
	at     int
}

func (p *pen) text(s string) {
	for s != "" {
		if p.at%slotSize == 0 {
			p.at += wordSize
		}
		end := p.at/slotSize*slotSize + slotSize
		n := copy(p.record[p.at:end], s)
		p.at += n
		s = s[n:]
	}
}

func (p *pen) uvarint(v uint64) {
	for v >= 0x80 {
		p.byte(byte(v) | 0x80)
		v >>= 7
	}
	p.byte(byte(v))
}

func (p *pen) byte(b byte) {
	if p.at%slotSize == 0 {
		p.at += wordSize
	}
	p.record[p.at] = b
	p.at++
}

func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// clip shortens s to MaxString bytes, between two characters.
func clip(s string) string {
	if len(s) <= MaxString {
		return s
	}
	const dots = "…"
	n := MaxString - len(dots)
	for i := 0; i < utf8.UTFMax-1 && !utf8.RuneStart(s[n]); i++ {
		n--
	}
	return s[:n] + dots
}
