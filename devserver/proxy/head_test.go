package proxy

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzHead: what net/http's server takes for a request we take, with the same end and the same framing; and what we take it
// takes.
func FuzzHead(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\nHost: h\n\nrest", "POST /x HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
		"GET / HTTP/1.1\r\nA: b\r\n \r\n\tc\r\n\r\n", "GET / HTTP/1.1\r\n A: b\r\n\r\n", "\r\nGET / HTTP/1.1\r\n\r\n", "GET /\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "CONNECT h:1 HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nA: b\r\r\n\r\n", "GET http://h/p HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		left := bytes.NewReader(data)
		br := bufio.NewReader(left)
		want, wantErr := http.ReadRequest(br)
		end := len(data) - left.Len() - br.Buffered()

		s := &stream{r: iotest.HalfReader(bytes.NewReader(data))}
		n, err := requestHead(s, false)
		var got *turn
		if err == nil {
			got, err = newTurn(&Proxy{}, s.bytes()[:n], false)
		}
		if (err == nil) != (wantErr == nil && want.ProtoMajor == 1) {
			t.Fatalf("%q: %v; net/http: %v", data, err, wantErr)
		}
		if err != nil {
			return
		}
		if n != end {
			t.Errorf("%q: the head has %d bytes, net/http's %d", data, n, end)
		}
		if got.req.Method != want.Method || got.req.ContentLength != want.ContentLength || !slices.Equal(got.req.TransferEncoding, want.TransferEncoding) {
			t.Errorf("%q: read as %+v, by net/http as %+v", data, got.req, want)
		}
		joined := slices.Concat(got.first, nil)
		for _, h := range got.headers {
			joined = append(joined, h.raw...)
		}
		if joined = append(joined, got.blank...); !bytes.Equal(joined, data[:n]) {
			t.Errorf("%q: taken apart and joined it is %q", data[:n], joined)
		}
	})
}

// FuzzChunks: where we see the end of a chunked body net/http sees it, or sees an error; in whatever pieces it comes.
func FuzzChunks(f *testing.F) {
	for _, s := range []string{
		"0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\nrest", "5;a=b\r\nhello\r\n0\r\nMark: here\r\n\r\n", "A\r\n0123456789\r\n00\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
		"5\nhello\n0\n\n", "\r\n", "5\r\nhello0\r\n\r\n", "ffffffffffffffff\r\n", "0\r\nA: b\n\n\r\n\r\n", "5 ;x\r\nhello\r\n0\r\n\r\n", "0;a\rb\r\n\r\n",
		"0\r\nA: b\r\n c\r\n\r\n", "x\r\n", "000000000000000000005\r\nhello\r\n0\r\n\r\n",
		"0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n", "7fffffffffffffff\r\nhello", "8000000000000000\r\nhello",
	} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, data []byte, piece int) {
		b := body{kind: byChunks}
		n := b.take(data)
		parts, m := body{kind: byChunks}, 0
		for p := data; len(p) > 0 && !parts.done(); {
			k := min(len(p), max(piece, 1))
			m += parts.take(p[:k])
			p = p[k:]
		}
		if parts.kind != b.kind || m != n {
			t.Fatalf("%q: %+v after %d bytes, in pieces %+v after %d", data, b, n, parts, m)
		}
		head := "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
		left := strings.NewReader(head + string(data))
		br := bufio.NewReader(left)
		r, err := http.ReadRequest(br)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, r.Body)
		end := len(data) - left.Len() - br.Buffered()
		if err == nil && b.kind == byChunks || err == nil && b.done() && n != end {
			t.Errorf("%q: %+v after %d bytes, net/http ends after %d", data, b, n, end)
		}
	})
}

// TestChunkSize: a size has up to sixteen digits, as net/http has it, and is no more than can be counted.
func TestChunkSize(t *testing.T) {
	for _, tt := range []struct {
		body string
		kind framing
		left int64
	}{
		{"0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n", noBody, 0},
		{"7fffffffffffffff\r\nhello", byChunks, 1<<63 - 6},
		{"8000000000000000\r\nhello", otherwise, 0},
		{"00000000000000005\r\nhello", otherwise, 0},
	} {
		b := body{kind: byChunks}
		if n := b.take([]byte(tt.body)); n != len(tt.body) || b.kind != tt.kind || b.kind == byChunks && b.left != tt.left {
			t.Errorf("%q: %+v after %d bytes, want kind %d, %d left", tt.body, b, n, tt.kind, tt.left)
		}
	}
}

// FuzzAnswer: no head of an answer harms, and where net/http can read one we agree about its body.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.0 200\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", "HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n", "hello", "HTTP/2.0 200 OK\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &stream{r: iotest.OneByteReader(bytes.NewReader(data))}
		n, err := answerHeadEnd(s)
		if n == 0 || err != nil {
			return
		}
		a, ok := parseAnswer(s.bytes()[:n])
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data[:n])), nil)
		if err != nil || !ok {
			return
		}
		b := a.body("GET")
		var want body
		switch {
		case res.StatusCode == 101:
			want.kind = otherwise
		case len(res.TransferEncoding) > 0:
			want.kind = byChunks
		case res.ContentLength > 0:
			want.kind, want.left = byLength, res.ContentLength
		case res.ContentLength < 0:
			want.kind = untilEnd
		}
		if b != want {
			t.Errorf("%q: the body is %+v, net/http's %+v", data[:n], b, want)
		}
	})
}
