package sandbox

import (
	"bytes"
	"strings"
)

// secrets are names of headers whose values nobody may read.
type secrets struct {
	names   map[string]bool // in lower case
	longest int
}

func newSecrets(names []string) *secrets {
	if len(names) == 0 {
		return nil
	}
	s := &secrets{names: make(map[string]bool, len(names))}
	for _, n := range names {
		s.names[strings.ToLower(n)] = true
		s.longest = max(s.longest, len(n))
	}
	return s
}

// A mask puts stars in the place of secrets in one direction of a stream, byte for byte, however the stream is cut.
//
// In text it masks the value of each line that begins with a secret's name and a colon, and the lines that continue it
// (RFC 9110 and 9112). It looks at every line: whoever follows where bodies begin and end lets a secret through when
// he loses his place. In HTTP/2, which both ends begin with a frame of settings (RFC 9113, 3.4), the names are
// compressed: there it masks all that a frame of headers holds.
type mask struct {
	names *secrets // nil masks nothing

	state maskState
	name  []byte // of the line so far, in lower case
	gap   bool   // blanks follow the name
	text  bool   // the line is not empty
	past  bool   // a line has ended: the stream's first one is not yet known to be empty

	probe  int // bytes of a frame of settings seen, where one may begin, and 1; 0: it may not
	frame  [frameHeader]byte
	seen   int // bytes of the frame's header
	left   int // bytes of the frame's payload
	hidden bool
}

type maskState uint8

const (
	inName  maskState = iota
	inLine            // whose rest is nobody's secret
	inValue           // which is secret
	inFold            // a secret line has ended; a blank continues it
	inFrames
)

// Of HTTP/2: RFC 9113, 4.1 and 6.
const (
	frameHeader       = 9
	frameHeaders      = 0x1
	frameSettings     = 0x4
	framePushPromise  = 0x5
	frameContinuation = 0x9
)

// reset begins a new stream.
func (m *mask) reset() { *m = mask{names: m.names, name: m.name[:0]} }

// apply masks the next bytes of the stream, where they stand.
func (m *mask) apply(b []byte) {
	if m.names == nil {
		return
	}
	if !m.past {
		m.past, m.probe = true, 1
	}
	for i := 0; i < len(b); {
		switch {
		case m.state == inFrames:
			i += m.frames(b[i:])
		case m.state == inLine && m.probe == 0:
			if n := bytes.IndexByte(b[i:], '\n'); n > 0 {
				i += n
			} else if n < 0 {
				return
			}
			fallthrough
		default:
			m.settings(b[i])
			b[i] = m.line(b[i])
			i++
		}
	}
}

// line takes one byte of text, and returns what stands in its place.
func (m *mask) line(c byte) byte {
	if m.state == inFold {
		m.state = inName
		if c == ' ' || c == '\t' {
			m.state = inValue
			return c
		}
	}
	switch {
	case m.state == inFrames:
	case c == '\n':
		m.endLine()
	case c == '\r':
	case m.state == inValue:
		return '*'
	case m.state == inName:
		m.text = true
		m.naming(c)
	}
	return c
}

func (m *mask) endLine() {
	if !m.text {
		m.probe = 1
	}
	secret := m.state == inValue
	m.state, m.name, m.gap, m.text = inName, m.name[:0], false, false
	if secret {
		m.state = inFold
	}
}

// naming takes one byte of a line that may begin with a secret's name.
func (m *mask) naming(c byte) {
	switch {
	case c == ':':
		m.state = inLine
		if m.names.names[string(m.name)] {
			m.state = inValue
		}
	case c == ' ' || c == '\t':
		m.gap = true // some servers let blanks stand before the colon
		if len(m.name) == 0 {
			m.state = inLine
		}
	case m.gap || len(m.name) == m.names.longest:
		m.state = inLine
	default:
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		m.name = append(m.name, c)
	}
}

// settings takes one byte of what may be the first frame of HTTP/2: settings on stream 0 which acknowledge none. Those
// bytes are no secrets, so they pass for text until they are known.
func (m *mask) settings(c byte) {
	if m.probe == 0 {
		return
	}
	m.frame[m.probe-1] = c
	m.probe++
	ok := true
	switch m.probe - 1 {
	case 1, 5:
		ok = c == 0
	case 3:
		ok = (int(m.frame[1])<<8|int(c))%6 == 0 // each setting has six bytes
	case 4:
		ok = c == frameSettings
	case 6:
		ok = c&0x7f == 0
	case 7, 8, 9:
		ok = c == 0
	}
	switch {
	case !ok:
		m.probe = 0
	case m.probe > frameHeader:
		m.probe, m.state, m.seen = 0, inFrames, frameHeader
		m.left, m.hidden = int(m.frame[1])<<8|int(m.frame[2]), false
	}
}

// frames takes bytes of HTTP/2 up to the end of what they belong to, and returns how many those are.
func (m *mask) frames(b []byte) int {
	if m.seen == frameHeader {
		n := min(m.left, len(b))
		if m.hidden {
			for i := range b[:n] {
				b[i] = '*'
			}
		}
		if m.left -= n; m.left == 0 {
			m.seen = 0
		}
		return n
	}
	n := copy(m.frame[m.seen:], b)
	if m.seen += n; m.seen == frameHeader {
		f := m.frame
		m.left = int(f[0])<<16 | int(f[1])<<8 | int(f[2])
		m.hidden = f[3] == frameHeaders || f[3] == framePushPromise || f[3] == frameContinuation
		if m.left == 0 {
			m.seen = 0
		}
	}
	return n
}
