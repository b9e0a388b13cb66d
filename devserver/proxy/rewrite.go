package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"slices"
)

// rewrite has Config.Rewrite look at the answer whose head, n bytes, has come, and sends what it makes of it; b, the body as
// it comes, has then passed. It reports false if that is nothing else: the answer is then to pass as it is.
func (l *link) rewrite(t *turn, n int, a *answerHead, b *body) (changed bool, err error) {
	rewrite := l.session.proxy.conf.Rewrite
	if rewrite == nil || b.done() && t.req.Method != http.MethodHead {
		return false, nil
	}
	head := bytes.Clone(l.out.bytes()[:n])
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), t.req)
	if err != nil {
		return false, nil // not as net/http would have it
	}
	came := &answerBody{out: &l.out, b: *b}
	was := res.Header.Clone()
	res.Body = came
	rewrite(l.target.backend, t.req, res)
	same := len(was) == len(res.Header)
	for name, v := range was {
		same = same && slices.Equal(v, res.Header[name])
	}
	if same && res.Body == io.ReadCloser(came) {
		return false, nil
	}
	l.out.skip(n)
	if res.Body == io.ReadCloser(came) { // the headers alone
		out, blank := changedHead(head, was, res.Header)
		out.Write(blank)
		if _, err := l.session.client.Write(out.Bytes()); err != nil {
			return true, clientError{err}
		}
		return true, l.pass(b, 0)
	}
	err = l.sendChanged(t, head, a, was, res)
	if err == nil { // trailers, and what was not wanted
		_, err = io.Copy(io.Discard, (*rawBody)(came))
	}
	*b = came.b
	return true, err
}

// changedHead is a head with the headers as they are now, without those left out, and its empty line; the lines of headers that are as
// they were have not changed either.
func changedHead(head []byte, was, is http.Header, leftOut ...string) (out *bytes.Buffer, blank []byte) {
	first, headers, blank := splitHead(head)
	out = new(bytes.Buffer)
	out.Write(first)
	for _, h := range headers {
		if slices.Equal(was[h.name], is[h.name]) && !slices.Contains(leftOut, h.name) {
			out.Write(h.raw)
		}
	}
	writeChanged(out, was, without(is, leftOut...))
	return out, blank
}

// sendChanged sends an answer that Config.Rewrite has changed: the app's lines with the changes, and the body in chunks, or
// where HTTP/1.0 knows none, up to the connection's end.
func (l *link) sendChanged(t *turn, head []byte, a *answerHead, was http.Header, res *http.Response) error {
	defer res.Body.Close()
	leftOut, framing := []string{"Content-Length", "Transfer-Encoding"}, header{name: "Transfer-Encoding", value: "chunked"}
	chunks := t.req.ProtoAtLeast(1, 1) && a.minor > 0
	if !chunks {
		leftOut, framing = append(leftOut, "Connection"), header{name: "Connection", value: "close"}
	}
	out, blank := changedHead(head, was, res.Header, leftOut...)
	writeHeader(out, framing.name, framing.value)
	out.Write(blank)
	client := l.session.client
	if _, err := client.Write(out.Bytes()); err != nil {
		return clientError{err}
	}
	if t.req.Method == http.MethodHead {
		return nil
	}
	return copyBody(client, res.Body, chunks)
}

func without(h http.Header, names ...string) http.Header {
	h = h.Clone()
	for _, name := range names {
		h.Del(name)
	}
	return h
}

// copyBody sends each piece at once. Without chunks, the connection's end is the body's.
func copyBody(w io.Writer, r io.Reader, chunks bool) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if werr := writePiece(w, buf[:n], chunks); werr != nil {
				return clientError{werr}
			}
		}
		switch {
		case err == io.EOF && chunks:
			if _, err = io.WriteString(w, "0\r\n\r\n"); err != nil {
				return clientError{err}
			}
			return nil
		case err == io.EOF:
			return io.EOF
		case err != nil:
			return err
		}
	}
}

func writePiece(w io.Writer, p []byte, chunks bool) error {
	if chunks {
		p = fmt.Appendf(fmt.Appendf(nil, "%x\r\n%s", len(p), p), "\r\n")
	}
	_, err := w.Write(p)
	return err
}

// answerBody reads the body of an answer off the link, without its chunks.
type answerBody struct {
	out     *stream
	b       body
	decoded io.Reader // nil: not begun
}

// Read ends with io.EOF where the body does.
func (a *answerBody) Read(p []byte) (int, error) {
	if a.decoded == nil {
		a.decoded = (*rawBody)(a)
		if a.b.kind == byChunks {
			a.decoded = httputil.NewChunkedReader((*rawBody)(a))
		}
	}
	return a.decoded.Read(p)
}

// Close is io.Closer's. What is left is the link's.
func (a *answerBody) Close() error { return nil }

// rawBody reads the bytes of a body as they came.
type rawBody answerBody

// Read ends with io.EOF where the body does.
func (r *rawBody) Read(p []byte) (int, error) {
	if r.b.done() {
		return 0, io.EOF
	}
	have, err := r.out.next()
	if err != nil {
		if err == io.EOF && r.b.kind != untilEnd {
			err = io.ErrUnexpectedEOF
		}
		return 0, err
	}
	n := r.b.take(have[:min(len(have), len(p))])
	copy(p, have[:n])
	r.out.skip(n)
	return n, nil
}
