package devserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/worker"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/web"
)

// commandLimit is how long a worker may take for a command. One that is held by a debugger or stopped does not
// answer at all.
const commandLimit = 10 * time.Second

// fleet is all workers that run, of all apps, and the clock that they share.
type fleet struct {
	reclaimed atomic.Int64 // sockets reclaimed, as the ingesters see them
	changed   func()       // told of each move of the clock, before the workers hear of it and after

	moving sync.Mutex // held while the clock is being moved, so that moves come one after the other

	mu      sync.Mutex
	offset  time.Duration   // guarded by mu
	moves   []web.ClockMove // guarded by mu
	workers []*version      // guarded by mu
}

// clockNow is the time by the sandbox's clock.
func (f *fleet) clockNow() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return sandbox.Now() + int64(f.offset)
}

func (f *fleet) clock() (offset time.Duration, moves []web.ClockMove) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.offset, slices.Clone(f.moves)
}

// add makes v hear commands. offset is what it was started with; a move since then is told now.
func (f *fleet) add(v *version, offset time.Duration) {
	f.mu.Lock()
	f.workers = append(f.workers, v)
	moved := f.offset != offset
	f.mu.Unlock()
	if moved {
		v.helpers.Go(func() { f.catchUp(v) })
	}
}

// catchUp tells v where the clock is. A move that begins meanwhile waits, so that v does not hear of it first.
func (f *fleet) catchUp(v *version) {
	f.moving.Lock()
	defer f.moving.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), commandLimit)
	defer cancel()
	offset, _ := f.clock()
	v.SetClock(ctx, offset)
}

func (f *fleet) remove(v *version) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.workers = slices.DeleteFunc(f.workers, func(o *version) bool { return o == v })
}

// Advance moves the clock of all workers forward. It returns when all that fell due is done and in the recording.
func (f *fleet) Advance(ctx context.Context, d time.Duration) (web.ClockState, error) {
	if d <= 0 {
		return web.ClockState{}, errors.New("the clock goes forward only; devserver clock reset takes it back to the machine's")
	}
	return f.move(ctx, func(offset time.Duration) time.Duration { return offset + d })
}

// afterBorder is how far behind a border the clock is moved. Each process reads the machine's clock by itself, so two of
// them may be some microseconds apart; all of them shall be in the new window.
const afterBorder = time.Millisecond

// AdvanceTo moves the clock of all workers forward to the next full minute, or to the next midnight in Pacific time.
func (f *fleet) AdvanceTo(ctx context.Context, b web.Border) (web.ClockState, error) {
	next, ok := borders[b]
	if !ok {
		return web.ClockState{}, fmt.Errorf("there is no border %q; there are minute and midnight", b)
	}
	return f.move(ctx, func(offset time.Duration) time.Duration {
		now := time.Unix(0, sandbox.Now()).Add(offset)
		return offset + next(now).Sub(now) + afterBorder
	})
}

// borders tell when quotas are refilled next.
var borders = map[web.Border]func(time.Time) time.Time{
	web.BorderMinute:   func(now time.Time) time.Time { return now.Truncate(time.Minute).Add(time.Minute) },
	web.BorderMidnight: func(now time.Time) time.Time { _, end := quotaDay(now); return end },
}

// ResetClock takes the clock back to the machine's.
func (f *fleet) ResetClock(ctx context.Context) (web.ClockState, error) {
	return f.move(ctx, func(time.Duration) time.Duration { return 0 })
}

func (f *fleet) move(ctx context.Context, to func(time.Duration) time.Duration) (web.ClockState, error) {
	f.moving.Lock()
	defer f.moving.Unlock()
	before := f.reclaimed.Load()
	f.mu.Lock()
	old := f.offset
	f.offset = to(old)
	if f.offset < old-(1<<62) || f.offset < 0 {
		f.offset = old
		f.mu.Unlock()
		return web.ClockState{Offset: old}, errors.New("the clock cannot go further ahead; take it back with: devserver clock reset")
	}
	offset, workers := f.offset, slices.Clone(f.workers)
	if offset != old {
		f.moves = append(f.moves, web.ClockMove{At: time.Unix(0, sandbox.Now()), By: offset - old})
	}
	f.mu.Unlock()
	f.changed()
	err := each(ctx, workers, func(ctx context.Context, v *version) error { return v.SetClock(ctx, offset) })
	f.changed() // until they heard, workers counted in windows that the clock has left
	return web.ClockState{Offset: offset, Reclaimed: int(f.reclaimed.Load() - before)}, err
}

// each has all workers do something at the same time and waits until it is in the recording. A worker that ends
// meanwhile is no error.
func each(ctx context.Context, workers []*version, do func(context.Context, *version) error) error {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	errs := make([]error, len(workers))
	var all sync.WaitGroup
	for i, v := range workers {
		all.Go(func() {
			err := do(ctx, v)
			if errors.Is(err, worker.ErrGone) {
				err = nil
			}
			if errors.Is(err, context.DeadlineExceeded) {
				err = errors.New(v.app.name + " does not answer; is it stopped, or held by a debugger?")
			}
			errs[i] = errors.Join(err, v.journal.caughtUp(ctx))
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
