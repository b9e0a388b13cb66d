package storage

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// source is where events that a filter selects may be: on one socket (0: any) and in one range of ids.
type source struct{ socket, low, high int64 }

func scanSource(scan func(...any) error) (s source, err error) {
	err = scan(&s.low, &s.high)
	return s, err
}

// sources is a query for sources: those come first whose nearest id comes first in the filter's order.
type sources struct {
	text string
	args []any
}

// stretchSources are the stretches of the filter's time, run and app.
func stretchSources(f record.EventFilter) sources {
	w := stretchWhere(f)
	w.addIf(f.After != 0, "last_event > ?", f.After)
	w.addIf(f.Before != 0, "first_event < ?", f.Before)
	by := " ORDER BY last_event DESC"
	if f.Ascending {
		by = " ORDER BY first_event"
	}
	return sources{`SELECT 0, first_event, last_event FROM stretches` + w.clause() + by, w.args}
}

func stretchWhere(f record.EventFilter) (w where) {
	w.addIf(f.Since != 0, "max_at >= ?", f.Since)
	w.addIf(f.RunID != 0, "run_id = ?", f.RunID)
	w.addIf(f.App != "", "run_id IN (SELECT id FROM runs WHERE app = ? UNION SELECT 0)", f.App)
	return w
}

// socketSources are the sockets to the filter's host, each from its first event to its last.
func socketSources(f record.EventFilter) sources {
	w := where{}
	w.addIf(true, hostMatch, contains(f.Host), contains(f.Host))
	w.addIf(f.App != "", "s.app = ?", f.App)
	w.addIf(f.After != 0, "s.last_event > ?", f.After)
	w.addIf(f.Before != 0, "s.first_event < ?", f.Before)
	by, near := " ORDER BY min(s.last_event, ?) DESC", f.Before
	if near == 0 {
		near = 1 << 62
	}
	if f.Ascending {
		by, near = " ORDER BY max(s.first_event, ?)", f.After
	}
	return sources{`SELECT s.id, s.first_event, s.last_event FROM sockets s` + w.clause() + by, append(w.args, near)}
}

// walk goes through the sources, nearest first, until no later one can hold an event that comes before those found.
func (db *DB) walk(ctx context.Context, f record.EventFilter, w where, from sources) (picking, error) {
	rows, err := query(ctx, db, "sources of events", from.text, from.args, func(scan func(...any) error) (s source, err error) {
		err = scan(&s.socket, &s.low, &s.high)
		return s, err
	})
	if err != nil {
		return picking{}, err
	}
	found := nearest{ascending: f.Ascending, limit: limit(f.Limit)}
	for _, s := range rows {
		if found.beyond(s) {
			break
		}
		if s, ok := found.cut(s); ok {
			p := w.within(s).pick("events e"+s.hint(), f)
			ids, err := query(ctx, db, "events", "WITH "+p.text+" SELECT id FROM picked", p.args, scanID)
			if err != nil {
				return picking{}, err
			}
			found.add(ids)
		}
	}
	text, err := json.Marshal(found.ids)
	return picking{"picked(id) AS (SELECT value FROM json_each(?))", []any{string(text)}}, err
}

func scanID(scan func(...any) error) (id int64, err error) {
	err = scan(&id)
	return id, err
}

// hint keeps SQLite on the rowid for a stretch.
func (s source) hint() string {
	if s.socket == 0 {
		return " NOT INDEXED"
	}
	return ""
}

// within adds a source to the conditions.
func (w where) within(s source) where {
	w = where{slices.Clone(w.terms), slices.Clone(w.args)}
	w.addIf(true, "e.id BETWEEN ? AND ?", s.low, s.high)
	w.addIf(s.socket != 0, "e.socket_id = ?", s.socket)
	return w
}

// nearest keeps the ids that come first in order, at most limit of them (below 0: all).
type nearest struct {
	ascending bool
	limit     int
	ids       []int64
}

// full reports whether a further id must come before the last one to count.
func (n *nearest) full() bool { return n.limit >= 0 && len(n.ids) >= n.limit }

// beyond reports whether s, and all that come after it, hold nothing nearer.
func (n *nearest) beyond(s source) bool {
	if !n.full() {
		return false
	}
	if len(n.ids) == 0 {
		return true // nothing is asked for
	}
	last := n.ids[len(n.ids)-1]
	if n.ascending {
		return s.low > last
	}
	return s.high < last
}

// cut takes from s what could not count any more; ok is false when nothing is left.
func (n *nearest) cut(s source) (_ source, ok bool) {
	if !n.full() {
		return s, true
	}
	last := n.ids[len(n.ids)-1]
	if n.ascending {
		s.high = min(s.high, last-1)
	} else {
		s.low = max(s.low, last+1)
	}
	return s, s.low <= s.high
}

func (n *nearest) add(ids []int64) {
	n.ids = append(n.ids, ids...)
	slices.Sort(n.ids)
	if !n.ascending {
		slices.Reverse(n.ids)
	}
	n.ids = slices.Compact(n.ids)
	if n.full() {
		n.ids = n.ids[:n.limit]
	}
}
