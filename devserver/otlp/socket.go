package otlp

import (
	"context"
	"strings"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// Of a socket with many operations the first and the last are looked at for its span's events.
const (
	firstOps = 16
	lastOps  = 16
)

// socket is the span of a socket, from its opening to its end. Of one that is open it ends with its last operation.
func (m *mapper) socket(ctx context.Context, r record.Run, k record.Socket) (span, error) {
	at, parent := socketContext(r, &k)
	end := k.ClosedAt
	if end == 0 {
		end = k.LastAt
	}
	to := destination(k.Host, k.RemoteAddr)
	s := span{
		TraceID: string(at.trace), SpanID: string(at.span), Parent: string(parent), Name: cut(strings.TrimSpace(k.Network + " " + to)), Kind: kindClient,
		Start: nanos(k.OpenedAt), End: nanos(max(k.OpenedAt, end)), Attributes: socketAttributes(k, to),
	}
	if s.Name == "" {
		s.Name = "socket"
	}
	if to == "" { // a listener, or one that was only made
		s.Kind = kindInternal
	}
	ops, err := m.operations(ctx, k)
	if err != nil {
		return s, err
	}
	s.Events = rare(ops)
	if k.State == "denied" || k.State == "failed" {
		s.Status = &status{Code: statusError, Message: cut(lastError(ops))}
		s.Attributes.text("error.type", k.State)
	}
	return s, nil
}

func socketAttributes(k record.Socket, to string) (a attributes) {
	a.transport(k.Network, k.RemoteAddr)
	a.endpoint("server.address", "server.port", to)
	a.endpoint("network.peer.address", "network.peer.port", k.RemoteAddr)
	a.endpoint("network.local.address", "network.local.port", k.LocalAddr)
	a.site(k.CallSite)
	a.count("devserver.socket.id", k.ID)
	a.text("devserver.state", k.State)
	a.text("devserver.close_reason", k.CloseReason)
	a.text("devserver.rule", k.Rule)
	a.text("devserver.standin", k.Standin)
	a.count("devserver.bytes_sent", k.BytesSent)
	a.count("devserver.bytes_received", k.BytesReceived)
	a.count("devserver.sends", k.Sends)
	a.count("devserver.receives", k.Receives)
	return a
}

// operations are the first and the last of a socket, in order.
func (m *mapper) operations(ctx context.Context, k record.Socket) ([]record.Event, error) {
	first, err := m.src.Events(ctx, record.EventFilter{SocketID: k.ID, Ascending: true, Limit: firstOps})
	if err != nil || len(first) < firstOps {
		return first, err
	}
	last, err := m.src.Events(ctx, record.EventFilter{SocketID: k.ID, After: first[len(first)-1].ID, Limit: lastOps})
	for i := len(last) - 1; i >= 0; i-- {
		first = append(first, last[i])
	}
	return first, err
}

// rare are the operations worth an event of the span: of sends and receives the first alone, how many there were stands
// in its attributes.
func rare(ops []record.Event) []event {
	var out []event
	var sent, received bool
	for i := range ops {
		e := &ops[i]
		name := e.Kind
		switch e.Kind {
		case "send":
			if sent {
				continue
			}
			sent, name = true, "first send"
		case "receive":
			if received || e.Bytes == 0 {
				continue
			}
			received, name = true, "first byte"
		case "create", "close", "option_get", "option_set":
			continue
		}
		out = append(out, event{Time: nanos(ended(e)), Name: name, Attributes: eventAttributes(e)})
	}
	return out
}

// ended is when an operation was over. What a reclaim's duration tells lies before it.
func ended(e *record.Event) int64 {
	if e.Kind == "reclaim" {
		return e.At
	}
	return e.At + max(e.DurationNS, 0)
}

func eventAttributes(e *record.Event) (a attributes) {
	a.number("devserver.duration_ns", e.DurationNS)
	a.number("devserver.bytes", e.Bytes)
	a.text("devserver.rule", e.Rule)
	a.text("error.message", e.Error)
	a.text("devserver.detail", e.Detail)
	a.number("devserver.request.id", e.RequestID)
	return a
}

// lastError is what the program was told last.
func lastError(ops []record.Event) string {
	for i := len(ops) - 1; i >= 0; i-- {
		if ops[i].Error != "" {
			return ops[i].Error
		}
	}
	return ""
}
