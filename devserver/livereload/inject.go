package livereload

import (
	"bytes"
	"io"
)

// injector is a document with a tag put into it. All other bytes are as they were, and come when they come.
type injector struct {
	io.Closer
	src  io.Reader
	tag  []byte
	scan scanner
	out  []byte // ready to be read
	held []byte // read, but where the tag goes is not known without more
	in   []byte
	done bool // what is still to come goes as it is
	err  error
}

// inject returns body with tag in it: as far in front as a script may stand without changing how the document is parsed. A
// document in an encoding that does not contain ASCII stays as it is.
func inject(body io.ReadCloser, tag string) io.ReadCloser {
	return &injector{Closer: body, src: body, tag: []byte(tag), in: make([]byte, 4096)}
}

func (j *injector) Read(p []byte) (int, error) {
	for len(j.out) == 0 && j.err == nil && !j.done {
		j.fill()
	}
	switch {
	case len(j.out) > 0:
		n := copy(p, j.out)
		j.out = j.out[n:]
		return n, nil
	case j.err != nil:
		return 0, j.err
	}
	return j.src.Read(p)
}

// fill reads once and finds out what of it may go.
func (j *injector) fill() {
	n, err := j.src.Read(j.in)
	data := append(j.held, j.in[:n]...)
	pass, found := j.scan.next(data)
	j.out, j.held, j.err = data[:pass:pass], data[pass:], err
	switch {
	case found:
		j.out = append(j.out, j.tag...)
		fallthrough
	case j.scan.foreign:
		j.out, j.held, j.done = append(j.out, j.held...), nil, true
	case err == io.EOF:
		j.out = append(append(j.out, j.tag...), j.held...)
	case err != nil:
		j.out = append(j.out, j.held...) // the answer is cut, as the app's was
	}
}

// scanner finds the place for a script in an HTML document: behind the start tag of head, or before the first thing that
// implies one. What may come before that, comments, a doctype, the start tag of html, is passed as the HTML standard's
// tokenizer (section 13.2.5) reads it.
type scanner struct {
	inside  func(*scanner, byte) bool // what is being passed; nil: nothing. True: this byte ends it
	last    bool                      // it is the start tag of head
	begun   bool                      // the first bytes have been looked at
	foreign bool                      // the encoding is UTF-16: no place

	dashes int  // in a row, in a comment
	bare   bool // nothing but dashes has come in the comment
	bang   bool // the last was the ! of --!
	quote  byte // that closes the value of an attribute, a space for one without quotes; 0: outside of one
	equals bool // a value may begin
}

var utf8BOM, utf16BOMs = []byte("\xef\xbb\xbf"), [][]byte{[]byte("\xfe\xff"), []byte("\xff\xfe")}

// next looks at more of the document. The first pass bytes are decided; found: the tag goes behind these. The rest must be
// handed in again, with what follows.
func (s *scanner) next(data []byte) (pass int, found bool) {
	if !s.begun {
		n, ok := s.begin(data)
		if pass = n; !ok || s.foreign {
			return pass, false
		}
	}
	for pass < len(data) {
		b := data[pass]
		switch {
		case s.inside != nil:
			pass++
			if s.inside(s, b) {
				s.inside = nil
				if s.last {
					return pass, true
				}
			}
		case isSpace(b):
			pass++
		case b != '<':
			return pass, true
		default:
			n, known := s.open(data[pass:])
			if !known {
				return pass, false
			}
			if n == 0 {
				return pass, true
			}
			pass += n
		}
	}
	return pass, false
}

// begin passes the byte order mark. It reports false when more bytes are needed.
func (s *scanner) begin(data []byte) (n int, ok bool) {
	for _, bom := range utf16BOMs {
		if bytes.HasPrefix(data, bom) {
			s.foreign = true
			return 0, true
		}
		if len(data) < len(bom) && bytes.HasPrefix(bom, data) {
			return 0, false
		}
	}
	switch {
	case bytes.HasPrefix(data, utf8BOM):
		n = len(utf8BOM)
	case len(data) < len(utf8BOM) && bytes.HasPrefix(utf8BOM, data):
		return 0, false
	}
	s.begun = true
	return n, true
}

// open looks at what begins with <. n bytes of it are passed, and what they begin is then inside; 0: a script goes before
// it. known is false when more bytes are needed.
func (s *scanner) open(data []byte) (n int, known bool) {
	if len(data) < 2 {
		return 0, false
	}
	switch {
	case bytes.HasPrefix(data, []byte("<!--")):
		s.inside, s.dashes, s.bare, s.bang = (*scanner).comment, 0, true, false
		return 4, true
	case len(data) < 4 && bytes.HasPrefix([]byte("<!--"), data):
		return 0, false
	case data[1] == '!', data[1] == '?':
		s.inside = (*scanner).declaration
		return 2, true
	}
	for _, name := range []string{"html", "head"} {
		got := data[1:min(len(data), 1+len(name))]
		switch {
		case !bytes.EqualFold(got, []byte(name[:len(got)])): // no letter of these has a relative outside of ASCII
		case len(data) < 2+len(name):
			return 0, false
		case endsName(data[1+len(name)]):
			s.inside, s.last, s.quote, s.equals = (*scanner).attributes, name == "head", 0, false
			return 1 + len(name), true
		}
	}
	return 0, true
}

func endsName(b byte) bool { return isSpace(b) || b == '/' || b == '>' }

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\f' || b == '\r' }

// declaration passes <!doctype …> and <?xml …>.
func (s *scanner) declaration(b byte) bool { return b == '>' }

// comment passes <!-- … -->, and the ways to close one too early or with an exclamation mark.
func (s *scanner) comment(b byte) bool {
	if b == '>' && (s.dashes >= 2 || s.bare || s.bang) {
		return true
	}
	s.bang = b == '!' && s.dashes >= 2
	s.bare = s.bare && b == '-' && s.dashes < 1
	if b == '-' {
		s.dashes++
	} else {
		s.dashes = 0
	}
	return false
}

// attributes passes those of a start tag, and the > that closes it.
func (s *scanner) attributes(b byte) bool {
	switch {
	case b == '>' && (s.quote == 0 || s.quote == ' '):
		return true
	case s.quote != 0:
		if b == s.quote || s.quote == ' ' && isSpace(b) {
			s.quote = 0
		}
	case s.equals && !isSpace(b):
		s.equals, s.quote = false, ' '
		if b == '"' || b == '\'' {
			s.quote = b
		}
	case b == '=':
		s.equals = true
	}
	return false
}
