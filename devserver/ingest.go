package devserver

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/storage"
	"github.com/seed-d81df0db/devserver/web"
)

// How often a journal is looked at: at once after something was in it, and less and less often while nothing is.
const (
	minPause  = 25 * time.Millisecond
	maxPause  = 200 * time.Millisecond
	diskPause = time.Second // until a batch that the disk had no room for is tried again
)

// batchSize is how many events are written in one transaction.
const batchSize = 8192

// firstBatch is how many at first: many short programs may have a journal each.
const firstBatch = 256

// ingester reads one journal into the recording until its writer is dead and all of it is read.
type ingester struct {
	db      *storage.DB
	dir     string // of the journals
	name    string
	app     string // "": what the journal says
	run     int64
	writer  <-chan struct{}       // closed when the writer is dead; nil: the journal's lock tells
	quit    <-chan struct{}       // closed when no more than is there now is to be read; nil: never
	written func([]sandbox.Event) // told of each batch after it is in the recording
	quiet   func()                // told now and then that all that was in the journal is in the recording; nil: nobody
	warn    func(format string, args ...any)
	notices *notifier       // told when the app is slowed; nil: nobody is
	room    *room           // told when there is none; nil: nobody is
	limit   int64           // of the journal, bytes; 0: none, or not known
	ending  <-chan struct{} // closed when devserver stops: a dead worker's journal then does not wait for room; nil: never
	changed func()          // what standing returns has; nil: nobody asks

	asks   chan chan struct{} // of caughtUp
	done   chan struct{}      // closed at the end of follow
	events int64              // written so far; read it after done
	lost   uint64             // noted as rows of gaps; read it after done
	broken int64              // pieces of the journal that were damaged; read it after done
	whole  bool               // all of the journal is in the recording; read it after done

	reader  *journal.Reader // nil: the journal does not exist yet
	damaged int64           // what earlier readers found damaged
	again   int64           // what of that reader finds damaged a second time
	gone    bool            // the writer is dead
	last    bool            // quit is closed
	buf     []sandbox.Event
	asked   []chan struct{}
	watch   watchman
	known   bool // knownLoss was asked

	toldQuiet time.Time

	backlog atomic.Pointer[web.Backlog]
}

// start begins to read. The caller waits for done.
func (g *ingester) start(ctx context.Context) {
	g.asks, g.done = make(chan chan struct{}), make(chan struct{})
	go g.follow(ctx)
}

// caughtUp returns when all that the journal held when it was called is in the recording.
func (g *ingester) caughtUp(ctx context.Context) error {
	answer := make(chan struct{})
	select {
	case g.asks <- answer:
	case <-g.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-answer:
		return nil
	case <-g.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// follow reads until the end. ctx ends the reading early: the journal stays for the next start.
func (g *ingester) follow(ctx context.Context) {
	defer close(g.done)
	g.buf = make([]sandbox.Event, firstBatch)
	defer func() { g.buf = nil }()
	pause := minPause
	for {
		g.hear()
		n, err := g.step(ctx)
		g.look(false)
		switch {
		case errors.Is(err, io.EOF):
			g.finish()
			return
		case ctx.Err() != nil:
			g.leave()
			return
		case errors.Is(err, storage.ErrFull), errors.Is(err, storage.ErrLocked):
			g.refused(err)
			if g.gone && g.ending != nil && !isOpen(g.ending) {
				g.warn("%v; what %s did last is in %s, and is recorded at the next start", err, g.app, g.dir)
				g.leave()
				return
			}
			pause = diskPause
		case err != nil:
			g.warn("journal %s: %v; its events stay in %s", g.name, err, g.dir)
			g.leave()
			return
		case n > 0:
			pause = minPause
			if g.reader.Drained() { // the app may always do more
				g.tellQuiet()
				g.answer(true)
			}
			continue
		}
		if err == nil {
			g.tellQuiet()
		}
		g.answer(err == nil)
		if g.last && !g.gone { // it goes on writing for the next start
			g.leave()
			return
		}
		g.rest(ctx, pause)
		pause = min(pause*5/4, maxPause)
	}
}

// tellQuiet says that all is in the recording, at most every minPause: a goroutine that is interrupted at its place in the journal has gone on
// by the next time.
func (g *ingester) tellQuiet() {
	if now := time.Now(); g.quiet != nil && now.Sub(g.toldQuiet) >= minPause {
		g.toldQuiet = now
		g.quiet()
	}
}

// hear takes in a question, if there is one.
func (g *ingester) hear() {
	select {
	case ask := <-g.asks:
		g.asked = append(g.asked, ask)
	default:
	}
}

// rest waits a moment, for a question, or for the writer's end.
func (g *ingester) rest(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	writer, quit := g.writer, g.quit
	if g.gone {
		writer, quit = nil, nil
	}
	select {
	case <-timer.C:
		g.lookForWriter()
	case ask := <-g.asks:
		g.asked = append(g.asked, ask)
	case <-writer:
		g.writerGone()
	case <-quit:
		g.last = true
		g.lookForWriter()
	case <-ctx.Done():
	}
}

// answer tells whoever asked that all is written.
func (g *ingester) answer(written bool) {
	if !written {
		return
	}
	for _, a := range g.asked {
		close(a)
	}
	g.asked = nil
}

// lookForWriter asks the journal's lock whether anybody writes, where nothing else tells.
func (g *ingester) lookForWriter() {
	if g.writer != nil || g.gone {
		return
	}
	if alive, err := journal.Alive(g.dir, g.name); err == nil && !alive {
		g.writerGone()
	}
}

func (g *ingester) writerGone() {
	g.gone = true
	if g.reader != nil {
		g.reader.WriterGone()
	}
}

// step writes the next batch and returns its size. 0 and nil: there is nothing new.
func (g *ingester) step(ctx context.Context) (int, error) {
	if g.reader == nil {
		if err := g.open(); err != nil || g.reader == nil {
			return 0, err
		}
	}
	// The reader's place is remembered by the recording only: a batch that cannot be written is read again.
	before, damaged := g.reader.Position(), g.reader.Damaged()
	n, err := g.reader.Next(g.buf)
	if err != nil && n == 0 {
		return 0, err
	}
	if n == 0 {
		return 0, nil
	}
	batch := g.buf[:n]
	at := g.reader.Position()
	err = g.db.Write(ctx, storage.Batch{
		RunID: g.run, App: g.app, Journal: g.name, Segment: at.Segment, Offset: at.Offset, Events: batch,
	})
	if err != nil {
		g.damaged += damaged - g.again
		err = errors.Join(err, g.reopen(before))
		if g.reader != nil && before.Offset > 0 { // the segment was open
			g.again = g.reader.Damaged()
		}
		return 0, err
	}
	g.watch.blocked = false
	g.events += int64(n)
	g.written(batch)
	clear(batch)
	if n == len(g.buf) && n < batchSize {
		g.buf = make([]sandbox.Event, batchSize)
	}
	return n, g.reader.Release(at)
}

// open opens the journal where the recording left off. It leaves reader nil while there is no journal yet.
func (g *ingester) open() error {
	segment, offset, _, err := g.db.JournalPosition(g.name)
	if err != nil {
		return err
	}
	return g.reopen(journal.Position{Segment: segment, Offset: offset})
}

func (g *ingester) reopen(at journal.Position) error {
	if g.reader != nil {
		g.reader.Close()
		g.reader, g.again = nil, 0
	}
	r, err := journal.Open(g.dir, g.name, at)
	if errors.Is(err, fs.ErrNotExist) {
		if g.gone { // the program ended before it made one
			return io.EOF
		}
		return nil
	}
	if err != nil {
		return err
	}
	g.reader = r
	if h := r.Header(); g.app == "" {
		g.app, g.run = h.App, h.Run
	}
	if !g.known {
		g.known = true
		if err := g.knownLoss(context.Background()); err != nil {
			return err
		}
	}
	if g.gone {
		r.WriterGone()
	}
	return nil
}

// finish deletes the journal, all of which is in the recording, and says what could not be kept.
func (g *ingester) finish() {
	g.whole = true
	g.watch.blocked = false
	if g.reader != nil {
		g.final()
	}
	g.leave()
	if err := journal.Remove(g.dir, g.name); err != nil {
		g.warn("journal %s is recorded and cannot be removed: %v; delete its files by hand", g.name, err)
		return
	}
	if err := g.db.ForgetJournal(g.name); err != nil {
		g.warn("journal %s: %v", g.name, err)
	}
}

// final notes and says what is missing of a journal at its end, as far as that was not told already.
func (g *ingester) final() {
	if g.watch.seen = g.reader.Counts(); g.watch.seen.Dropped > g.watch.noted.Dropped && (g.room == nil || g.room.why(g) == "") {
		g.warn("%d events of %s were not recorded since there was no room; free some space on the disk of %s", g.watch.seen.Dropped-g.watch.noted.Dropped, g.app, g.dir)
		g.watch.told = g.watch.seen.Dropped
	}
	if err := g.noteLoss(); err != nil {
		g.warn("%v", err)
	}
	g.goOn()
	g.noteDamage()
}

// noteDamage notes and says what of the journal is damaged.
func (g *ingester) noteDamage() {
	n := g.damaged + g.reader.Damaged() - g.again
	if n == 0 {
		return
	}
	g.broken += n
	g.warn("%d pieces of journal %s were damaged and are missing from the recording; check the disk of %s", n, g.name, g.dir)
	if err := g.gap(gapDamaged, 0); err != nil {
		g.warn("%v", err)
	}
}

// leave ends the reading. Unless all is read, a later devserver goes on with the journal.
func (g *ingester) leave() {
	if g.reader != nil {
		if !g.whole {
			g.noteDamage()
		}
		g.reader.Close()
	}
	if g.room != nil {
		g.room.leave(g)
	}
}
