package otlp

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/export"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// TailConfig says what a Tail sends and how often. Zero fields have their defaults.
type TailConfig struct {
	Config
	Every      time.Duration                // how long items are gathered. 0: a second
	UsageEvery time.Duration                // how often quotas are sent. 0: 10 seconds
	Current    func(record.QuotaUsage) bool // whether a row's window is that of now; nil: all are
	Failed     func(error)                  // hears that the recording could not be read; nil: nobody does
}

// A Tail sends what is recorded while it is recorded: a request or a socket when it has ended, a look-up and a denial as
// it comes. The recording is its buffer: it remembers which ids have ended and which were sent, as ranges, and reads the
// rows when it sends them. Each is sent until it is taken or refused, and not again after that.
type Tail struct {
	cfg  TailConfig
	src  export.Source
	feed *feed
	wake chan struct{}

	mu  sync.Mutex
	due [sockets + 1]idSet // requests and sockets that have ended; guarded by mu
	all bool               // look at all that were not sent; guarded by mu

	// Those below belong to the goroutine that is in Run or Finish.
	sent   [sockets + 1]idSet
	cursor [tables]int64 // of lookups and denials: the newest that was sent
	final  bool          // what is open is sent too
	usage  time.Time
}

// Start is where a Tail begins: it sends what has higher ids.
type Start struct{ Request, Socket, Event int64 }

// NewTail makes a Tail. Run must be called, and Finish after it has returned.
func NewTail(src export.Source, from Start, c TailConfig) *Tail {
	if c.Every <= 0 {
		c.Every = time.Second
	}
	if c.UsageEvery <= 0 {
		c.UsageEvery = 10 * time.Second
	}
	t := &Tail{cfg: c, src: src, wake: make(chan struct{}, 1)}
	t.feed = newFeed(newMapper(src), newSender(c.Config), t.taken)
	t.skip(requests, from.Request)
	t.skip(sockets, from.Socket)
	t.cursor[lookups], t.cursor[denials] = from.Event, from.Event
	return t
}

func (t *Tail) skip(k table, upTo int64) {
	if upTo > 0 {
		t.sent[k].add(idRange{1, upTo})
	}
}

// Ended says that requests and sockets have ended, and that the recording says so. It does not block.
func (t *Tail) Ended(requestIDs, socketIDs []int64) {
	t.mu.Lock()
	for k, ids := range [][]int64{requestIDs, socketIDs} {
		for _, id := range ids {
			t.due[k].add(idRange{id, id})
		}
	}
	t.mu.Unlock()
	t.Wake()
}

// Wake says that there is something new.
func (t *Tail) Wake() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Look asks to look at all rows that were not sent: some have ended, and it is not known which.
func (t *Tail) Look() {
	t.mu.Lock()
	t.all = true
	t.mu.Unlock()
	t.Wake()
}

// Run sends until ctx ends.
func (t *Tail) Run(ctx context.Context) {
	tick := time.NewTicker(t.cfg.UsageEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-t.wake:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if pause(ctx, t.cfg.Every) != nil {
			return
		}
		if err := t.drain(ctx); err != nil && ctx.Err() == nil {
			t.failed(err)
			t.Look()
		}
	}
}

func (t *Tail) failed(err error) {
	if t.cfg.Failed != nil {
		t.cfg.Failed(err)
	}
}

// drain sends all that is due.
func (t *Tail) drain(ctx context.Context) error {
	t.feed.forget()
	if err := t.lookAtAll(ctx); err != nil {
		return err
	}
	for {
		n, err := t.round(ctx)
		if err == nil {
			err = t.feed.flush(ctx)
		}
		if err != nil {
			t.feed.drop()
			return err
		}
		if n == 0 {
			return t.sendUsage(ctx)
		}
	}
}

// lookAtAll makes due what was not sent, if that was asked for.
func (t *Tail) lookAtAll(ctx context.Context) error {
	t.mu.Lock()
	all := t.all
	t.all = false
	t.mu.Unlock()
	if !all {
		return nil
	}
	for k := range t.sent {
		high, err := t.highest(ctx, table(k))
		if err != nil {
			return err
		}
		missing := t.sent[k].missing(high)
		t.mu.Lock()
		for _, r := range missing.ranges {
			t.due[k].add(r)
		}
		t.mu.Unlock()
	}
	return nil
}

// highest is the highest id of a table.
func (t *Tail) highest(ctx context.Context, k table) (int64, error) {
	if k == requests {
		rows, err := t.src.Requests(ctx, record.RequestFilter{Limit: 1})
		if err != nil || len(rows) == 0 {
			return 0, err
		}
		return rows[0].ID, nil
	}
	rows, err := t.src.Sockets(ctx, record.SocketFilter{Limit: 1})
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return rows[0].ID, nil
}

// round reads a page of each table and returns how much of it there was.
func (t *Tail) round(ctx context.Context) (n int, err error) {
	var errs error
	for _, step := range []func(context.Context) (int, error){t.requests, t.sockets,
		func(ctx context.Context) (int, error) { return t.events(ctx, lookups, "resolve", t.feed.addLookup) },
		func(ctx context.Context) (int, error) { return t.events(ctx, denials, "deny", t.feed.addDenial) },
	} {
		m, err := step(ctx)
		n, errs = n+m, errors.Join(errs, err)
		if err != nil {
			break
		}
	}
	return n, errs
}

// take takes the lowest due ids.
func (t *Tail) take(k table) (idRange, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.due[k].take()
}

// putBack makes due what lies behind a full page of rows.
func (t *Tail) putBack(k table, r idRange, rows int, last int64) {
	if rows == pageRows && last < r.high {
		t.mu.Lock()
		t.due[k].add(idRange{last + 1, r.high})
		t.mu.Unlock()
	}
}

func (t *Tail) requests(ctx context.Context) (int, error) {
	r, ok := t.take(requests)
	if !ok {
		return 0, nil
	}
	rows, err := t.src.Requests(ctx, record.RequestFilter{After: r.low - 1, Before: r.high + 1, Ascending: true, Limit: pageRows})
	for i := 0; i < len(rows) && err == nil; i++ {
		if q := rows[i]; !t.sent[requests].has(q.ID) && (t.final || requestEnded(q)) {
			err = t.feed.addRequest(ctx, q)
		}
	}
	if err == nil && len(rows) > 0 {
		t.putBack(requests, r, len(rows), rows[len(rows)-1].ID)
	}
	return 1, err
}

func (t *Tail) sockets(ctx context.Context) (int, error) {
	r, ok := t.take(sockets)
	if !ok {
		return 0, nil
	}
	rows, err := t.src.Sockets(ctx, record.SocketFilter{After: r.low - 1, Before: r.high + 1, Ascending: true, Limit: pageRows})
	for i := 0; i < len(rows) && err == nil; i++ {
		if k := rows[i]; !t.sent[sockets].has(k.ID) && (t.final || k.State != "open") {
			err = t.feed.addSocket(ctx, k)
		}
	}
	if err == nil && len(rows) > 0 {
		t.putBack(sockets, r, len(rows), rows[len(rows)-1].ID)
	}
	return 1, err
}

// events reads on from where the last that was sent is: the ids of events grow in the order in which they are written.
func (t *Tail) events(ctx context.Context, k table, kind string, add func(context.Context, record.Event) error) (int, error) {
	rows, err := t.src.Events(ctx, record.EventFilter{Kinds: []string{kind}, After: t.cursor[k], Ascending: true, Limit: pageRows})
	for i := 0; i < len(rows) && err == nil; i++ {
		err = add(ctx, rows[i])
	}
	return len(rows), err
}

// taken notes what needs not be sent any more.
func (t *Tail) taken(keys []key) {
	for _, k := range keys {
		switch k.table {
		case requests, sockets:
			t.sent[k.table].add(idRange{k.id, k.id})
		default:
			t.cursor[k.table] = k.id
		}
	}
}

// sendUsage sends the quotas when it is time. They are not kept: the next numbers replace those that could not be sent.
func (t *Tail) sendUsage(ctx context.Context) error {
	now := time.Now()
	if !t.final && now.Sub(t.usage) < t.cfg.UsageEvery {
		return nil
	}
	usage, err := t.src.Usage(ctx, "")
	if err != nil {
		return err
	}
	t.usage = now
	tries := t.feed.tries
	t.feed.tries = 1
	defer func() { t.feed.tries = tries }()
	err = t.feed.sendUsage(ctx, usage, func(u record.QuotaUsage) (int64, bool) {
		return now.UnixNano(), t.cfg.Current == nil || t.cfg.Current(u)
	})
	var busy *BusyError
	if errors.As(err, &busy) {
		return nil
	}
	return err
}
