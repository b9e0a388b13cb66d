package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// errHead says that a head is none that net/http's server takes.
var errHead = errors.New("malformed head")

// headEnd is the length of the head at the beginning of b with its empty line, 0 if its end is not there. It looks from
// byte seen on, which an earlier call had not seen. Lines end as net/http takes them: with CR LF or LF alone.
func headEnd(b []byte, seen int) int {
	for i := max(0, seen-3); ; {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return 0
		}
		i += n + 1
		switch {
		case i < len(b) && b[i] == '\n':
			return i + 1
		case i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n':
			return i + 2
		}
	}
}

// blankStart is how many bytes of empty lines stand before a head. net/http's server skips four of them after a POST
// (RFC 9112, 2.2: some clients send one).
func blankStart(b []byte) int {
	n := 0
	for n < len(b) && n < 4 && (b[n] == '\r' || b[n] == '\n') {
		n++
	}
	return n
}

// parseRequest reads a whole head as net/http's server does. Its body is none: the framing is in ContentLength,
// TransferEncoding and Close.
func parseRequest(head []byte) (*http.Request, error) {
	r, err := http.ReadRequest(bufio.NewReaderSize(bytes.NewReader(head), min(len(head), 4096)))
	if err != nil {
		return nil, err
	}
	if r.ProtoMajor != 1 {
		return nil, errHead
	}
	return r, nil
}

// badLine tells whether the first line in b, if it is whole, is none of a request. A client that
// speaks another protocol may never send an empty line.
func badLine(b []byte) bool {
	n := bytes.IndexByte(b, '\n')
	if n < 0 {
		return false
	}
	_, err := parseRequest(slices.Concat(bytes.TrimRight(b[:n], "\r\n"), []byte("\r\n\r\n")))
	return err != nil
}

// header is one header of a head: its lines as they are, and what they say.
type header struct {
	name  string // in canonical form
	value string // folded lines joined by a space
	raw   []byte // with all line ends
}

// splitHead takes a head apart: the first line, the headers in their order, and the empty line.
func splitHead(head []byte) (first []byte, headers []header, blank []byte) {
	n := bytes.IndexByte(head, '\n') + 1
	first, head = head[:n], head[n:]
	for {
		n := bytes.IndexByte(head, '\n') + 1
		if n <= 0 || n == 1 || n == 2 && head[0] == '\r' {
			return first, headers, head
		}
		for n < len(head) && (head[n] == ' ' || head[n] == '\t') {
			more := bytes.IndexByte(head[n:], '\n') + 1
			if more == 0 {
				break
			}
			n += more
		}
		name, value, _ := strings.Cut(string(head[:n]), ":")
		headers = append(headers, header{textproto.CanonicalMIMEHeaderKey(name), unfold(value), head[:n]})
		head = head[n:]
	}
}

func unfold(value string) string {
	if !strings.Contains(value, "\n") {
		return value
	}
	lines := strings.Split(value, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.TrimSpace(strings.Join(lines, " "))
}

// answerHead is what the proxy must know of the head of an answer.
type answerHead struct {
	status int
	minor  int   // of HTTP/1
	length int64 // -1: not said
	coded  bool  // there is a Transfer-Encoding
	chunks bool  // its last one is chunked
	close  bool  // Connection says so
	keep   bool  // Connection says so
}

// parseAnswer reads what it must of the head of an answer; all else may be as the app likes. It reports false if that
// cannot be told for certain.
func parseAnswer(head []byte) (a answerHead, ok bool) {
	first, headers, _ := splitHead(head)
	a.length = -1
	if a.minor, a.status, ok = parseStatus(first); !ok {
		return a, false
	}
	for _, h := range headers {
		switch h.name {
		case "Content-Length":
			n, ok := parseLength(h.value)
			if !ok || a.length >= 0 && a.length != n {
				return a, false
			}
			a.length = n
		case "Transfer-Encoding":
			last := h.value[strings.LastIndexByte(h.value, ',')+1:]
			a.coded, a.chunks = true, strings.EqualFold(strings.TrimSpace(last), "chunked")
		case "Connection":
			for word := range strings.SplitSeq(h.value, ",") {
				word = strings.TrimSpace(word)
				a.close = a.close || strings.EqualFold(word, "close")
				a.keep = a.keep || strings.EqualFold(word, "keep-alive")
			}
		}
	}
	return a, true
}

// parseStatus reads "HTTP/1.1 200 whatever".
func parseStatus(line []byte) (minor, status int, ok bool) {
	if len(line) < len("HTTP/1.1 200\n") || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[8] != ' ' {
		return 0, 0, false
	}
	if line[7] != '0' && line[7] != '1' {
		return 0, 0, false
	}
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return 0, 0, false
		}
		status = 10*status + int(c-'0')
	}
	end := line[12]
	return int(line[7] - '0'), status, status >= 100 && (end == ' ' || end == '\r' || end == '\n')
}

// parseLength reads a Content-Length: the same number several times is one (RFC 9110, 8.6).
func parseLength(value string) (n int64, ok bool) {
	n = -1
	for part := range strings.SplitSeq(value, ",") {
		m, ok := parseDigits(strings.TrimSpace(part))
		if !ok || n >= 0 && m != n {
			return 0, false
		}
		n = m
	}
	return n, true
}

func parseDigits(s string) (n int64, ok bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}

// requestHead waits for a whole head of a request, and tells its length; the bytes stay in s. With blank, empty lines
// before it are part of it. Of a head that is none, errHead or errLongHead tells; any other error is the connection's.
func requestHead(s *stream, blank bool) (int, error) {
	checked := false
	for seen := 0; ; {
		b, lead := s.bytes(), 0
		if blank {
			lead = blankStart(b)
		}
		if n := headEnd(b[lead:], seen-lead); n > 0 {
			return lead + n, nil
		}
		if len(b) > maxHead {
			return 0, errLongHead
		}
		if !checked && bytes.IndexByte(b[lead:], '\n') >= 0 {
			if checked = true; badLine(b[lead:]) {
				return 0, errHead
			}
		}
		seen = len(b)
		if err := s.fill(); err != nil {
			if err == io.EOF && len(b) > lead {
				return 0, errHead // net/http answers that too
			}
			return 0, err
		}
	}
}

// answerHeadEnd waits for a whole head of an answer, and tells its length, 0 for one that is none; the bytes stay in s.
func answerHeadEnd(s *stream) (int, error) {
	for seen := 0; ; {
		b := s.bytes()
		if n := headEnd(b, seen); n > 0 {
			return n, nil
		}
		start := b[:min(len(b), len("HTTP/1."))]
		if len(b) > maxHead || !bytes.HasPrefix([]byte("HTTP/1."), start) {
			return 0, nil
		}
		seen = len(b)
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}
