package otlp

import (
	"context"
	"strconv"
	"strings"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// maxLinks is how many sockets a request's span links to.
const maxLinks = 32

// request is the span of a request.
func (m *mapper) request(ctx context.Context, r record.Run, q record.Request) (span, error) {
	at := requestContext(r, q.ID)
	s := span{
		TraceID: string(at.trace), SpanID: string(at.span), Name: requestName(q), Kind: kindServer,
		Start: nanos(q.StartedAt), End: nanos(q.StartedAt + max(q.DurationNS, 0)), Attributes: requestAttributes(q),
	}
	if q.Status >= 500 || q.Error != "" {
		s.Status = &status{Code: statusError, Message: cut(q.Error)}
		s.Attributes.text("error.type", requestFailure(q))
	}
	var err error
	s.Links, err = m.pooled(ctx, q)
	return s, err
}

func requestAttributes(q record.Request) (a attributes) {
	method := q.Method
	if !knownMethod(method) {
		a.text("http.request.method_original", method)
		method = "_OTHER"
	}
	a.text("http.request.method", method)
	a.text("url.scheme", "http") // production ends TLS in front of the app
	path, query, _ := strings.Cut(q.URL, "?")
	a.text("url.path", path)
	a.text("url.query", query)
	a.number("http.response.status_code", int64(q.Status))
	a.endpoint("client.address", "client.port", q.RemoteAddr)
	a.count("http.request.body.size", q.BytesIn)
	a.count("http.response.body.size", q.BytesOut)
	a.count("devserver.request.id", q.ID)
	if !requestEnded(q) {
		a.text("devserver.state", "open")
	}
	return a
}

// requestEnded: a duration of 0 may be one that was measured.
func requestEnded(q record.Request) bool { return q.DurationNS != 0 || q.Status != 0 || q.Error != "" }

// knownMethod: others are _OTHER, so that a client cannot make up any number of values (semantic conventions for HTTP).
func knownMethod(method string) bool {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY":
		return true
	}
	return false
}

// requestName is "GET /orders/*". The route is not known, and a name that holds ids would be one of millions: parts with
// a digit in them and very long ones are left out.
func requestName(q record.Request) string {
	path, _, _ := strings.Cut(q.URL, "?")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if len(p) > 32 || strings.ContainsAny(p, "0123456789") {
			parts[i] = "*"
		}
	}
	method := q.Method
	if !knownMethod(method) {
		method = "HTTP"
	}
	return strings.TrimSpace(method + " " + cut(strings.Join(parts, "/")))
}

// requestFailure is error.type: one of few words.
func requestFailure(q record.Request) string {
	switch {
	case strings.Contains(q.Error, "panic"):
		return "panic"
	case strings.Contains(q.Error, "worker ended"):
		return "worker-exit"
	case q.Status >= 500:
		return strconv.Itoa(q.Status)
	}
	return "_OTHER"
}

// pooled links to the sockets that the request used and an earlier one, or none, had opened.
func (m *mapper) pooled(ctx context.Context, q record.Request) ([]link, error) {
	used, err := m.src.Sockets(ctx, record.SocketFilter{RequestID: q.ID, Limit: maxLinks})
	if err != nil {
		return nil, err
	}
	var links []link
	for i := range used {
		s := &used[i]
		if s.RequestID == q.ID || s.RunID != q.RunID {
			continue
		}
		r, err := m.runOfSocket(ctx, s)
		if err != nil {
			return nil, err
		}
		at, _ := socketContext(r, s)
		var a attributes
		a.count("devserver.socket.id", s.ID)
		links = append(links, link{TraceID: string(at.trace), SpanID: string(at.span), Attributes: a})
	}
	return links, nil
}
