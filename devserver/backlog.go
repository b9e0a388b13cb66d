package devserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
	"github.com/seed-d81df0db/devserver/web"
)

const (
	lookEvery  = 250 * time.Millisecond // how often the ingester looks at what the writer says
	afterwards = 2 * time.Second        // for so long after the last sign of it, an app counts as slowed
	calm       = 5 * time.Second        // without a failure before recording goes on: a full disk has room for a moment when a segment is deleted
	slowAgain  = time.Minute            // between two notices that an app is slowed
)

// The reasons of a row of gaps.
const (
	gapDisk    = "disk full"
	gapLimit   = "journal limit"
	gapDamaged = "journal damaged"
)

// A watchman watches over what one journal cannot hold: what waits in it, whether its app is slowed, what is lost. It
// belongs to the ingester's goroutine.
type watchman struct {
	looked time.Time
	seen   journal.Counts // at the last look
	noted  journal.Counts // what rows of gaps tell already

	blocked  bool      // the recording takes no batch
	slowTill time.Time // the app counts as slowed
	lossTill time.Time // recording counts as stopped, even when a batch or an event finds room
	toldSlow time.Time
	told     uint64 // lost events that a notice has told of
}

// look takes in what the writer says beside the events: a few times a second, or at once with force.
func (g *ingester) look(force bool) {
	now := time.Now()
	if g.reader == nil || !force && now.Sub(g.watch.looked) < lookEvery {
		return
	}
	w := &g.watch
	w.looked = now
	counts := g.reader.Counts()
	if counts.Slowed > w.seen.Slowed {
		w.slowTill = now.Add(afterwards)
		if now.Sub(w.toldSlow) > slowAgain && g.notices != nil {
			g.notices.tell(Slowed{App: g.app, Limit: g.limit})
			w.toldSlow = now
		}
	}
	if counts.Dropped > w.seen.Dropped {
		w.lossTill = now.Add(calm)
		g.stop(lossReason(w.seen, counts, g))
	}
	w.seen = counts
	if !now.Before(w.lossTill) && !w.blocked {
		g.goOn()
	}
	g.publish(now)
}

func lossReason(before, now journal.Counts, g *ingester) string {
	if now.Refused > before.Refused {
		return fmt.Sprintf("the journal of %s has reached its limit and cannot be read into the recording; free space on the disk of %s, or choose a larger --journal-limit", g.app, g.dir)
	}
	return fmt.Sprintf("no room left on the disk of %s; free some space", g.dir)
}

// refused hears why the recording took no batch, if that may pass by itself.
func (g *ingester) refused(err error) {
	g.watch.blocked, g.watch.lossTill = true, time.Now().Add(calm)
	if errors.Is(err, storage.ErrLocked) {
		g.stop(fmt.Sprintf("%v; what the app does waits in %s until that ends", storage.ErrLocked, g.dir))
		return
	}
	g.stop(fmt.Sprintf("no room left on the disk of %s; free some space", g.dir))
}

func (g *ingester) stop(reason string) {
	if g.room != nil {
		g.room.stop(g, reason)
	}
}

// goOn writes down what was lost, now that there is room to do so, and says that recording goes on.
func (g *ingester) goOn() {
	if err := g.noteLoss(); err != nil {
		return // the next look tries again
	}
	lost := g.watch.noted.Dropped - g.watch.told
	g.watch.told = g.watch.noted.Dropped
	if g.room != nil {
		g.room.goOn(g, lost)
	}
}

// noteLoss adds rows of gaps for what was dropped since the last ones.
func (g *ingester) noteLoss() error {
	now, noted := g.watch.seen, &g.watch.noted
	if now.Dropped <= noted.Dropped {
		return nil
	}
	limit := max(now.Refused, noted.Refused) - noted.Refused
	limit = min(limit, now.Dropped-noted.Dropped)
	if disk := now.Dropped - noted.Dropped - limit; disk > 0 {
		if err := g.gap(gapDisk, disk); err != nil {
			return err
		}
		noted.Dropped += disk
	}
	if limit > 0 {
		if err := g.gap(gapLimit, limit); err != nil {
			return err
		}
		noted.Dropped, noted.Refused = noted.Dropped+limit, now.Refused
	}
	return nil
}

func (g *ingester) gap(reason string, events uint64) error {
	g.lost += events
	err := g.db.AddGap(record.Gap{RunID: g.run, App: g.app, At: time.Now().UnixNano(), Events: int64(events), Reason: reason})
	if err != nil {
		g.lost -= events
	}
	return err
}

// knownLoss finds what an earlier devserver, which was killed, has noted of this journal already.
func (g *ingester) knownLoss(ctx context.Context) error {
	if g.run == 0 {
		return nil // its gaps are not told from those of other programs: they are noted at the end only
	}
	gaps, err := g.db.Gaps(ctx, g.run)
	for _, p := range gaps {
		switch p.Reason {
		case gapLimit:
			g.watch.noted.Refused += uint64(p.Events)
			g.watch.noted.Dropped += uint64(p.Events)
		case gapDisk:
			g.watch.noted.Dropped += uint64(p.Events)
		}
	}
	g.watch.told, g.watch.seen = g.watch.noted.Dropped, g.watch.noted
	return err
}

// publish says how it stands to whoever asks.
func (g *ingester) publish(now time.Time) {
	b := web.Backlog{App: g.app, Limit: g.limit, Slowed: now.Before(g.watch.slowTill)}
	if n, err := journal.Backlog(g.dir, g.name, g.reader.Position()); err == nil {
		b.Bytes = n
	}
	if g.room != nil {
		b.Stopped = g.room.why(g)
	}
	if old := g.backlog.Swap(&b); g.changed != nil && (old == nil || old.Shown() || b.Shown()) {
		g.changed()
	}
}

// standing is what publish said last. Any goroutine may ask.
func (g *ingester) standing() web.Backlog {
	if b := g.backlog.Load(); b != nil {
		return *b
	}
	return web.Backlog{}
}
