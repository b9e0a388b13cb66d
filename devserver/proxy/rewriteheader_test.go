package proxy

import (
	"io"
	"net/http"
	"testing"
)

// TestRewriteHeaders: where Rewrite changes headers alone, the framing and every byte of the body are as they came.
func TestRewriteHeaders(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{Rewrite: func(_ Backend, _ *http.Request, res *http.Response) { res.Header.Set("Cache-Control", "no-cache") }})
	const (
		head   = "HTTP/1.1 200 Fine\r\nx-ODD:  y\r\ncache-control: max-age=5\r\n"
		want   = "HTTP/1.1 200 Fine\r\nx-ODD:  y\r\n"
		length = "Content-Length: 4\r\n"
		chunks = "Transfer-Encoding: chunked\r\n"
		added  = "Cache-Control: no-cache\r\n\r\n"
		body   = "2;x\r\nbo\r\n2\r\ndy\r\n0\r\nSum: 1\r\n\r\n"
	)
	s := newStage(t, conform{raw: saysRaw(head+length+"\r\nbody", head+chunks+"\r\n"+body, head+"\r\nto the end")})
	f.Use(s.newVersion())
	c, br := dialed(t, f)
	for _, want := range []string{want + length + added + "body", want + chunks + added + body, want + added + "to the end"} {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		got := make([]byte, len(want))
		if _, err := io.ReadFull(br, got); err != nil || string(got) != want {
			t.Fatalf("%q, %v\nwant %q", got, err, want)
		}
	}
	if _, err := br.ReadByte(); err != io.EOF {
		t.Errorf("after the app's end comes %v", err)
	}
}
