package sandbox

import (
	"errors"
	"sync/atomic"
	"unsafe"
)

// PageSize is how much memory IDs and Usage need.
const PageSize = 4096

// page is memory that several processes may share. It is changed by atomic operations only.
type page [PageSize / 8]uint64

// newPage takes mem, or private memory when mem is nil. The first word says what the page holds, so that a file
// of another kind or version is not misread; fresh pages are zero.
func newPage(mem []byte, magic uint64) (*page, error) {
	p := new(page)
	if mem != nil {
		if len(mem) < PageSize || uintptr(unsafe.Pointer(unsafe.SliceData(mem)))%8 != 0 {
			return p, errors.New("shared memory: " + itoa(int64(len(mem))) + " bytes, need an aligned page of " + itoa(PageSize))
		}
		p = (*page)(unsafe.Pointer(unsafe.SliceData(mem)))
	}
	if !atomic.CompareAndSwapUint64(&p[0], 0, magic) && atomic.LoadUint64(&p[0]) != magic {
		return new(page), errors.New("shared memory: made by another version; delete its file")
	}
	return p, nil
}

// IDs hands out the ids of sockets and requests. Those of one data directory share the memory of a file, so that
// an id is unique in it. It is safe for concurrent use, between processes too.
type IDs struct {
	words *page // 1: the last socket, 2: the last request
	err   error
}

const idsMagic = 0x6465_7673_4944_7331 // devsIDs1

// NewIDs counts in mem, an aligned page that begins as zeros; nil is private memory. What is wrong with mem, New says.
func NewIDs(mem []byte) *IDs {
	words, err := newPage(mem, idsMagic)
	return &IDs{words, err}
}

// NextSocket returns the next socket's id; the first is 1.
func (i *IDs) NextSocket() uint64 { return atomic.AddUint64(&i.words[1], 1) }

// NextRequest returns the next request's id; the first is 1.
func (i *IDs) NextRequest() uint64 { return atomic.AddUint64(&i.words[2], 1) }

// SetFloor makes sure that no id up to socket and request is handed out again.
func (i *IDs) SetFloor(socket, request uint64) {
	raise(&i.words[1], socket)
	raise(&i.words[2], request)
}

func raise(w *uint64, floor uint64) {
	for old := atomic.LoadUint64(w); old < floor; old = atomic.LoadUint64(w) {
		if atomic.CompareAndSwapUint64(w, old, floor) {
			return
		}
	}
}

// Err returns what is wrong with the memory.
func (i *IDs) Err() error { return i.err }
