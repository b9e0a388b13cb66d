package storage

import (
	"fmt"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// beginRequest makes a request's row. A row that is there already (its end was read first) keeps its end.
func (in *ingest) beginRequest(e *sandbox.Event) error {
	var r sandbox.RequestInfo
	if e.Req != nil {
		r = *e.Req
	}
	_, err := in.w.exec(`INSERT INTO requests (id, run_id, app, started_at, method, url, remote_addr, proto) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET method = excluded.method, url = excluded.url, remote_addr = excluded.remote_addr, proto = excluded.proto`,
		int64(e.Request), number(in.batch.RunID), in.batch.App, e.At, text(r.Method), text(r.URL), text(r.RemoteAddr), text(r.Proto))
	if err != nil {
		return fmt.Errorf("begin request %d: %w", e.Request, err)
	}
	return nil
}

// endRequest finishes a request's row, and makes it when its beginning is not held. The end is the event's end,
// whether At is the request's start or the moment it ended.
func (in *ingest) endRequest(e *sandbox.Event) error {
	var r sandbox.RequestInfo
	if e.Req != nil {
		r = *e.Req
	}
	_, err := in.w.exec(`INSERT INTO requests (id, run_id, app, started_at, duration_ns, method, url, remote_addr, proto, status, bytes_in, bytes_out, error)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (id) DO UPDATE SET
		duration_ns = max(?4 + ?5 - started_at, 0), status = ?10, bytes_in = ?11, bytes_out = ?12, error = ?13`,
		int64(e.Request), number(in.batch.RunID), in.batch.App, e.At, int64(e.Duration), text(r.Method), text(r.URL), text(r.RemoteAddr), text(r.Proto),
		number(int64(r.Status)), r.BytesIn, r.BytesOut, text(e.Error))
	if err != nil {
		return fmt.Errorf("end request %d: %w", e.Request, err)
	}
	return nil
}
