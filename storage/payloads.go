package storage

import (
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"io"

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

// inflate undoes deflate for data of the given size.
func inflate(data []byte, size int) ([]byte, error) {
	if len(data) == size {
		return data, nil
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
