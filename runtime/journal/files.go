package journal

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"syscall"
)

const (
	lockSuffix    = ".lock"
	segmentSuffix = ".journal"
	newSuffix     = ".new"
)

// List returns the names of the journals in a folder, sorted: those that are being written and those that were left.
func List(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if name, _ := split(f.Name()); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Alive reports whether the process that writes a journal is alive: whether its lock is held. A journal without
// files is not alive.
func Alive(dir, name string) (bool, error) {
	fd, alive, err := seize(dir, name, syscall.LOCK_SH)
	if fd >= 0 {
		syscall.Close(fd)
	}
	return alive, err
}

// Remove deletes all files of a journal. It returns ErrInUse when its writer is alive; a journal that does not
// exist is no error.
func Remove(dir, name string) error {
	fd, alive, err := seize(dir, name, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	if fd >= 0 {
		defer syscall.Close(fd)
	}
	if alive {
		return pathError("remove", join(dir, name+lockSuffix), ErrInUse)
	}
	numbers, err := segments(dir, name)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if err := unlink(segmentPath(dir, name, n)); err != nil {
			return err
		}
	}
	for _, suffix := range [...]string{newSuffix, lockSuffix + newSuffix, lockSuffix} { // the lock last: it lists the journal
		if err := unlink(join(dir, name+suffix)); err != nil {
			return err
		}
	}
	return nil
}

// seize takes a journal's lock, or finds that its writer holds it. The descriptor is -1 when there is no lock.
func seize(dir, name string, how int) (fd int, alive bool, err error) {
	if err := checkName(name); err != nil {
		return -1, false, err
	}
	path := join(dir, name+lockSuffix)
	fd, err = open(path, syscall.O_RDONLY)
	if os.IsNotExist(err) {
		return -1, false, nil
	}
	if err != nil {
		return -1, false, err
	}
	err = retry(func() error { return syscall.Flock(fd, how|syscall.LOCK_NB) })
	if err == syscall.EWOULDBLOCK {
		return fd, true, nil
	}
	return fd, false, pathError("flock", path, err)
}

// lock makes and takes the lock of a new journal. The file gets its name when it is locked already, so that nobody
// ever sees a living writer's lock free.
func lock(dir, name string, h Header) (fd int, err error) {
	path := join(dir, name+lockSuffix)
	temp := path + newSuffix
	fd, err = open(temp, syscall.O_RDWR|syscall.O_CREAT)
	if err != nil {
		return -1, err
	}
	err = retry(func() error { return syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) })
	if err == nil {
		err = vacant(dir, name)
	}
	if err == nil {
		text := make([]byte, lockPlace)
		copy(text, countText(0, 0))
		h.putCopy(text[lockHeader:])
		copy(text[lockRefused:], numberText(refusedWord, 0))
		writeAt(fd, text, 0) // on a full disk the journal begins all the same: a segment says who it is, too
		err = syscall.Rename(temp, path)
	}
	if err != nil {
		syscall.Close(fd)
		return -1, pathError("create", path, err)
	}
	return fd, nil
}

// The lock's file begins with the number of dropped events and of nanoseconds, in words; a copy of the header follows.
const (
	droppedWord = "dropped "
	slowedWord  = "slowed "
	refusedWord = "refused "
	readWord    = "read "

	lockHeader  = 64
	lockRefused = lockHeader + headerLen
	lockPlace   = lockRefused + 64 // where the reader says how far it is
)

// Counts are what a writer tells its reader beside the events.
type Counts struct {
	Dropped uint64 // events that could not be kept
	Refused uint64 // how many of those because the journal had reached its limit, and nobody read it
	Slowed  uint64 // nanoseconds that the program waited for its reader, which the limit made it do
}

const digits = 20 // of a number, which is always of one length, so that one write replaces it

func numberText(word string, n uint64) []byte {
	text := strconv.FormatUint(n, 10)
	return []byte(word + "00000000000000000000"[len(text):] + text + "\n")
}

// parseNumber reads what numberText wrote at the beginning of b, 0 when it is not that. It returns what follows.
func parseNumber(b []byte, word string) (n uint64, rest []byte) {
	end := len(word) + digits
	if len(b) <= end || string(b[:len(word)]) != word {
		return 0, nil
	}
	n, _ = strconv.ParseUint(string(b[len(word):end]), 10, 64)
	return n, b[end+1:]
}

func countText(dropped, slowed uint64) []byte {
	return append(numberText(droppedWord, dropped), numberText(slowedWord, slowed)...)
}

// noteCounts writes what the reader is to know. It opens the file anew: the descriptor that holds the lock stays
// untouched, should the program have closed it and its number be another file's.
func noteCounts(dir, name string, c Counts) {
	fd, err := open(join(dir, name+lockSuffix), syscall.O_WRONLY)
	if err != nil {
		return
	}
	writeAt(fd, countText(c.Dropped, c.Slowed), 0)
	writeAt(fd, numberText(refusedWord, c.Refused), lockRefused)
	syscall.Close(fd)
}

// readCounts returns what noteCounts wrote last, zeros when that cannot be read.
func readCounts(dir, name string) (c Counts) {
	b, err := os.ReadFile(join(dir, name+lockSuffix))
	if err != nil {
		return Counts{}
	}
	var rest []byte
	c.Dropped, rest = parseNumber(b, droppedWord)
	c.Slowed, _ = parseNumber(rest, slowedWord)
	if len(b) > lockRefused {
		c.Refused, _ = parseNumber(b[lockRefused:], refusedWord)
	}
	return c
}

// notePlace tells the writer how far the reader is, so that it can tell one that is slow from one that is gone.
func notePlace(dir, name string, p Position) {
	fd, err := open(join(dir, name+lockSuffix), syscall.O_WRONLY)
	if err != nil {
		return
	}
	writeAt(fd, append(numberText(readWord, uint64(p.Segment)), numberText("", uint64(p.Offset))...), lockPlace)
	syscall.Close(fd)
}

// readPlace returns what notePlace wrote last. It is called by a writer, and keeps away from the os package as open does.
func readPlace(dir, name string) (p Position) {
	fd, err := open(join(dir, name+lockSuffix), syscall.O_RDONLY)
	if err != nil {
		return p
	}
	defer syscall.Close(fd)
	var b [64]byte
	var n int
	retry(func() error { n, err = syscall.Pread(fd, b[:], lockPlace); return err })
	segment, rest := parseNumber(b[:max(n, 0)], readWord)
	offset, _ := parseNumber(rest, "")
	return Position{int64(segment), int64(offset)}
}

// readLock returns the header in the lock's file, a zero one when there is none.
func readLock(dir, name string) (Header, error) {
	path := join(dir, name+lockSuffix)
	b, err := os.ReadFile(path)
	if err != nil || len(b) < lockHeader {
		return Header{}, nil
	}
	h, err := parseHeader(path, b[lockHeader:])
	if errors.Is(err, ErrVersion) {
		return Header{}, err
	}
	return h, nil
}

// vacant returns EEXIST when a journal of that name is there already.
func vacant(dir, name string) error {
	numbers, err := segments(dir, name)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(join(dir, name+lockSuffix)); err == nil || len(numbers) > 0 {
		return syscall.EEXIST
	}
	return nil
}

// segments returns the numbers of a journal's segments, ascending.
func segments(dir, name string) ([]uint64, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, f := range files {
		if of, n := split(f.Name()); of == name && n > 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// split takes a file's name apart: the journal it belongs to and the segment's number, 0 for the lock. A file that
// is neither belongs to "".
func split(file string) (name string, number uint64) {
	if name, ok := cut(file, lockSuffix); ok && checkName(name) == nil {
		return name, 0
	}
	rest, ok := cut(file, segmentSuffix)
	if !ok {
		return "", 0
	}
	dot := len(rest) - 1
	for dot >= 0 && rest[dot] != '.' {
		dot--
	}
	if dot < 0 || checkName(rest[:dot]) != nil {
		return "", 0
	}
	number, err := strconv.ParseUint(rest[dot+1:], 10, 63)
	if err != nil || number == 0 || segmentFile(rest[:dot], number) != file {
		return "", 0
	}
	return rest[:dot], number
}

func cut(s, suffix string) (string, bool) {
	if n := len(s) - len(suffix); n >= 0 && s[n:] == suffix {
		return s[:n], true
	}
	return s, false
}

func segmentFile(name string, number uint64) string {
	n := strconv.FormatUint(number, 10)
	return name + "." + "00000000"[min(len(n), 8):] + n + segmentSuffix
}

func segmentPath(dir, name string, number uint64) string { return join(dir, segmentFile(name, number)) }

func join(dir, file string) string { return dir + string(os.PathSeparator) + file }

func checkName(name string) error {
	if name == "" || len(name) > 128 {
		return &os.PathError{Op: "journal", Path: name, Err: ErrName}
	}
	for _, c := range []byte(name) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' && c != '_' {
			return &os.PathError{Op: "journal", Path: name, Err: ErrName}
		}
	}
	return nil
}

// unlink deletes a file that may be gone already.
func unlink(path string) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
