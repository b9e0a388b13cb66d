package sandbox

import (
	"bytes"
	"strings"
	"testing"
)

var testSecrets = newSecrets([]string{"Authorization", "cookie", "set-cookie", "x-api-key"})

// masked masks a stream that comes in pieces: cuts says how long each is, again and again.
func masked(stream []byte, cuts ...byte) string {
	m := mask{names: testSecrets}
	var out []byte
	for i := 0; len(stream) > 0; i++ {
		n := len(stream)
		if len(cuts) > 0 {
			n = min(n, 1+int(cuts[i%len(cuts)]))
		}
		piece := bytes.Clone(stream[:n])
		m.apply(piece)
		out = append(out, piece...)
		stream = stream[n:]
	}
	return string(out)
}

// frame is one of HTTP/2.
func frame(kind, flags byte, stream uint32, payload string) string {
	n := len(payload)
	return string([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags,
		byte(stream >> 24), byte(stream >> 16), byte(stream >> 8), byte(stream)}) + payload
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

var maskCases = []struct{ name, in, want string }{
	{"header", "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer 42\r\nAccept: *\r\n\r\nbody",
		"GET / HTTP/1.1\r\nHost: a\r\nAuthorization:**********\r\nAccept: *\r\n\r\nbody"},
	{"any case", "X\r\ncOOkie:a=b\r\n\r\n", "X\r\ncOOkie:***\r\n\r\n"},
	{"blanks before the colon", "X\r\nCookie \t :a\r\n", "X\r\nCookie \t :*\r\n"},
	{"two words are no name", "X\r\nCookie a:b\r\n", "X\r\nCookie a:b\r\n"},
	{"part of a name", "X\r\nX-Cookie: a\r\nCookies: b\r\nCook: c\r\n", "X\r\nX-Cookie: a\r\nCookies: b\r\nCook: c\r\n"},
	{"continued line", "X\r\nCookie: a\r\n b\r\n\tc: d\r\nHost: e\r\n", "X\r\nCookie:**\r\n *\r\n\t****\r\nHost: e\r\n"},
	{"line that continues another", "X\r\nA: b\r\n Cookie: c\r\n", "X\r\nA: b\r\n Cookie: c\r\n"},
	{"line feeds alone", "X\nCookie: a\nHost: b\n", "X\nCookie:**\nHost: b\n"},
	{"the second request", "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nCookie: a\r\n\r\n", "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nCookie:**\r\n\r\n"},
	{"response in pieces", "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nSet-Cookie: c\r\n\r\n", "HTTP/1.1 200 OK\r\nSet-Cookie:************\r\nSet-Cookie:**\r\n\r\n"},
	{"end within the value", "X\r\nCookie: a", "X\r\nCookie:**"},
	{"HTTP/2", preface + frame(4, 0, 0, "\x00\x03\x00\x00\x00\x64") + frame(1, 4, 1, "SECRET") + frame(0, 0, 1, "data\r\n") + frame(9, 4, 1, "SECRET"),
		preface + frame(4, 0, 0, "\x00\x03\x00\x00\x00\x64") + frame(1, 4, 1, "******") + frame(0, 0, 1, "data\r\n") + frame(9, 4, 1, "******")},
	{"HTTP/2 answered", frame(4, 0, 0, "") + frame(4, 1, 0, "") + frame(5, 4, 1, "SECRET") + frame(1, 4, 1, "") + frame(6, 0, 0, "12345678"),
		frame(4, 0, 0, "") + frame(4, 1, 0, "") + frame(5, 4, 1, "******") + frame(1, 4, 1, "") + frame(6, 0, 0, "12345678")},
	{"HTTP/2 after an upgrade", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nSet-Cookie: a\r\n\r\n" + frame(4, 0, 0, "") + frame(1, 4, 1, "SECRET"),
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nSet-Cookie:**\r\n\r\n" + frame(4, 0, 0, "") + frame(1, 4, 1, "******")},
	{"almost HTTP/2", "\x00\x00\x00\x04\x01\r\nCookie: a\r\n", "\x00\x00\x00\x04\x01\r\nCookie:**\r\n"},
}

func TestMask(t *testing.T) {
	t.Parallel()
	for _, c := range maskCases {
		for _, cuts := range [][]byte{nil, {0}, {1}, {2, 0, 4}, {8}} {
			if got := masked([]byte(c.in), cuts...); got != c.want {
				t.Errorf("%s, cut %v: %q, want %q", c.name, cuts, got, c.want)
			}
		}
	}
}

func TestMaskNothing(t *testing.T) {
	t.Parallel()
	const text = "X\r\nCookie: a\r\n"
	m := mask{names: newSecrets(nil)}
	b := []byte(text)
	if m.apply(b); string(b) != text {
		t.Errorf("without names: %q", b)
	}
}

// FuzzMask: however a stream is cut, it is masked the same; what is masked has its length; a secret in a header never
// shows, whatever stood before it.
func FuzzMask(f *testing.F) {
	for _, c := range maskCases {
		f.Add([]byte(c.in), []byte{0, 3, 1}, []byte("GET / HTTP/1.1\r\n"))
	}
	f.Add([]byte("\n"), []byte{7}, []byte(preface))
	f.Fuzz(func(t *testing.T, stream, cuts, before []byte) {
		whole := masked(stream)
		if pieces := masked(stream, cuts...); pieces != whole {
			t.Fatalf("%q cut %v: %q, in one piece %q", stream, cuts, pieces, whole)
		}
		if len(whole) != len(stream) {
			t.Fatalf("%q has become %q", stream, whole)
		}
		const secret = "s3cr3t-f0r-n0b0dy"
		if bytes.Contains(before, []byte{0}) || strings.Contains(string(before), secret) {
			return // a NUL may begin HTTP/2, where lines are no headers
		}
		request := string(before) + "\r\nx-api-KEY: " + secret + "\r\n\r\n"
		if got := masked([]byte(request), cuts...); strings.Contains(got, secret) {
			t.Fatalf("%q shows the secret", got)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	head := []byte("GET / HTTP/1.1\r\nHost: api.example.com\r\nAccept: */*\r\nCookie: " + strings.Repeat("a", 100) + "\r\n\r\n")
	body := bytes.Repeat([]byte("some words of a body, and then others, and a line ends here\n"), 1000)
	for _, c := range []struct {
		name string
		data []byte
	}{{"head", head}, {"body", body}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.data)))
			m := mask{names: testSecrets}
			own := make([]byte, len(c.data))
			for b.Loop() {
				copy(own, c.data)
				m.apply(own)
			}
		})
	}
}
