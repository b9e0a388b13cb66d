package export

import (
	"context"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// capturedPage is how many payloads of a socket are read at once. They may be large, and many sockets are open at a time.
const capturedPage = 8

// payloads are the captured bytes of one socket, read as its operations come.
type payloads struct {
	held  map[int64][]record.Payload // event -> its bytes, in order
	after int64                      // id of the last that was read
	event int64                      // the highest event of which bytes were read
	done  bool
}

// take returns what was captured of an operation: its first bytes, as far as they follow each other.
func (p *payloads) take(ctx context.Context, c *conn, e *record.Event) ([]byte, error) {
	if !c.captured {
		return nil, nil
	}
	for !p.done && p.event <= e.ID {
		if err := p.more(ctx, c); err != nil {
			return nil, err
		}
	}
	var data []byte
	var next int64
	for i, part := range p.held[e.ID] {
		if i > 0 && part.Place != next {
			break
		}
		data, next = append(data, part.Data...), part.Place+int64(len(part.Data))
	}
	delete(p.held, e.ID)
	return data[:min(int64(len(data)), e.Bytes)], nil
}

func (p *payloads) more(ctx context.Context, c *conn) error {
	rows, err := c.src.Payloads(ctx, record.PayloadFilter{SocketID: c.row.ID, RequestID: c.o.RequestID, Layer: "wire", After: p.after, Limit: capturedPage})
	if err != nil {
		return err
	}
	if p.held == nil {
		p.held = map[int64][]record.Payload{}
	}
	for _, row := range rows {
		p.after, p.event = row.ID, max(p.event, row.EventID)
		if row.At >= c.o.Since {
			p.held[row.EventID] = append(p.held[row.EventID], row)
		}
	}
	p.done = len(rows) < capturedPage
	return nil
}
