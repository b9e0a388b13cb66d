package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// eventsOf follows a WITH whose table picked(id) names the events, and is followed by their order.
const eventsOf = ` SELECT e.id, coalesce(e.run_id, 0), coalesce(s.app, r.app, ''), coalesce(e.socket_id, 0), coalesce(e.request_id, 0), e.at, e.kind, e.bytes, e.duration_ns,
	coalesce(e.rule, ''), coalesce(e.error, ''), coalesce(e.detail, ''), coalesce(s.network, ''), coalesce(s.host, ''), coalesce(s.remote_addr, ''),
	coalesce(s.call_site, ''), coalesce(q.method || ' ' || q.url, ''), coalesce(q.status, 0)
	FROM picked p CROSS JOIN events e ON e.id = p.id LEFT JOIN runs r ON r.id = e.run_id LEFT JOIN sockets s ON s.id = e.socket_id
	LEFT JOIN requests q ON q.id = e.request_id ORDER BY e.id `

func scanEvent(scan func(...any) error) (e record.Event, err error) {
	err = scan(eventFields(&e)...)
	return e, err
}

func eventFields(e *record.Event) []any {
	return []any{&e.ID, &e.RunID, &e.App, &e.SocketID, &e.RequestID, &e.At, &e.Kind, &e.Bytes, &e.DurationNS,
		&e.Rule, &e.Error, &e.Detail, &e.Network, &e.Host, &e.RemoteAddr, &e.CallSite, &e.Request, &e.Status}
}

// Events returns the events that f selects, newest first, or oldest first with Ascending. Page on with Before (or After)
// set to the last id. A limit below 0 asks for all.
func (db *DB) Events(ctx context.Context, f record.EventFilter) ([]record.Event, error) {
	f, err := db.narrow(ctx, f)
	if err != nil {
		return nil, err
	}
	p, err := db.plan(ctx, f)
	if err != nil {
		return nil, err
	}
	q := "WITH " + p.text + eventsOf + order(f) + " LIMIT ?"
	return query(ctx, db, "events", q, append(p.args, limit(f.Limit)), scanEvent)
}

func order(f record.EventFilter) string { return direction(f.Ascending) }

// narrow bounds the ids by what the stretches say of the filter's time and run.
func (db *DB) narrow(ctx context.Context, f record.EventFilter) (record.EventFilter, error) {
	if f.Since == 0 && f.RunID == 0 {
		return f, nil
	}
	w := stretchWhere(f)
	q := `SELECT coalesce(min(first_event), 0), coalesce(max(last_event), 0) FROM stretches` + w.clause()
	s, err := one(query(ctx, db, "stretches", q, w.args, scanSource))
	if err != nil {
		return f, err
	}
	f.After = max(f.After, s.low-1)
	if f.Before == 0 || f.Before > s.high+1 {
		f.Before = s.high + 1
	}
	return f, nil
}

// picking is the text of common table expressions, the last of which is picked(id).
type picking struct {
	text string
	args []any
}

// plan chooses by which index the events are found. Whatever the choice, all conditions are asked of each event, so
// that a wrong guess costs time and never a row.
func (db *DB) plan(ctx context.Context, f record.EventFilter) (picking, error) {
	w := eventWhere(f)
	switch {
	case f.SocketID != 0:
		w.addIf(true, "e.socket_id = ?", f.SocketID)
		return w.pick("events e", f), nil
	case f.RequestID != 0:
		w.addIf(true, "l.request_id = ? AND e.id BETWEEN l.first_event AND l.last_event", f.RequestID)
		return w.pick("request_sockets l CROSS JOIN events e ON e.socket_id IS nullif(l.socket_id, 0)", f), nil
	case f.Rule != "":
		return w.pick("events e INDEXED BY events_rule", f), nil
	case len(f.Kinds) > 0 && !slices.ContainsFunc(f.Kinds, frequent):
		return w.pickKinds(f), nil
	case f.Host != "":
		if p, enough, err := db.amongNewest(ctx, f, w); enough || err != nil {
			return p, err
		}
		return db.walk(ctx, f, w, socketSources(f))
	case f.App != "" || f.Since != 0 || f.RunID != 0:
		return db.walk(ctx, f, w, stretchSources(f))
	}
	return w.pick("events e NOT INDEXED", f), nil
}

// amongNewest picks from the newest events, as Requests does first: what is frequent is found among them at once. It is enough where
// no older one is wanted.
func (db *DB) amongNewest(ctx context.Context, f record.EventFilter, w where) (p picking, enough bool, err error) {
	if f.Ascending || f.Limit < 0 {
		return p, false, nil
	}
	low, err := one(query(ctx, db, "events", `SELECT coalesce(max(id), 0) - ? FROM events WHERE id < ?`, []any{db.newest, before(f.Before)}, scanID))
	if err != nil {
		return p, false, err
	}
	w.addIf(true, "e.id > ?", low)
	p = w.pick("events e NOT INDEXED", f)
	ids, err := query(ctx, db, "events", "WITH "+p.text+" SELECT id FROM picked", p.args, scanID)
	return picked(ids), len(ids) == limit(f.Limit) || f.After >= low, err
}

// picked is what was picked already.
func picked(ids []int64) picking {
	text, err := json.Marshal(ids)
	if err != nil {
		panic(err) // of numbers
	}
	return picking{"picked(id) AS (SELECT value FROM json_each(?))", []any{string(text)}}
}

// rareKinds are those that the partial index events_kind holds, in its own words.
var rareKinds = fmt.Sprintf("e.kind_id NOT IN (%d, %d)", sandbox.KindSend, sandbox.KindReceive)

// frequent reports whether the partial index events_kind leaves a kind out.
func frequent(kind string) bool { return kind == "send" || kind == "receive" }

// eventWhere are all conditions of f but the socket.
func eventWhere(f record.EventFilter) (w where) {
	w.addIf(f.After != 0, "e.id > ?", f.After)
	w.addIf(f.Before != 0, "e.id < ?", f.Before)
	w.addIf(f.Since != 0, "e.at >= ?", f.Since)
	w.addIf(f.RunID != 0, "e.run_id = ?", f.RunID)
	w.addIf(f.RequestID != 0, "e.request_id = ?", f.RequestID)
	w.addIf(f.Rule != "", "e.rule IS NOT NULL AND e.rule = ?", f.Rule)
	if len(f.Kinds) > 0 {
		marks := strings.Repeat(", ?", len(f.Kinds))[2:]
		w.addIf(true, "e.kind IN ("+marks+")", anys(f.Kinds)...)
	}
	if f.App != "" {
		w.addIf(true, "(e.run_id IN (SELECT id FROM runs WHERE app = ?) OR e.run_id IS NULL AND e.socket_id IN (SELECT id FROM sockets WHERE app = ?))", f.App, f.App)
	}
	if f.Host != "" {
		w.addIf(true, "EXISTS (SELECT 1 FROM sockets s WHERE s.id = e.socket_id AND "+hostMatch+")", contains(f.Host), contains(f.Host))
	}
	return w
}

func anys(texts []string) []any {
	all := make([]any, len(texts))
	for i, t := range texts {
		all[i] = t
	}
	return all
}

// pick reads the events of one source in the order of their ids.
func (w where) pick(from string, f record.EventFilter) picking {
	return picking{
		text: "picked(id) AS (SELECT e.id FROM " + from + w.clause() + " ORDER BY e.id " + order(f) + " LIMIT ?)",
		args: append(slices.Clone(w.args), limit(f.Limit)),
	}
}

// pickKinds reads each kind by itself: of each, the first rows in order are enough.
func (w where) pickKinds(f record.EventFilter) picking {
	var parts []string
	var args []any
	for _, kind := range f.Kinds {
		parts = append(parts, "SELECT * FROM (SELECT e.id FROM events e INDEXED BY events_kind"+w.clause()+
			" AND "+rareKinds+" AND e.kind = ? ORDER BY e.id "+order(f)+" LIMIT ?)")
		args = append(append(args, w.args...), kind, limit(f.Limit))
	}
	return picking{text: "picked(id) AS (" + strings.Join(parts, " UNION ") + ")", args: args}
}
