package storage

import (
	"errors"
	"fmt"
	"syscall"

	"modernc.org/sqlite"
)

// What a caller may ask an error for with errors.Is. The error itself names the step and SQLite's words.
var (
	// ErrClosed is returned by every method after Close.
	ErrClosed = errors.New("the recording is closed")
	// ErrReadOnly is returned by what writes, after OpenReadOnly or when the file may not be written.
	ErrReadOnly = errors.New("the recording is open for reading only")
	// ErrFull says that the disk is full. Nothing of the batch was written; Write it again when there is room.
	ErrFull = errors.New("no room left on the disk of the recording")
	// ErrLocked says that another process has been writing for longer than Options.BusyTimeout. Nothing was written.
	ErrLocked = errors.New("another process is writing to the recording")
	// ErrPosition is returned by Write for a batch that ends before the position that is stored for its journal.
	ErrPosition = errors.New("the journal is already held further than this")
)

// DamagedError says that a file is no usable recording: its content is not what SQLite or this package wrote. Nothing
// has been changed in it. SetAside moves it out of the way.
type DamagedError struct {
	Path string
	Err  error // what SQLite found
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged (%v); move it away to begin a new one, or try the sqlite3 shell's .recover", e.Path, e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }

// VersionError says that a file's schema is not the one this program knows.
type VersionError struct {
	Path         string
	Found, Known int
}

func (e *VersionError) Error() string {
	if e.Found > e.Known {
		return fmt.Sprintf("%s was written by a newer devserver (schema %d, this one knows %d); update devserver, or choose another directory with --data",
			e.Path, e.Found, e.Known)
	}
	return fmt.Sprintf("%s was written by an older devserver (schema %d, this one needs %d); let devserver run open it once, which migrates it after a backup",
		e.Path, e.Found, e.Known)
}

// ForeignError says that a file is a SQLite database, but of another program.
type ForeignError struct{ Path string }

func (e *ForeignError) Error() string {
	return e.Path + " is a SQLite database of another program, not a recording; choose another file"
}

// SQLite's primary result codes that are told apart here (sqlite.org/rescode.html).
const (
	codeError    = 1
	codeBusy     = 5
	codeLocked   = 6
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26
)

// code returns SQLite's primary result code, 0 when err is not SQLite's.
func code(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

// explain names the step that failed and makes the cause askable.
func (db *DB) explain(step string, err error) error {
	if err == nil {
		return nil
	}
	switch code(err) {
	case codeCantOpen:
		err = fmt.Errorf("%s: %w", db.path, err)
	case codeCorrupt, codeNotADB:
		err = &DamagedError{Path: db.path, Err: err}
	case codeFull:
		err = fmt.Errorf("%w: %w", ErrFull, err)
	case codeIO:
		if errors.Is(roomFor(db.path), syscall.ENOSPC) {
			err = fmt.Errorf("%w: %w", ErrFull, err)
		}
	case codeBusy, codeLocked:
		err = fmt.Errorf("%w: %w", ErrLocked, err)
	case codeReadOnly:
		err = fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return fmt.Errorf("%s: %w", step, err)
}
