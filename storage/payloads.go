package storage

import (
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"io"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// addPayload adds captured bytes, compressed where that makes them shorter.
func (w *writer) addPayload(p *record.Payload) error {
	_, err := w.exec(`INSERT OR IGNORE INTO payloads (socket_id, event_id, request_id, at, direction, layer, place, size, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		p.SocketID, number(p.EventID), number(p.RequestID), p.At, p.Direction, p.Layer, p.Place, len(p.Data), deflate(p.Data))
	return err
}

// AddPayload adds captured bytes that came by no journal. p.ID is ignored.
func (db *DB) AddPayload(p record.Payload) error {
	return db.update("add payload", func(w *writer) error { return w.addPayload(&p) })
}

// deflate returns data as zlib, or as it is where that is not longer.
func deflate(data []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write(data)
	z.Close()
	if b.Len() >= len(data) {
		return data
	}
	return b.Bytes()
}

// mostDeflated is how many bytes zlib makes one of, at most.
const mostDeflated = 1032

// inflate undoes deflate for data of the given size.
func inflate(data []byte, size int) ([]byte, error) {
	if len(data) == size {
		return data, nil
	}
	if size < 0 || size/mostDeflated > len(data) {
		return nil, fmt.Errorf("%d bytes cannot be compressed to %d", size, len(data))
	}
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	whole := make([]byte, size)
	_, err = io.ReadFull(z, whole)
	return whole, err
}

// Payloads returns the captured bytes that f selects, in the order in which they were recorded.
func (db *DB) Payloads(ctx context.Context, f record.PayloadFilter) ([]record.Payload, error) {
	var w where
	w.addIf(f.SocketID != 0, "socket_id = ?", f.SocketID)
	w.addIf(f.RequestID != 0, "request_id = ?", f.RequestID)
	w.addIf(f.Layer != "", "layer = ?", f.Layer)
	w.addIf(f.After != 0, "id > ?", f.After)
	q := `SELECT id, socket_id, coalesce(event_id, 0), coalesce(request_id, 0), at, direction, layer, place, size, data FROM payloads` + w.clause() + ` ORDER BY id LIMIT ?`
	return query(ctx, db, "payloads", q, append(w.args, limit(f.Limit)), func(scan func(...any) error) (p record.Payload, err error) {
		var size int
		var data []byte
		if err = scan(&p.ID, &p.SocketID, &p.EventID, &p.RequestID, &p.At, &p.Direction, &p.Layer, &p.Place, &size, &data); err != nil {
			return p, err
		}
		if p.Data, err = inflate(data, size); err != nil {
			err = fmt.Errorf("payload %d: %w", p.ID, err)
		}
		return p, err
	})
}

// waiting are captured bytes of operations whose events have not come: each payload stands in the journal before its
// event, which may be in a later batch, or in none when the worker was killed meanwhile.
type waiting struct {
	rows  []*record.Payload                // of this batch, all of them, in order
	of    map[operations][]*record.Payload // those that wait, of this batch and of earlier ones
	found []*record.Payload                // of earlier batches, whose event is in this one
}

// operations are those of one direction of a socket.
type operations struct {
	socket    int64
	direction string
}

// mostWaiting is how many payloads of earlier batches may wait. Those of one operation fill a row for each 8 KiB.
const mostWaiting = 4096

// load reads what earlier batches left waiting.
func (q *waiting) load(w *writer) error {
	s, err := w.stmt(`SELECT id, socket_id, direction, at FROM payloads WHERE event_id IS NULL AND layer = 'wire' ORDER BY id DESC LIMIT ?`)
	if err != nil {
		return fmt.Errorf("payloads: %w", err)
	}
	rows, err := s.Query(mostWaiting)
	if err != nil {
		return fmt.Errorf("payloads: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		p := new(record.Payload)
		if err := rows.Scan(&p.ID, &p.SocketID, &p.Direction, &p.At); err != nil {
			return fmt.Errorf("payloads: %w", err)
		}
		q.wait(p)
	}
	return rows.Err()
}

func (q *waiting) wait(p *record.Payload) {
	if q.of == nil {
		q.of = map[operations][]*record.Payload{}
	}
	of := operations{p.SocketID, p.Direction}
	q.of[of] = append(q.of[of], p)
}

// payload takes in an event that carries captured bytes.
func (in *ingest) payload(e *sandbox.Event) error {
	p := &record.Payload{SocketID: int64(e.Socket), RequestID: int64(e.Request), At: e.At, Place: e.Bytes, Data: []byte(e.Detail)}
	p.Layer, p.Direction, _ = e.Kind.Payload()
	in.payloads.rows = append(in.payloads.rows, p)
	if p.Layer == sandbox.LayerWire {
		in.payloads.wait(p)
	}
	return nil
}

// join gives the payloads of an operation the id of its event.
func (q *waiting) join(e *sandbox.Event, id int64) {
	if len(q.of) == 0 || e.Kind != sandbox.KindSend && e.Kind != sandbox.KindReceive {
		return
	}
	of := operations{int64(e.Socket), sandbox.DirectionSent}
	if e.Kind == sandbox.KindReceive {
		of.direction = sandbox.DirectionReceived
	}
	all := q.of[of]
	left := all[:0]
	for _, p := range all {
		if p.At != e.At {
			left = append(left, p)
			continue
		}
		p.EventID = id
		if p.ID != 0 {
			q.found = append(q.found, p)
		}
	}
	if q.of[of] = left; len(left) == 0 {
		delete(q.of, of)
	}
}

// save writes the batch's payloads, and the events of those that waited.
func (q *waiting) save(w *writer) error {
	for _, p := range q.rows {
		if err := w.addPayload(p); err != nil {
			return err
		}
	}
	for _, p := range q.found {
		if _, err := w.exec(`UPDATE payloads SET event_id = ? WHERE id = ?`, p.EventID, p.ID); err != nil {
			return err
		}
	}
	return nil
}
