package storage

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"modernc.org/sqlite/vtab"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// Binding values costs more than adding the rows they make, so a batch is not bound: SQLite reads it as a virtual table,
// by one statement. The table is the writer connection's own (temp), and no part of the file.

// insertEvents adds the rows of the feed; ?1 is the run.
const insertEvents = `INSERT INTO events (id, run_id, socket_id, request_id, at, kind_id, bytes, duration_ns, rule, error, detail)
	SELECT id, ?1, socket_id, request_id, at, kind, bytes, duration_ns, rule, error, detail FROM temp.feed`

// feed is the rows of the table events that a writer is about to add: their ids follow one another.
type feed struct {
	first  int64 // id of the first row
	events []*sandbox.Event
}

// add takes an event until flush.
func (f *feed) add(id int64, e *sandbox.Event) {
	if len(f.events) == 0 {
		f.first = id
	}
	f.events = append(f.events, e)
}

// flush adds the rows. It lets go of the events whether that succeeds or not.
func (f *feed) flush(w *writer, run int64) error {
	defer f.drop()
	if len(f.events) == 0 {
		return nil
	}
	_, err := w.exec(insertEvents, number(run))
	return err
}

func (f *feed) drop() {
	clear(f.events)
	f.events = f.events[:0]
}

// The module "devserver_feed" makes a table of the feed whose number is the table's argument.
const feedModule = "devserver_feed"

var (
	feeds     sync.Map // number as text → *feed
	feedsMade atomic.Int64
	// errFeeds is what came of making the module known, before any connection is opened: the driver's list of them has no lock.
	errFeeds = vtab.RegisterModule(nil, feedModule, feedTables{})
)

// createFeed makes the table temp.feed of a writer's connection.
func (w *writer) createFeed() error {
	w.feedName = strconv.FormatInt(feedsMade.Add(1), 10)
	feeds.Store(w.feedName, &w.feed)
	_, err := w.exec(`CREATE VIRTUAL TABLE temp.feed USING ` + feedModule + `(` + w.feedName + `)`)
	return err
}

type feedTables struct{}

func (feedTables) Create(c vtab.Context, args []string) (vtab.Table, error) {
	f, ok := feeds.Load(args[len(args)-1]) // behind the module's, the schema's and the table's name
	if !ok {
		return nil, fmt.Errorf("no feed of events %q", args)
	}
	return feedTable{f.(*feed)}, c.Declare(`CREATE TABLE feed (id, socket_id, request_id, at, kind, bytes, duration_ns, rule, error, detail)`)
}

func (t feedTables) Connect(c vtab.Context, args []string) (vtab.Table, error) {
	return t.Create(c, args)
}

type feedTable struct{ *feed }

func (feedTable) BestIndex(*vtab.IndexInfo) error { return nil }
func (t feedTable) Open() (vtab.Cursor, error)    { return &feedCursor{feed: t.feed}, nil }
func (feedTable) Disconnect() error               { return nil }
func (feedTable) Destroy() error                  { return nil }

// feedCursor is a place in a feed.
type feedCursor struct {
	*feed
	row int
}

func (c *feedCursor) Filter(int, string, []vtab.Value) error { c.row = 0; return nil }
func (c *feedCursor) Next() error                            { c.row++; return nil }
func (c *feedCursor) Eof() bool                              { return c.row >= len(c.events) }
func (c *feedCursor) Rowid() (int64, error)                  { return c.first + int64(c.row), nil }
func (c *feedCursor) Close() error                           { return nil }

func (c *feedCursor) Column(col int) (vtab.Value, error) {
	e := c.events[c.row]
	switch col {
	case 0:
		return c.first + int64(c.row), nil
	case 1:
		return number(int64(e.Socket)), nil
	case 2:
		return number(int64(e.Request)), nil
	case 3:
		return e.At, nil
	case 4:
		return int64(e.Kind), nil
	case 5:
		return e.Bytes, nil
	case 6:
		return int64(e.Duration), nil
	case 7:
		return text(string(e.Rule)), nil
	case 8:
		return text(e.Error), nil
	case 9:
		return text(e.Detail), nil
	}
	return nil, fmt.Errorf("feed of events: no column %d", col)
}
