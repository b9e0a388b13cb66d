package journal

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// fillUp records until events are dropped, and returns how many were kept.
func fillUp(w *Writer) (kept int64, err error) {
	for i := range int64(1 << 20) {
		w.Record(sandbox.Event{Kind: sandbox.KindSend, Bytes: i})
		if w.Dropped() > 0 {
			return i, nil
		}
	}
	return 0, errors.New("64 MiB were recorded, and the disk is not full")
}

// goOn records until events are kept again, and returns the first of these.
func goOn(w *Writer) (int64, error) {
	for i, end := int64(1<<30), time.Now().Add(time.Minute); time.Now().Before(end); i++ {
		before := w.Dropped()
		w.Record(sandbox.Event{Kind: sandbox.KindSend, Bytes: i})
		if w.Dropped() == before {
			return i, nil
		}
	}
	return 0, errors.New("there is room, and nothing is kept: " + w.Err().Error())
}

// expect reads all there is: the events 0 to n-1, then further ones.
func expect(r *Reader, from, n int64) error {
	batch := make([]sandbox.Event, 1000)
	for i := from; ; {
		got, err := r.Next(batch)
		if err != nil && err != io.EOF {
			return err
		}
		for _, e := range batch[:got] {
			if e.Bytes != i {
				return errors.New("an event is missing")
			}
			i++
		}
		if got == 0 && i != from+n {
			return errors.New("the last events are missing")
		}
		if got == 0 {
			return nil
		}
	}
}

// dropAndGoOn is what happens on a full disk, with the error that the writer is to name. makeRoom is called when it
// is full and what was kept is read.
func dropAndGoOn(dir string, want error, makeRoom func(*Reader) error) error {
	w, err := Create(dir, "run-1", Options{Segment: firstSegment})
	if err != nil {
		return err
	}
	kept, err := fillUp(w)
	if err != nil {
		return err
	}
	if !errors.Is(w.Err(), want) {
		return errors.New("the reason is not told")
	}
	r, err := Open(dir, "run-1", Position{})
	if err != nil {
		return err
	}
	if err := expect(r, 0, kept); err != nil {
		return err
	}
	if r.Dropped() == 0 {
		return errors.New("the reader does not learn that events were dropped")
	}
	if err := makeRoom(r); err != nil {
		return err
	}
	first, err := goOn(w)
	if err != nil {
		return err
	}
	if w.Err() != nil || r.Dropped() != w.Dropped() {
		return errors.New("it goes on, and says that it does not")
	}
	return expect(r, first, 1)
}

func recordBeyondLimit(dir string) error {
	limit := func(n uint64) error {
		var l syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			return err
		}
		l.Cur = n
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)
	}
	if err := limit(64 << 10); err != nil {
		return err
	}
	w, err := Create(dir, "nothing", Options{}) // a writer that has no room from the start
	if err != nil {
		return err
	}
	if !errors.Is(w.Err(), syscall.EFBIG) {
		return errors.New("the reason is not told")
	}
	w.Record(sandbox.Event{})
	if w.Dropped() != 1 {
		return errors.New("an event without room is not counted")
	}
	if err := limit(firstSegment); err != nil {
		return err
	}
	if _, err := goOn(w); err != nil {
		return err
	}
	w, err = Create(dir, "grows", Options{}) // the second segment is larger, and does not fit
	if err != nil {
		return err
	}
	if _, err := fillUp(w); err != nil {
		return err
	}
	if err := limit(1 << 20); err != nil {
		return err
	}
	_, err = goOn(w)
	return err
}

// TestLimit uses the largest size of a file as the disk that is full: every kernel has that.
func TestLimit(t *testing.T) {
	t.Parallel()
	if err := child("limited", t.TempDir()).Run(); err != nil {
		t.Error(err)
	}
}

// fillRest leaves no room on the disk.
func fillRest(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return nil
}

// releaseAll gives back the room of what was read, nothing else.
func releaseAll(r *Reader) error { return r.Release(r.Position()) }

// recordOnDisk is recordOnFullDisk when the disk is there.
func recordOnDisk(dir string) error {
	if err := dropAndGoOn(dir, syscall.ENOSPC, releaseAll); err != nil {
		return err
	}
	rest := filepath.Join(dir, "rest")
	if err := fillRest(rest); err != nil {
		return err
	}
	w, err := Create(dir, "nothing", Options{})
	if err != nil {
		return err
	}
	w.Record(sandbox.Event{})
	if w.Dropped() != 1 || !errors.Is(w.Err(), syscall.ENOSPC) {
		return errors.New("an event without room is not counted")
	}
	if err := os.Remove(rest); err != nil {
		return err
	}
	_, err = goOn(w)
	return err
}

// TestFullClockSetBack: where the disk had no room and then the clock was set back by an hour, events are kept again as soon as there is room,
// and those that are lost are told of.
func TestFullClockSetBack(t *testing.T) {
	t.Parallel()
	const hour = 3600e9
	dir := t.TempDir()
	w := create(t, dir, Options{})
	w.retryAt.Store(now() + hour)
	for range 10 * firstSegment / slotSize {
		w.Record(sandbox.Event{Kind: sandbox.KindSend})
	}
	if n := w.Dropped(); n > 0 {
		t.Errorf("%d events are dropped, although there is room", n)
	}
	w.Close()
	w.noteAt.Store(now() + hour)
	w.Record(sandbox.Event{Kind: sandbox.KindSend})
	if n := readCounts(dir, "run-1").Dropped; n != w.Dropped() {
		t.Errorf("%d lost events are told of, want %d", n, w.Dropped())
	}
}
