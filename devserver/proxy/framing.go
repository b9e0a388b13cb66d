package proxy

import "net/http"

// framing says how the end of a body is told (RFC 9112, 6.3).
type framing int

const (
	noBody    framing = iota
	byLength          // Content-Length
	byChunks          // Transfer-Encoding: chunked
	untilEnd          // the connection's end
	otherwise         // what follows is no HTTP any more, or none that can be read: both directions go on as they come
)

// requestBody is the body that follows the head of r.
func requestBody(r *http.Request) body {
	switch {
	case r.Method == http.MethodConnect:
		return body{kind: noBody}
	case len(r.TransferEncoding) > 0: // net/http knows chunked alone
		return body{kind: byChunks}
	case r.ContentLength > 0:
		return body{kind: byLength, left: r.ContentLength}
	}
	return body{kind: noBody}
}

// unclear tells whether others may find the end of r elsewhere: it is the last on its connection then, whatever the app
// says (RFC 9112, 6.1). One with a length beside its chunks is read by the chunks; of one in HTTP/1.0 net/http takes a
// Transfer-Encoding for none.
func unclear(r *http.Request, headers []header) bool {
	length, coding := false, false
	for _, h := range headers {
		length = length || h.name == "Content-Length"
		coding = coding || h.name == "Transfer-Encoding"
	}
	return coding && (length || !r.ProtoAtLeast(1, 1))
}

// body returns the body that follows the head of an answer to a request with the given method.
func (a *answerHead) body(method string) body {
	switch {
	case a.status == http.StatusSwitchingProtocols,
		method == http.MethodConnect && a.status/100 == 2:
		return body{kind: otherwise}
	case method == http.MethodHead, a.status/100 == 1, a.status == http.StatusNoContent, a.status == http.StatusNotModified:
		return body{kind: noBody}
	case a.coded && a.chunks && a.minor > 0:
		return body{kind: byChunks}
	case a.coded:
		return body{kind: untilEnd}
	case a.length == 0:
		return body{kind: noBody}
	case a.length > 0:
		return body{kind: byLength, left: a.length}
	}
	return body{kind: untilEnd}
}

// last tells whether the app's connection ends after the answer.
func (a *answerHead) last(b body) bool {
	return b.kind == untilEnd || a.close || a.minor == 0 && !a.keep
}
