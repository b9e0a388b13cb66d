package storage

import (
	"database/sql"
	"errors"
	"fmt"
)

// socket returns the row of an id as it stands after the events before: from this batch, from the table, or empty.
func (in *ingest) socket(id int64) (*socketRow, error) {
	if in.last != nil && in.last.ID == id {
		return in.last, nil
	}
	s := in.sockets[id]
	if s == nil {
		s = &socketRow{}
		if id <= in.maxSocket {
			if err := s.load(in.w, id); err != nil && !errors.Is(err, sql.ErrNoRows) {
				return nil, err
			}
		}
		s.ID, s.before = id, s.State
		in.sockets[id] = s
		in.order = append(in.order, s)
	}
	in.last = s
	return s, nil
}

func (s *socketRow) load(w *writer, id int64) error {
	return w.row(`SELECT app, coalesce(run_id, 0), coalesce(request_id, 0), coalesce(network, ''), coalesce(host, ''), coalesce(remote_addr, ''),
		coalesce(local_addr, ''), coalesce(standin, ''), opened_at, coalesce(closed_at, 0), state, coalesce(close_reason, ''),
		bytes_sent, bytes_received, sends, receives, coalesce(call_site, ''), last_at, coalesce(rule, ''),
		coalesce(first_event, 0), coalesce(used_event, 0), uses FROM sockets WHERE id = ?`, []any{id},
		&s.App, &s.RunID, &s.RequestID, &s.Network, &s.Host, &s.RemoteAddr,
		&s.LocalAddr, &s.Standin, &s.OpenedAt, &s.ClosedAt, &s.State, &s.CloseReason,
		&s.BytesSent, &s.BytesReceived, &s.Sends, &s.Receives, &s.CallSite, &s.LastAt, &s.Rule,
		&s.firstEvent, &s.usedEvent, &s.uses)
}

func (in *ingest) saveSockets() error {
	for _, s := range in.order {
		if err := in.saveSocket(s); err != nil {
			return fmt.Errorf("socket %d: %w", s.ID, err)
		}
		in.totals.moved(s.before, s.State)
		if err := s.saveUse(in.w); err != nil {
			return fmt.Errorf("activity of socket %d: %w", s.ID, err)
		}
	}
	return nil
}

func (in *ingest) saveSocket(s *socketRow) error {
	if s.before == "" {
		_, err := in.w.exec(`INSERT INTO sockets (id, run_id, app, request_id, network, host, remote_addr, local_addr, standin,
			opened_at, closed_at, state, close_reason, bytes_sent, bytes_received, sends, receives, call_site, last_at, rule,
			first_event, last_event, used_event, uses) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			s.ID, number(in.batch.RunID), in.batch.App, number(s.RequestID), text(s.Network), text(s.Host), text(s.RemoteAddr), text(s.LocalAddr), text(s.Standin),
			s.OpenedAt, number(s.ClosedAt), s.State, text(s.CloseReason), s.BytesSent, s.BytesReceived, s.Sends, s.Receives, text(s.CallSite), s.LastAt, text(s.Rule),
			s.firstEvent, s.lastEvent, number(s.usedEvent), s.uses)
		return err
	}
	_, err := in.w.exec(`UPDATE sockets SET network = ?, host = ?, remote_addr = ?, local_addr = ?, standin = ?, closed_at = ?, state = ?,
		close_reason = ?, bytes_sent = ?, bytes_received = ?, sends = ?, receives = ?, call_site = ?, last_at = ?,
		last_event = ?, used_event = ?, uses = ? WHERE id = ?`,
		text(s.Network), text(s.Host), text(s.RemoteAddr), text(s.LocalAddr), text(s.Standin), number(s.ClosedAt), s.State,
		text(s.CloseReason), s.BytesSent, s.BytesReceived, s.Sends, s.Receives, text(s.CallSite), s.LastAt,
		s.lastEvent, number(s.usedEvent), s.uses, s.ID)
	return err
}
