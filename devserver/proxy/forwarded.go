package proxy

import (
	"bytes"
	"net"
	"net/http"
	"slices"
	"strings"
)

// forwardedNames are the headers that say for whom the proxy asks. Those of the client would be taken for the proxy's.
var forwardedNames = []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

// forwardHead is a request's head as the app gets it: as it came, but for the lines X-Forwarded-*, which stand behind
// all others.
func (t *turn) forwardHead(c *client) []byte {
	var b bytes.Buffer
	b.Grow(len(t.head) + 128)
	b.Write(t.lead)
	b.Write(t.first)
	before := t.forwarded(&b, c)
	clientIP, _, err := net.SplitHostPort(c.RemoteAddr().String())
	if err == nil {
		writeHeader(&b, "X-Forwarded-For", strings.Join(append(before, clientIP), ", "))
	}
	if t.req.Host != "" {
		writeHeader(&b, "X-Forwarded-Host", t.req.Host)
	}
	writeHeader(&b, "X-Forwarded-Proto", c.scheme)
	b.Write(t.blank)
	return b.Bytes()
}

// forwarded writes the client's headers, as Ask has them, and returns for whom it asks itself.
func (t *turn) forwarded(b *bytes.Buffer, c *client) (before []string) {
	ask := c.proxy.conf.Ask
	asked := t.req.Header
	if ask != nil {
		r := t.req.Clone(t.req.Context())
		ask(r)
		asked = r.Header
	}
	for _, h := range t.headers {
		switch {
		case h.name == "X-Forwarded-For":
			before = append(before, strings.TrimSpace(h.value))
		case slices.Contains(forwardedNames, h.name):
		case ask != nil && h.name != "Host" && !slices.Equal(asked[h.name], t.req.Header[h.name]):
		default:
			b.Write(h.raw)
		}
	}
	if ask != nil {
		writeChanged(b, t.req.Header, asked)
	}
	return before
}

// writeChanged writes the headers that are not as they were.
func writeChanged(b *bytes.Buffer, was, is http.Header) {
	for name, values := range is {
		if slices.Equal(was[name], values) || slices.Contains(forwardedNames, name) {
			continue
		}
		for _, v := range values {
			writeHeader(b, name, v)
		}
	}
}

func writeHeader(b *bytes.Buffer, name, value string) {
	b.WriteString(name)
	b.WriteString(": ")
	b.WriteString(value)
	b.WriteString("\r\n")
}
