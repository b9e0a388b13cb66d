package journal

import (
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// A segment is one file of a journal as its writer sees it.
type segment struct {
	tail   atomic.Uint64 // slots reserved; it runs past slots when the segment is full
	done   atomic.Uint64 // slots in which nobody writes any more
	_      [48]byte      // what follows is only read, and stays in every processor's cache
	mem    []byte        // the mapping, or a copy of the file where there is none
	number uint64
	slots  uint64
	fd     int // -1 with a mapping
	path   string
}

// newSegment makes a segment of h.size bytes. Its file appears under its name when it is complete.
func newSegment(dir, name string, h Header, mapped bool) (*segment, error) {
	temp, path := join(dir, name+newSuffix), segmentPath(dir, name, h.segment)
	fd, err := open(temp, syscall.O_RDWR|syscall.O_CREAT|syscall.O_TRUNC)
	if err != nil {
		return nil, err
	}
	s := &segment{number: h.segment, slots: uint64(h.size-headerSize) / slotSize, fd: fd, path: path}
	if err = s.fill(temp, h, mapped); err == nil {
		err = pathError("rename", path, syscall.Rename(temp, path))
	}
	if err != nil {
		s.release()
		syscall.Unlink(temp)
		return nil, err
	}
	return s, nil
}

// fill gives the file blocks, memory and a header.
func (s *segment) fill(path string, h Header, mapped bool) error {
	if err := allocate(s.fd, h.size); err != nil {
		return pathError("allocate", path, err)
	}
	if mapped {
		mem, err := syscall.Mmap(s.fd, 0, int(h.size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
		if err == nil {
			syscall.Close(s.fd)
			s.mem, s.fd = mem, -1
			h.put(mem)
			return nil
		}
	}
	s.mem = make([]byte, h.size)
	h.put(s.mem)
	return pathError("write", path, s.flush(0, headerSize))
}

// allocate gives the file fd blocks for size bytes of zeros, so that storing into its mapping cannot fail.
func allocate(fd int, size int64) error {
	err := retry(func() error { return preallocate(fd, size) })
	if err != syscall.EOPNOTSUPP && err != syscall.ENOSYS && err != syscall.EINVAL {
		return err
	}
	return writeZeros(fd, size)
}

func writeZeros(fd int, size int64) error {
	zeros := make([]byte, 64<<10)
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if err := writeAt(fd, zeros[:min(int64(len(zeros)), size-at)], at); err != nil {
			return err
		}
	}
	return nil
}

// put writes e into n slots that were reserved for it, and commits them.
func (s *segment) put(slot, n uint64, e *sandbox.Event, has uint16) error {
	defer s.done.Add(n) // the last that is done with s
	at := headerSize + slot*slotSize
	record := s.mem[at : at+n*slotSize]
	putNumbers(record, e, has)
	if has != 0 {
		putText(record, e)
	}
	for i := n - 1; i > 0; i-- {
		s.commit(slot+i, markMore, 0, uint16(i))
	}
	if n > 1 && s.fd >= 0 {
		if err := s.flush(at+slotSize, at+n*slotSize); err != nil {
			return err
		}
	}
	s.commit(slot, markFirst, byte(e.Kind), uint16(n))
	if s.fd >= 0 {
		return s.flush(at, at+slotSize)
	}
	return nil
}

// commit stores the word of a slot, after which nothing here touches the slot again.
func (s *segment) commit(slot uint64, mark, kind byte, n uint16) {
	at := headerSize + slot*slotSize
	w := word(mark, kind, n, s.number, slot, s.mem[at+wordSize:at+slotSize])
	atomic.StoreUint64(s.word(at), native(w))
}

func (s *segment) word(at uint64) *uint64 { return (*uint64)(unsafe.Pointer(&s.mem[at])) }

// mark commits a slot that holds no event, a pad or the end, and is done with all n that it stands for.
func (s *segment) mark(slot uint64, mark byte, n uint64) {
	defer s.done.Add(n)
	s.commit(slot, mark, 0, uint16(n))
	if at := headerSize + slot*slotSize; s.fd >= 0 {
		s.flush(at, at+slotSize)
	}
}

// flush writes a part of the copy to the file, where there is no mapping.
func (s *segment) flush(from, to uint64) error {
	return writeAt(s.fd, s.mem[from:to], int64(from))
}

// settled reports whether nobody writes any more into the first n slots, all of which are reserved.
func (s *segment) settled(n uint64) bool { return s.done.Load() >= n }

// release gives the memory of a settled segment back. It keeps the file.
func (s *segment) release() {
	if s.fd >= 0 {
		syscall.Close(s.fd)
	} else if s.mem != nil {
		syscall.Munmap(s.mem)
	}
	s.mem, s.fd = nil, -1
}

// open opens a file that no child inherits, without the os package: its files belong to the poller, and a writer is
// called from everywhere.
func open(path string, flags int) (fd int, err error) {
	err = retry(func() error {
		fd, err = syscall.Open(path, flags|syscall.O_CLOEXEC, 0o600)
		return err
	})
	return fd, pathError("open", path, err)
}

// writeAt writes all of b to the file fd.
func writeAt(fd int, b []byte, at int64) error {
	for len(b) > 0 {
		n, err := syscall.Pwrite(fd, b, at)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b, at = b[n:], at+int64(n)
	}
	return nil
}

// retry repeats a system call that a signal interrupts.
func retry(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}

func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: path, Err: err}
}
