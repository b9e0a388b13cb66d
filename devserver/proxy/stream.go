package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
)

const (
	firstBuffer = 4 << 10  // of a connection, which most heads fit
	largeBuffer = 64 << 10 // of one that carries much
	maxHead     = 1<<20 + 4096
)

// errLongHead says that a head is longer than net/http's server takes: http.DefaultMaxHeaderBytes and its slop.
var errLongHead = errors.New("the head is too long")

// stream reads a connection ahead, so that heads can be looked at before they are passed on. One goroutine uses it.
type stream struct {
	r    io.Reader
	buf  []byte
	from int  // the first byte that nobody has taken
	to   int  // behind the last that was read
	full bool // the last read filled the buffer
}

// bytes are those that were read and not taken. They are good until the next call of fill.
func (s *stream) bytes() []byte { return s.buf[s.from:s.to] }

// skip takes n bytes.
func (s *stream) skip(n int) {
	s.from += n
	if s.from == s.to {
		s.from, s.to = 0, 0
	}
}

// fill waits for more bytes behind those that are there. It makes room for them, whatever the length.
func (s *stream) fill() error {
	if s.from > 0 {
		s.from, s.to = 0, copy(s.buf, s.bytes())
	}
	switch {
	case s.buf == nil:
		s.buf = make([]byte, firstBuffer)
	case s.to == len(s.buf):
		s.grow()
	}
	n, err := s.r.Read(s.buf[s.to:])
	s.to += n
	s.full = s.to == len(s.buf)
	if n > 0 {
		return nil // the error comes again
	}
	return err
}

func (s *stream) grow() {
	more := make([]byte, max(2*len(s.buf), largeBuffer))
	copy(more, s.buf[:s.to])
	s.buf = more
}

// next gives bytes, waiting only if there are none. A full buffer says that more will come: it gets a larger one.
func (s *stream) next() ([]byte, error) {
	if s.from == s.to {
		if s.full && len(s.buf) < largeBuffer {
			s.buf = largeBuffers.Get().(*[largeBuffer]byte)[:]
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
	return s.bytes(), nil
}

// rest gives up the room that a stream needs no more which carries nothing for now.
func (s *stream) rest() {
	if s.from != s.to || len(s.buf) < largeBuffer {
		return
	}
	if len(s.buf) == largeBuffer {
		largeBuffers.Put((*[largeBuffer]byte)(s.buf))
	}
	s.buf, s.full = nil, false
}

// largeBuffers are those that no stream uses.
var largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

// Read makes an io.Reader of what is left.
func (s *stream) Read(p []byte) (int, error) {
	if s.from == s.to {
		return s.r.Read(p)
	}
	n := copy(p, s.bytes())
	s.skip(n)
	return n, nil
}

// closeWrite ends what c is sent. A connection that cannot do this is closed.
func closeWrite(c net.Conn) {
	if h, ok := c.(interface{ CloseWrite() error }); ok {
		h.CloseWrite()
		return
	}
	c.Close()
}

// reset closes c so that the other end sees a reset, not an end.
func reset(c net.Conn) {
	under := c
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		under = t.NetConn()
	}
	if t, ok := under.(interface{ SetLinger(int) error }); ok {
		t.SetLinger(0)
		under.Close()
	}
	c.Close()
}
