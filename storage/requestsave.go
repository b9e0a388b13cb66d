package storage

import (
	"fmt"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// beginRequest notes a request's beginning. Most end in the same batch: then one statement makes the row.
func (in *ingest) beginRequest(e *sandbox.Event) {
	in.begun[int64(e.Request)] = len(in.beginnings)
	in.beginnings = append(in.beginnings, e)
}

// endRequest finishes a request's row, and makes it when its beginning is not held. The end is the event's end,
// whether At is the request's start or the moment it ended.
func (in *ingest) endRequest(e *sandbox.Event) error {
	begin := e
	if i, ok := in.begun[int64(e.Request)]; ok {
		begin, in.beginnings[i] = in.beginnings[i], nil
		delete(in.begun, int64(e.Request))
	}
	r, asked := requestInfo(e), requestInfo(begin)
	end := e.At + int64(e.Duration)
	duration := max(end-begin.At, 0)
	_, err := in.w.exec(`INSERT INTO requests (id, run_id, app, started_at, duration_ns, method, url, remote_addr, proto, status, bytes_in, bytes_out, error)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
		method = coalesce(method, excluded.method), url = coalesce(url, excluded.url), remote_addr = coalesce(remote_addr, excluded.remote_addr),
		proto = coalesce(proto, excluded.proto), duration_ns = max(excluded.started_at + excluded.duration_ns - started_at, 0),
		status = excluded.status, bytes_in = excluded.bytes_in, bytes_out = excluded.bytes_out, error = excluded.error`,
		int64(e.Request), number(in.batch.RunID), in.batch.App, begin.At, duration, text(asked.Method), text(asked.URL), text(asked.RemoteAddr), text(asked.Proto),
		number(int64(r.Status)), r.BytesIn, r.BytesOut, text(e.Error))
	if err != nil {
		return fmt.Errorf("end request %d: %w", e.Request, err)
	}
	return nil
}

// saveBegun makes the rows of the requests that did not end in the batch. A row that is there already (its end was read
// first) keeps its end.
func (in *ingest) saveBegun() error {
	for _, e := range in.beginnings {
		if e == nil {
			continue
		}
		r := requestInfo(e)
		_, err := in.w.exec(`INSERT INTO requests (id, run_id, app, started_at, method, url, remote_addr, proto) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET method = excluded.method, url = excluded.url, remote_addr = excluded.remote_addr, proto = excluded.proto`,
			int64(e.Request), number(in.batch.RunID), in.batch.App, e.At, text(r.Method), text(r.URL), text(r.RemoteAddr), text(r.Proto))
		if err != nil {
			return fmt.Errorf("begin request %d: %w", e.Request, err)
		}
	}
	return nil
}

func requestInfo(e *sandbox.Event) sandbox.RequestInfo {
	if e.Req == nil {
		return sandbox.RequestInfo{}
	}
	return *e.Req
}
