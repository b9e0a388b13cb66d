package toolchain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	shared    = syscall.LOCK_SH
	exclusive = syscall.LOCK_EX
)

// errLocked says that another process holds the lock.
var errLocked = errors.New("locked by another process")

// A lock is an flock on a file of its own. The operating system gives it up when the process dies.
type lock struct{ f *os.File }

// tryLock takes the lock, or returns errLocked at once.
func tryLock(path string, how int) (*lock, error) {
	for {
		f, err := openLock(path)
		if err != nil {
			return nil, err
		}
		if err := flock(f, how|syscall.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, errLocked
			}
			return nil, &os.PathError{Op: "lock", Path: path, Err: err}
		}
		if current(f, path) {
			return &lock{f}, nil
		}
		f.Close() // the holder before us removed the file: lock the one that now has the name
	}
}

// openLock opens the lock's file. Reading is enough, so that a finished copy serves from a read-only place too.
func openLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		return f, nil
	}
	if f, err := os.Open(path); err == nil {
		return f, nil
	}
	return nil, err
}

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); err != syscall.EINTR {
			return err
		}
	}
}

// current reports whether path still names the open file.
func current(f *os.File, path string) bool {
	mine, err1 := f.Stat()
	now, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(mine, now)
}

// waitLock waits for the lock until ctx is done. waiting, which may be nil, is called once when it has to wait.
func waitLock(ctx context.Context, path string, how int, waiting func()) (*lock, error) {
	const pause = 50 * time.Millisecond // flock cannot wait for a lock and a context at once
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		l, err := tryLock(path, how)
		if !errors.Is(err, errLocked) {
			return l, err
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for %s: %w", path, ctx.Err())
		}
	}
}

// touch notes the time of use. A read-only place cannot note it, and needs no sweeping either.
func (l *lock) touch() {
	now := time.Now()
	_ = os.Chtimes(l.f.Name(), now, now)
}

// close gives the lock up.
func (l *lock) close() error {
	if err := l.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// remove removes the file while it is held, then gives the lock up.
func (l *lock) remove() error {
	return errors.Join(os.Remove(l.f.Name()), l.close())
}
