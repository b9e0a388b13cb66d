package otlp

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// A traceID and a spanID are hexadecimal, of 16 and 8 bytes. They are made of what does not change in a recording, also
// when its file is copied: the run's app, number and start in nanoseconds, and the number of the request or the socket. A
// run of number 0 is what mapper.run makes up for rows that have none.
type (
	traceID string
	spanID  string
)

// spanContext is where a span is found.
type spanContext struct {
	trace traceID
	span  spanID
}

// digest is never all zero in practice: the protocol takes such an id for none.
func digest(r record.Run, kind string, id int64) [sha256.Size]byte {
	b := append([]byte("devserver otlp 1\x00"+kind+"\x00"+r.App), 0)
	for _, n := range []int64{r.ID, r.StartedAt, id} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return sha256.Sum256(b)
}

// requestContext is where the span of a request is. All that the request led to is in its trace.
func requestContext(r record.Run, request int64) spanContext {
	sum := digest(r, "request", request)
	return spanContext{traceID(hex.EncodeToString(sum[:16])), spanID(hex.EncodeToString(sum[16:24]))}
}

// below is where a span is that a request led to; with request 0 it is the root of a trace of its own.
func below(r record.Run, request int64, kind string, id int64) (at spanContext, parent spanID) {
	sum := digest(r, kind, id)
	at = spanContext{traceID(hex.EncodeToString(sum[:16])), spanID(hex.EncodeToString(sum[16:24]))}
	if request != 0 {
		up := requestContext(r, request)
		at.trace, parent = up.trace, up.span
	}
	return at, parent
}

func socketContext(r record.Run, s *record.Socket) (at spanContext, parent spanID) {
	return below(r, s.RequestID, "socket", s.ID)
}
