package journal

import "errors"

// What can be wrong with a journal's files. They come wrapped in a FormatError, which names the file.
var (
	// ErrVersion says that the journal was written in another version of the format.
	ErrVersion = errors.New("journal of another version")
	// ErrDamaged says that no header can be read, in the lock's file or any segment, so that it is unknown whose
	// journal it is, or whether it is one. All lesser damage is passed over: see Reader.Damaged.
	ErrDamaged = errors.New("damaged journal")
	// ErrPosition says that a position is not one that a reader of the journal has returned.
	ErrPosition = errors.New("not a position in the journal")
	// ErrName says that a name cannot be a journal's: letters, digits, - and _ can, at most 128 of them.
	ErrName = errors.New("not a name for a journal: use letters, digits, - and _, at most 128")
	// ErrInUse says that the process that writes the journal is alive.
	ErrInUse = errors.New("journal is being written")
	// ErrLimit is Err of a writer whose journal has reached its limit while the reader does not get on.
	ErrLimit = errors.New("journal has reached its limit, and nobody reads it")
	// ErrClosed is Err of a writer whose Close was called.
	ErrClosed = errors.New("journal is closed")
)

// A FormatError says which file is not what it should be, and in what way.
type FormatError struct {
	Path   string
	Err    error  // ErrVersion, ErrDamaged or ErrPosition
	Detail string // what was found, and the way out
}

func (e *FormatError) Error() string { return e.Path + ": " + e.Err.Error() + ": " + e.Detail }

// Unwrap returns Err.
func (e *FormatError) Unwrap() error { return e.Err }
