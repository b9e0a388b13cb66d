package storage

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// event adds an event to the chunk of its run, and begins another one where it does not belong in there.
func (in *Import) event(r record.Event) error {
	kind, ok := kinds[r.Kind]
	if !ok {
		return fmt.Errorf("event %d: there is no kind %q", r.ID, r.Kind)
	}
	if r.ID <= in.last {
		return fmt.Errorf("event %d comes after event %d", r.ID, in.last)
	}
	app, err := in.appOf(r)
	if err != nil {
		return err
	}
	c := in.chunk
	if c == nil || c.batch.RunID != r.RunID || c.batch.App != app || r.ID-c.first >= eventsPerChunk {
		if err := in.flush(); err != nil {
			return err
		}
		c = newIngest(in.db.w, &Batch{RunID: r.RunID, App: app})
		c.first, c.next, in.chunk = r.ID, r.ID, c
	}
	if c.next != r.ID { // the rows of a buffer follow one another
		if err := c.w.feed.flush(c.w, c.batch.RunID); err != nil {
			return err
		}
	}
	in.last, c.next = r.ID, r.ID+1
	return c.replay(r.ID, &sandbox.Event{
		Kind: kind, At: r.At, Duration: time.Duration(r.DurationNS), Socket: uint64(r.SocketID), Request: uint64(r.RequestID),
		Bytes: r.Bytes, Rule: sandbox.Rule(r.Rule), Error: r.Error, Detail: r.Detail,
	})
}

// replay adds an event as event does, but for the row of its socket, which is there already.
func (in *ingest) replay(id int64, e *sandbox.Event) error {
	if in.minAt == 0 || e.At < in.minAt {
		in.minAt = e.At
	}
	in.maxAt = max(in.maxAt, ended(e))
	if e.Socket != 0 {
		s := in.sockets[int64(e.Socket)]
		if s == nil {
			s = &socketRow{}
			s.ID = int64(e.Socket)
			in.sockets[s.ID], in.order = s, append(in.order, s)
		}
		if e.Request != 0 {
			s.links.add(int64(e.Request), id)
		}
		if isUse(e.Kind) {
			s.activity = noteUse(s.activity, e)
		}
	} else if e.Request != 0 {
		in.loose.add(int64(e.Request), id)
	}
	in.totals.count(e)
	in.w.feed.add(id, e)
	return nil
}

// flush writes the chunk and its sums.
func (in *Import) flush() error {
	c := in.chunk
	if c == nil {
		return nil
	}
	in.chunk = nil
	err := errors.Join(c.w.feed.flush(c.w, c.batch.RunID), c.saveLinks(), c.saveStretch(), c.totals.save(c.w, c.batch.App))
	for _, s := range c.order {
		err = errors.Join(err, s.saveUse(c.w))
	}
	return err
}

// appOf is the app whose totals count an event: its run's; without a run its socket's, its request's, or "".
func (in *Import) appOf(r record.Event) (app string, err error) {
	if r.RunID != 0 {
		return in.apps[r.RunID], nil
	}
	err = in.db.w.row(`SELECT coalesce((SELECT app FROM sockets WHERE id = ?), (SELECT app FROM requests WHERE id = ?), '')`,
		[]any{r.SocketID, r.RequestID}, &app)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return app, err
}
