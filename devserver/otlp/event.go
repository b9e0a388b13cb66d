package otlp

import (
	"context"
	"errors"
	"strings"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// lookup is the span of a look-up: a child of the request that asked.
func lookup(r record.Run, e record.Event) span {
	at, parent := below(r, e.RequestID, "resolve", e.ID)
	name := nameOf(e.Detail)
	s := span{
		TraceID: string(at.trace), SpanID: string(at.span), Parent: string(parent), Name: cut(strings.TrimSpace("resolve " + name)), Kind: kindInternal,
		Start: nanos(e.At), End: nanos(e.At + max(e.DurationNS, 0)),
	}
	s.Attributes.text("dns.question.name", name)
	s.Attributes.text("devserver.rule", e.Rule)
	s.Attributes.text("devserver.detail", e.Detail)
	s.Attributes.count("devserver.event.id", e.ID)
	if e.Error != "" {
		s.Status = &status{Code: statusError, Message: cut(e.Error)}
		s.Attributes.text("error.type", "resolve")
	}
	return s
}

// nameOf is the name that was looked up, which such an event's sentence begins with; "" for another sentence.
func nameOf(detail string) string {
	name, _, ok := strings.Cut(detail, " ")
	if !ok || !strings.Contains(detail, " is at ") && !strings.HasSuffix(detail, " has no address") {
		return ""
	}
	return name
}

// denial is the log record of a denied call, in the span of its socket.
func (m *mapper) denial(ctx context.Context, r record.Run, e record.Event) (logRecord, error) {
	l := logRecord{
		Time: nanos(e.At), Observed: nanos(e.At), Severity: severityWarn, Text: "WARN", EventName: "devserver.denial", Body: textValue(sentence(e)),
	}
	a := &l.Attributes
	a.text("devserver.rule", e.Rule)
	to := destination(e.Host, e.RemoteAddr)
	a.text("devserver.destination", to)
	a.transport(e.Network, e.RemoteAddr)
	a.endpoint("server.address", "server.port", to)
	a.site(e.CallSite)
	a.text("error.message", e.Error)
	a.text("devserver.request", e.Request)
	a.number("devserver.request.id", e.RequestID)
	a.number("devserver.socket.id", e.SocketID)
	a.count("devserver.event.id", e.ID)
	at, err := m.spanOf(ctx, r, e)
	l.TraceID, l.SpanID = string(at.trace), string(at.span)
	return l, err
}

func sentence(e record.Event) string {
	if e.Detail != "" {
		return e.Detail
	}
	return "denied by rule " + e.Rule
}

// spanOf is the span that an event happened in: its socket's, else its request's, else none.
func (m *mapper) spanOf(ctx context.Context, r record.Run, e record.Event) (spanContext, error) {
	if e.SocketID != 0 {
		s, err := m.src.Socket(ctx, e.SocketID)
		if err == nil {
			r, err := m.runOfSocket(ctx, &s)
			at, _ := socketContext(r, &s)
			return at, err
		}
		if !errors.Is(err, record.ErrNotFound) {
			return spanContext{}, err
		}
	}
	if e.RequestID != 0 {
		return requestContext(r, e.RequestID), nil
	}
	return spanContext{}, nil
}
