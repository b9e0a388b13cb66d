package journal

import "syscall"

// MinLimit is the smallest Options.Limit: four of the smallest segments, the one that is written, the one that is read,
// the next one, and one in which the program goes on while the reader deletes another.
const MinLimit = minSegments * firstSegment

const (
	minSegments  = 4
	patience     = 5e9   // nanoseconds without any progress of the reader, after which nobody waits for it: a batch may take two
	firstPause   = 500e3 // nanoseconds between two looks at what the reader does: at first,
	longestPause = 10e6  // and at last
	longestStep  = 100e6 // what a look counts as at most
)

// A place is a file of the journal that the writer has made, and does not know to be deleted.
type place struct {
	number uint64
	size   int64
}

// roomLocked reports whether a further segment keeps the journal within its limit. It forgets what the reader has deleted,
// which it does in order.
func (w *Writer) roomLocked(size int64) bool {
	if w.limit == 0 {
		return true
	}
	for len(w.kept) > 0 && !exists(segmentPath(w.dir, w.name, w.kept[0].number)) {
		w.size -= w.kept[0].size
		w.kept = w.kept[1:]
	}
	return w.size+size <= w.limit
}

func exists(path string) bool {
	var st syscall.Stat_t
	return retry(func() error { return syscall.Lstat(path, &st) }) != syscall.ENOENT
}

// wait returns the segment after s when the reader has made room for it, nil when there is none. The program stands still
// so long: one goroutine looks at the reader, the others wait for that one. None of this is a timer or a channel, which
// would belong to a bubble of testing/synctest. Who waits holds no lock that Close or Err needs.
func (w *Writer) wait(s *segment) *segment {
	w.turnstile.Lock()
	defer w.turnstile.Unlock()
	var idle, told int64 // nanoseconds since the reader got on last, and since it was told
	seen, before := w.progress(), now()
	for pause := int64(firstPause); ; pause = min(pause*2, longestPause) {
		next, full := w.turn(s)
		if !full || w.stalled.Load() || idle > patience {
			if full {
				w.stalled.Store(true)
				w.retryAt.Store(now() + retryAfter)
			}
			if told > 0 {
				w.note()
			}
			return next
		}
		sleep(pause)
		t := now()
		passed := min(max(t-before, 0), longestStep) // the machine may have slept, or its clock may have been set
		before = t
		w.slowed.Add(uint64(passed))
		idle, told = idle+passed, told+passed
		if at := w.progress(); at != seen {
			seen, idle = at, 0
		}
		if told > retryAfter {
			w.note()
			told = 0
		}
	}
}

// progress is where the reader is: it changes while that gets on.
func (w *Writer) progress() Position { return readPlace(w.dir, w.name) }

// Slowed returns for how many nanoseconds the program has waited for its reader, since the journal had reached its limit.
func (w *Writer) Slowed() uint64 { return w.slowed.Load() }
