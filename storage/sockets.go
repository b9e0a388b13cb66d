package storage

import (
	"context"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

const selectSockets = `SELECT s.id, coalesce(s.run_id, 0), s.app, coalesce(s.request_id, 0), coalesce(s.network, ''), coalesce(s.host, ''),
	coalesce(s.remote_addr, ''), coalesce(s.local_addr, ''), coalesce(s.standin, ''), s.opened_at, coalesce(s.closed_at, 0), s.state,
	coalesce(s.close_reason, ''), s.bytes_sent, s.bytes_received, s.sends, s.receives, coalesce(s.call_site, ''), s.last_at, coalesce(s.rule, ''),
	coalesce(q.method || ' ' || q.url, ''), coalesce(s.first_event, 0), coalesce(s.last_event, 0), coalesce(s.used_event, 0), s.uses FROM sockets s LEFT JOIN requests q ON q.id = s.request_id`

func scanSocket(scan func(...any) error) (s record.Socket, err error) {
	err = scan(&s.ID, &s.RunID, &s.App, &s.RequestID, &s.Network, &s.Host,
		&s.RemoteAddr, &s.LocalAddr, &s.Standin, &s.OpenedAt, &s.ClosedAt, &s.State,
		&s.CloseReason, &s.BytesSent, &s.BytesReceived, &s.Sends, &s.Receives, &s.CallSite, &s.LastAt, &s.Rule, &s.Request,
		&s.FirstEvent, &s.LastEvent, &s.UsedEvent, &s.Uses)
	return s, err
}

// Sockets returns the sockets that f selects, newest first, or oldest first with Ascending. Since selects those that were
// opened, used or ended at or after it; State "idle" needs IdleSince, without which no socket is idle. A limit below 0 asks for all.
func (db *DB) Sockets(ctx context.Context, f record.SocketFilter) ([]record.Socket, error) {
	w := socketWhere(f)
	q := selectSockets + w.clause() + ` ORDER BY s.id ` + direction(f.Ascending) + ` LIMIT ?`
	return query(ctx, db, "sockets", q, append(w.args, limit(f.Limit)), scanSocket)
}

func socketWhere(f record.SocketFilter) (w where) {
	if f.State == "idle" {
		w.addIf(true, "s.state = 'open' AND s.last_at < ?", f.IdleSince)
	} else {
		w.addIf(f.State != "", "s.state = ?", f.State)
	}
	w.addIf(f.App != "", "s.app = ?", f.App)
	w.addIf(f.Host != "", toHost, contains(f.Host), contains(f.Host))
	w.addIf(f.Rule != "", "(s.rule = ? OR s.id IN (SELECT socket_id FROM events INDEXED BY events_rule WHERE rule IS NOT NULL AND rule = ?))", f.Rule, f.Rule)
	w.addIf(f.RequestID != 0, "s.id IN (SELECT socket_id FROM request_sockets WHERE request_id = ? UNION SELECT id FROM sockets WHERE request_id = ?)",
		f.RequestID, f.RequestID)
	w.addIf(f.RunID != 0, "s.run_id = ?", f.RunID)
	w.addIf(f.Since != 0, "(s.last_at >= ? OR s.closed_at >= ?)", f.Since, f.Since)
	w.addIf(f.Before != 0, "s.id < ?", f.Before)
	w.addIf(f.After != 0, "s.id > ?", f.After)
	return w
}

// hostMatch takes the pattern twice.
const hostMatch = `(s.host LIKE ? ESCAPE '\' OR s.remote_addr LIKE ? ESCAPE '\')`

// toHost asks hostMatch of the index, which is a fraction of the table.
const toHost = `s.id IN (SELECT s.id FROM sockets s INDEXED BY sockets_peer WHERE ` + hostMatch + `)`

// Socket returns one socket, or record.ErrNotFound.
func (db *DB) Socket(ctx context.Context, id int64) (record.Socket, error) {
	return one(query(ctx, db, "socket", selectSockets+` WHERE s.id = ?`, []any{id}, scanSocket))
}

// one returns the single row of a query by id.
func one[T any](rows []T, err error) (T, error) {
	if err == nil && len(rows) == 0 {
		err = record.ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return rows[0], nil
}
