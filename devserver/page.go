package devserver

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// openPage maps a file of one page that workers count in, and makes it when there is none. fits tells what is wrong
// with its content; a page that does not fit is begun anew.
func openPage(path string, fits func(mem []byte) error) (mem []byte, err error) {
	for range 2 {
		if mem, err = mapPage(path); err != nil {
			return nil, err
		}
		if err = fits(mem); err == nil {
			return mem, nil
		}
		unix.Munmap(mem)
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return nil, err
}

// mapPage maps the file. It is written in full first: a page that the disk has no room for would kill whoever
// touches it (SIGBUS).
func mapPage(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// Who else finds the file short must not clear what has been counted in it meanwhile.
	for err = unix.EINTR; err == unix.EINTR; {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		return nil, &os.PathError{Op: "flock", Path: path, Err: err}
	}
	defer unix.Flock(int(f.Fd()), unix.LOCK_UN) // closing is not enough: the mapping keeps the file, and with it the lock
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if missing := sandbox.PageSize - info.Size(); missing > 0 {
		if _, err := f.WriteAt(make([]byte, missing), info.Size()); err != nil {
			return nil, err
		}
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, sandbox.PageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: path, Err: err}
	}
	return mem, nil
}

// ids is the counter of socket and request ids of a data directory.
type ids struct {
	*sandbox.IDs
	path string
	mem  []byte
}

func openIDs(path string) (*ids, error) {
	mem, err := openPage(path, func(mem []byte) error { return sandbox.NewIDs(mem).Err() })
	if err != nil {
		return nil, fmt.Errorf("counters of ids: %w", err)
	}
	return &ids{sandbox.NewIDs(mem), path, mem}, nil
}

func (i *ids) Close() error { return unix.Munmap(i.mem) }
