package storage

import (
	"context"
	"database/sql"
	"fmt"
	"math"
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
	text   string
	args   []any
	socket int64 // 0: they are on no socket; else any number
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
	return sources{`SELECT 0, first_event, last_event FROM stretches` + w.clause() + by, w.args, 0}
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
	w.addIf(f.App != "", "r.app = ?", f.App)
	// An import may not name the events of a socket: they may be anywhere, and it comes first.
	w.addIf(f.After != 0, "(r.last_event > ? OR r.last_event IS NULL)", f.After)
	w.addIf(f.Before != 0, "(r.first_event < ? OR r.first_event IS NULL)", f.Before)
	by, near := " ORDER BY min(r.last_event, ?) DESC NULLS FIRST", f.Before
	if near == 0 {
		near = math.MaxInt64
	}
	if f.Ascending {
		by, near = " ORDER BY max(r.first_event, ?) NULLS FIRST", f.After
	}
	const from = `sockets s INDEXED BY sockets_peer CROSS JOIN sockets r ON r.id = s.id` // the index is a fraction of the table
	return sources{`SELECT r.id, r.first_event, r.last_event FROM ` + from + w.clause() + by, append(w.args, near), 1}
}

// firstSources is how many sources are read at first. Most walks end within them, and a query that may stop there sorts
// only so many.
const firstSources = 256

// walk goes through the sources, nearest first, until no later one can hold an event that comes before those found.
func (db *DB) walk(ctx context.Context, f record.EventFilter, w where, from sources) (picking, error) {
	pool, err := db.reader()
	if err != nil {
		return picking{}, db.explain("events", err)
	}
	k := walker{db: db, filter: f, where: w, asked: map[source]bool{}, found: nearest{ascending: f.Ascending, limit: limit(f.Limit)}}
	// The question is the same for each source, so it is read and planned once.
	p := w.within(source{socket: from.socket}).pick("events e"+source{socket: from.socket}.hint(), f)
	if k.ask, err = pool.PrepareContext(ctx, "WITH "+p.text+" SELECT id FROM picked"); err != nil {
		return picking{}, db.explain("events", err)
	}
	defer k.ask.Close()
	for _, most := range []int{firstSources, -1} {
		rows, err := query(ctx, db, "sources of events", from.text+fmt.Sprintf(" LIMIT %d", most), from.args, func(scan func(...any) error) (s source, err error) {
			low, high := sql.NullInt64{}, sql.NullInt64{}
			err = scan(&s.socket, &low, &high)
			s.low, s.high = low.Int64, high.Int64
			if !high.Valid {
				s.high = math.MaxInt64
			}
			return s, err
		})
		if err != nil {
			return picking{}, err
		}
		if done, err := k.through(ctx, rows); err != nil {
			return picking{}, err
		} else if done || len(rows) < firstSources {
			break
		}
	}
	return picked(k.found.ids), nil
}

// walker is a walk under way.
type walker struct {
	db     *DB
	filter record.EventFilter
	where  where
	ask    *sql.Stmt // for the ids of one source
	found  nearest
	asked  map[source]bool // by socket and lowest id: what is written meanwhile changes the order, so all come again behind the first
}

// through asks each source. done says that no later one holds anything nearer.
func (k *walker) through(ctx context.Context, rows []source) (done bool, err error) {
	for _, s := range rows {
		if k.found.beyond(s) {
			return true, nil
		}
		key := source{socket: s.socket, low: s.low}
		if k.asked[key] {
			continue
		}
		k.asked[key] = true
		s, ok := k.found.cut(s)
		if !ok {
			continue
		}
		p := k.where.within(s).pick("", k.filter)
		ids, err := each(k.db, "events", scanID)(k.ask.QueryContext(ctx, p.args...))
		if err != nil {
			return false, err
		}
		k.found.add(ids)
	}
	return false, nil
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
