package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// Batch is what one journal said since its last batch. Five to twenty thousand events make a good one.
type Batch struct {
	RunID   int64           // the run whose worker wrote the journal; 0: no supervisor started that process
	App     string          // the app of all its sockets and requests
	Journal string          // "": the events come from no journal, and no position is kept
	Segment int64           // the journal's segment and
	Offset  int64           // the place in it right behind the last event: where reading goes on
	Events  []sandbox.Event // in the journal's order; not kept after Write returns
}

// Write adds a batch and the journal's new position in one transaction. When it fails or ctx is done before the
// commit, nothing of the batch is in the recording, and the same batch may be written again; ErrFull and ErrLocked
// say that this will help later. A batch that ends at the stored position is already held: Write returns nil and changes
// nothing. One that ends before it is an ErrPosition.
func (db *DB) Write(ctx context.Context, b Batch) error {
	return db.update("write batch", func(w *writer) error {
		held, err := w.held(b)
		if err != nil || held {
			return err
		}
		in := newIngest(w, &b)
		if err := in.begin(); err != nil {
			return err
		}
		if err := in.events(ctx); err != nil {
			return fmt.Errorf("events: %w", err)
		}
		if err := in.finish(); err != nil {
			return err
		}
		return ctx.Err()
	})
}

// held reports whether the journal's stored position is already the one behind b.
func (w *writer) held(b Batch) (bool, error) {
	if b.Journal == "" {
		return false, nil
	}
	var segment, offset int64
	err := w.row(`SELECT segment, "offset" FROM journals WHERE name = ?`, []any{b.Journal}, &segment, &offset)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("journal position: %w", err)
	}
	if b.Segment < segment || b.Segment == segment && b.Offset < offset {
		return false, fmt.Errorf("%w: %s is at segment %d, offset %d, the batch ends at segment %d, offset %d",
			ErrPosition, b.Journal, segment, offset, b.Segment, b.Offset)
	}
	return b.Segment == segment && b.Offset == offset, nil
}

// ingest is one batch on its way into the tables. Events are added by one statement; all that sums them is gathered in
// memory first and written once for each row touched.
type ingest struct {
	w     *writer
	batch *Batch

	next      int64 // id of the next event
	first     int64 // id of the batch's first event
	minAt     int64
	maxAt     int64
	maxSocket int64 // the highest sockets.id before the batch: what is above is new

	last    *socketRow // of the last event: most events follow one of the same socket
	sockets map[int64]*socketRow
	order   []*socketRow // in the order in which they were first touched
	loose   links        // of events that concern no socket
	denials map[denialKey]*denialRow
	totals  totals

	payloads   waiting          // for the events of their operations
	begun      map[int64]int    // requests that have not ended yet: their places in
	beginnings []*sandbox.Event // nil: it ended

	lines    map[sandbox.Kind]*unfinished // of the streams that were written
	endedAt  int64                        // when the run ended, 0: it has not
	runEnded bool
}

func newIngest(w *writer, b *Batch) *ingest {
	return &ingest{
		w: w, batch: b,
		sockets: map[int64]*socketRow{}, denials: map[denialKey]*denialRow{}, begun: map[int64]int{},
	}
}

// begin reads what the batch builds on. It is read anew each time, so that two processes may write.
func (in *ingest) begin() error {
	err := in.w.row(`SELECT (SELECT last_event FROM sequence), coalesce((SELECT max(id) FROM sockets), 0)`, nil, &in.first, &in.maxSocket)
	if err != nil {
		return fmt.Errorf("last ids: %w", err)
	}
	in.first++
	in.next = in.first
	var ended sql.NullInt64
	err = in.w.row(`SELECT ended_at FROM runs WHERE id = ?`, []any{in.batch.RunID}, &ended)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("run: %w", err)
	}
	in.endedAt, in.runEnded = ended.Int64, ended.Valid
	return in.payloads.load(in.w)
}

// patience is how many events are added between two looks at the context.
const patience = 4096

func (in *ingest) events(ctx context.Context) error {
	defer in.w.feed.drop()
	for i := range in.batch.Events {
		if i%patience == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := in.event(&in.batch.Events[i]); err != nil {
			return err
		}
	}
	return in.w.feed.flush(in.w, in.batch.RunID)
}

func (in *ingest) event(e *sandbox.Event) error {
	switch e.Kind {
	case sandbox.KindRequestBegin:
		in.beginRequest(e)
		return nil
	case sandbox.KindRequestEnd:
		return in.endRequest(e)
	case sandbox.KindStdout, sandbox.KindStderr:
		return in.written(e)
	case sandbox.KindWireSent, sandbox.KindWireReceived, sandbox.KindTLSSent, sandbox.KindTLSReceived:
		return in.payload(e)
	}
	id := in.next
	in.next++
	if in.minAt == 0 || e.At < in.minAt {
		in.minAt = e.At
	}
	in.maxAt = max(in.maxAt, ended(e))
	var s *socketRow
	if e.Socket != 0 {
		var err error
		if s, err = in.socket(int64(e.Socket)); err != nil {
			return fmt.Errorf("socket %d: %w", e.Socket, err)
		}
		s.apply(e, id)
		in.payloads.join(e, id)
	} else if e.Request != 0 {
		in.loose.add(int64(e.Request), id)
	}
	if e.Kind == sandbox.KindDeny {
		in.deny(e, s, id)
	}
	in.totals.count(e)
	in.w.feed.add(id, e)
	return nil
}

// finish writes all that was gathered, and the position.
func (in *ingest) finish() error {
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"begun requests", in.saveBegun},
		{"payloads", func() error { return in.payloads.save(in.w) }},
		{"sockets", in.saveSockets},
		{"requests of sockets", in.saveLinks},
		{"denials", in.saveDenials},
		{"stretch", in.saveStretch},
		{"totals", func() error { return in.totals.save(in.w, in.batch.App) }},
		{"unfinished lines", in.saveUnfinished},
		{"ended run", in.closeEnded},
		{"journal position", in.savePosition},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// closeEnded closes what an ended run left open: the last events of a journal may be read after its worker's end.
func (in *ingest) closeEnded() error {
	if !in.runEnded {
		return nil
	}
	return in.w.closeRun(in.batch.RunID, in.endedAt)
}

func (in *ingest) savePosition() error {
	b := in.batch
	if in.next > in.first {
		if _, err := in.w.exec(`UPDATE sequence SET last_event = ?`, in.next-1); err != nil {
			return err
		}
	}
	if b.Journal == "" {
		return nil
	}
	_, err := in.w.exec(`INSERT INTO journals (name, segment, "offset", run_id, last_event) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET segment = excluded.segment, "offset" = excluded."offset", run_id = excluded.run_id, last_event = excluded.last_event`,
		b.Journal, b.Segment, b.Offset, number(b.RunID), in.next-1)
	return err
}
