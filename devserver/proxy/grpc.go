package proxy

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// isGRPC tells gRPC by its content type: application/grpc, application/grpc+proto. gRPC-Web's begin with the same letters.
func isGRPC(h http.Header) bool {
	rest, ok := strings.CutPrefix(h.Get("Content-Type"), "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// isCall tells whether the request is a gRPC call.
func (x *exchange) isCall() bool { return x.http2 }

// streamError is net/http's error of one stream of a connection that goes on; it lets errors.As fill what looks like it.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return "stream error" }

// outcomeOf is what a gRPC client makes of the end of its stream or connection, as the trailers that say so. A server of
// net/http can reset a stream with one code only, so what the app said by its code is said in words: a client that met
// it without a proxy would come to the same status.
func (x *exchange) outcomeOf(err error) http.Header {
	status, why := grpcUnavailable, "the app closed the connection: "+err.Error()
	if stream := (streamError{}); errors.As(err, &stream) {
		code := strconv.Itoa(int(stream.Code))
		status = grpcInternal
		if int(stream.Code) < len(streamCodes) {
			code, status = streamCodes[stream.Code].name, streamCodes[stream.Code].status
		}
		why = "the app reset the stream: " + code
	}
	if limit, ok := grpcTimeout(x.asked.Header.Get("Grpc-Timeout")); ok && status == grpcCanceled && time.Since(x.at) >= limit {
		status = grpcDeadline // the app's server gave up when the client does
	}
	return callOutcome(status, why)
}

// maxMessage bounds what a client is told: it comes in a header.
const maxMessage = 4 << 10

// callOutcome are the trailers of a call.
func callOutcome(status int, why string) http.Header {
	if len(why) > maxMessage {
		why = strings.ToValidUTF8(why[:maxMessage], "") + "…"
	}
	return http.Header{"Grpc-Status": {strconv.Itoa(status)}, "Grpc-Message": {url.PathEscape(why)}}
}

// call is the outcome of a call that no app answers because of p.
func (p *Problem) call(app string) http.Header {
	var text bytes.Buffer
	p.plain(&text, app)
	return callOutcome(grpcUnavailable, strings.TrimSpace(text.String()))
}

// conclude answers a call that the app did not: with an outcome and nothing else.
func (x *exchange) conclude(w http.ResponseWriter, outcome http.Header) {
	h := w.Header()
	h["Content-Type"] = []string{"application/grpc"}
	for name, v := range outcome {
		h[name] = v
	}
	w.WriteHeader(http.StatusOK)
	x.answered(Answer{Status: http.StatusOK, Err: grpcFailure(&http.Response{Header: h})})
}

// grpcTimeout reads a Grpc-Timeout: digits and a unit.
func grpcTimeout(s string) (time.Duration, bool) {
	if len(s) < 2 || len(s) > 9 {
		return 0, false
	}
	unit, ok := map[byte]time.Duration{
		'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
	}[s[len(s)-1]]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 32)
	if err != nil || !ok {
		return 0, false
	}
	if n > uint64(1<<63-1)/uint64(unit) {
		return 1<<63 - 1, true
	}
	return time.Duration(n) * unit, true
}

// grpcFailure is the outcome of a gRPC call that failed, "" for one that went well and for what is no call. A call's
// HTTP status is 200 all the same.
func grpcFailure(res *http.Response) string {
	if !isGRPC(res.Header) {
		return ""
	}
	h := res.Trailer
	if h.Get("Grpc-Status") == "" { // an answer without a body has its trailers in the head
		h = res.Header
	}
	code := h.Get("Grpc-Status")
	if code == "" {
		return "the call ended without a grpc-status"
	}
	n, err := strconv.Atoi(code)
	if err == nil && n == 0 {
		return ""
	}
	if err == nil && n > 0 && n < len(grpcCodes) {
		code += " " + grpcCodes[n]
	}
	if text := grpcMessage(h.Get("Grpc-Message")); text != "" {
		code += ": " + text
	}
	return "grpc-status " + code
}

// grpcMessage takes out the percent signs of gRPC's own encoding.
func grpcMessage(s string) string {
	if text, err := url.PathUnescape(s); err == nil {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return s
}

// grpcCodes are the names of gRPC's status codes: https://grpc.io/docs/guides/status-codes/.
var grpcCodes = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
	"UNAUTHENTICATED",
}

// Status codes of gRPC that are given here.
const (
	grpcCanceled    = 1
	grpcDeadline    = 4
	grpcDenied      = 7
	grpcExhausted   = 8
	grpcInternal    = 13
	grpcUnavailable = 14
)

// streamCodes are the error codes of HTTP/2 (RFC 9113, 7), each with the status that gRPC's clients make of it:
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors.
var streamCodes = [...]struct {
	name   string
	status int
}{
	{"NO_ERROR", grpcInternal},
	{"PROTOCOL_ERROR", grpcInternal},
	{"INTERNAL_ERROR", grpcInternal},
	{"FLOW_CONTROL_ERROR", grpcInternal},
	{"SETTINGS_TIMEOUT", grpcInternal},
	{"STREAM_CLOSED", grpcInternal},
	{"FRAME_SIZE_ERROR", grpcInternal},
	{"REFUSED_STREAM", grpcUnavailable},
	{"CANCEL", grpcCanceled},
	{"COMPRESSION_ERROR", grpcInternal},
	{"CONNECT_ERROR", grpcInternal},
	{"ENHANCE_YOUR_CALM", grpcExhausted},
	{"INADEQUATE_SECURITY", grpcDenied},
}
