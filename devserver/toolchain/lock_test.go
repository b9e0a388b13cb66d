package toolchain

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.use")
	lock := func(how int) *lock {
		t.Helper()
		l, err := tryLock(path, how)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	locked := func(how int) {
		t.Helper()
		if l, err := tryLock(path, how); !errors.Is(err, errLocked) {
			t.Errorf("got %v, %v, want errLocked", l, err)
		}
	}
	a, b := lock(shared), lock(shared)
	locked(exclusive)
	a.close()
	locked(exclusive)
	b.close()
	x := lock(exclusive)
	locked(shared)

	// One that waits for a file which is removed meanwhile must not end up with a lock of its own.
	waiter, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer waiter.Close()
	if err := x.remove(); err != nil {
		t.Fatal(err)
	}
	if err := flock(waiter, exclusive); err != nil || current(waiter, path) {
		t.Errorf("a removed file counts as the lock (%v)", err)
	}
	y := lock(exclusive)
	locked(shared)
	y.close()
	if err := y.close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// A finished copy serves from a place where its lock cannot be written.
func TestLockReadOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.use")
	if err := os.WriteFile(path, nil, 0o400); err != nil {
		t.Fatal(err)
	}
	l, err := tryLock(path, shared)
	if err != nil {
		t.Fatal(err)
	}
	l.touch()
	l.close()
	if _, err := tryLock(filepath.Join(path, "y"), shared); err == nil {
		t.Error("a lock below a file")
	}
}
