package journal

import (
	"hash/crc32"
	"strconv"
	"unsafe"
)

// Version is the format's. A reader refuses any other, since it could only guess.
const Version = 1

// MaxString is the longest string that is kept, in bytes; a longer one ends in "…" there.
const MaxString = 8 << 10

const (
	magic      = "dsjrnl\r\n"
	headerSize = 4096 // where the slots begin
	headerCopy = 2048 // where the header stands again
	headerLen  = 512  // one copy
	maxApp     = 256

	slotSize  = 64
	wordSize  = 8
	textAt    = 52 // in a first slot
	firstText = slotSize - textAt
	moreText  = slotSize - wordSize
	maxText   = textCount*(MaxString+3) + 3*10 // lengths and numbers are uvarints
	maxSlots  = 1 + (maxText-firstText+moreText-1)/moreText
)

// The marks of a slot. Any two differ in at least three bits.
const (
	markFirst = 0xd1
	markMore  = 0xb6
	markPad   = 0x6a
	markEnd   = 0x0d
)

// castagnoli is a constant: nothing writes to it.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Header says whose journal it is.
type Header struct {
	App     string // at most 256 bytes of it are kept
	Run     int64  // Options.Run
	PID     int    // of the process that writes it
	Started int64  // when it was created, nanoseconds since 1970 UTC

	segment uint64
	size    int64
}

// put writes h into the first headerSize bytes of a segment.
func (h *Header) put(page []byte) {
	h.putCopy(page[:headerLen])
	copy(page[headerCopy:], page[:headerLen])
}

func (h *Header) putCopy(b []byte) {
	copy(b, magic)
	put32(b[8:], Version)
	put32(b[12:], uint32(h.PID))
	put64(b[16:], h.segment)
	put64(b[24:], uint64(h.size))
	put64(b[32:], uint64(h.Run))
	b[44], b[45] = byte(len(h.App)), byte(len(h.App)>>8)
	put64(b[48:], uint64(h.Started))
	copy(b[64:64+maxApp], h.App)
	put32(b[headerLen-4:], crc32.Checksum(b[:headerLen-4], castagnoli))
}

// parseHeader reads what put wrote, from whichever copy is intact.
func parseHeader(path string, page []byte) (Header, error) {
	for _, at := range [...]int{0, headerCopy} {
		if len(page) < at+headerLen {
			break
		}
		b := page[at : at+headerLen]
		if string(b[:8]) != magic || get32(b[headerLen-4:]) != crc32.Checksum(b[:headerLen-4], castagnoli) {
			continue
		}
		if v := get32(b[8:]); v != Version {
			return Header{}, &FormatError{path, ErrVersion, "it has version " + strconv.Itoa(int(v)) + ", this devserver reads " +
				strconv.Itoa(Version) + "; start the devserver that wrote it once more, or delete it"}
		}
		n := min(int(b[44])|int(b[45])<<8, maxApp)
		return Header{App: string(b[64 : 64+n]), Run: int64(get64(b[32:])), PID: int(get32(b[12:])), Started: int64(get64(b[48:])),
			segment: get64(b[16:]), size: int64(get64(b[24:]))}, nil
	}
	return Header{}, &FormatError{path, ErrDamaged, "no copy of its header is intact; keep it for a bug report, or delete it"}
}

// word makes the first eight bytes of a slot whose payload is complete: see the package comment.
func word(mark, kind byte, n uint16, segment, slot uint64, payload []byte) uint64 {
	meta := uint32(mark) | uint32(kind)<<8 | uint32(n)<<16
	return uint64(meta)<<32 | uint64(checksum(meta, segment, slot, payload))
}

// checksum begins with all that tells one place from another. A CRC is linear: a flipped bit, in the payload or in
// meta, always changes it.
func checksum(meta uint32, segment, slot uint64, payload []byte) uint32 {
	place := (segment<<32 | slot) * 0x9e3779b97f4a7c15 // spread over the upper half
	return crc32.Update(meta^Version<<8^uint32(place>>32), castagnoli, payload)
}

// mark, kind and n take a word apart.
func mark(w uint64) byte { return byte(w >> 32) }
func kind(w uint64) byte { return byte(w >> 40) }
func size(w uint64) int  { return int(w >> 48) }

// intact reports whether a slot is what its writer committed there.
func intact(slot []byte, segment, number uint64) bool {
	w := get64(slot)
	return uint32(w) == checksum(uint32(w>>32), segment, number, slot[wordSize:slotSize])
}

// native returns the number that has the bytes of w in little-endian order on this machine.
func native(w uint64) uint64 {
	var b [8]byte
	put64(b[:], w)
	return *(*uint64)(unsafe.Pointer(&b))
}

func put64(b []byte, v uint64) {
	_ = b[7]
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	b[4], b[5], b[6], b[7] = byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56)
}

func put32(b []byte, v uint32) {
	_ = b[3]
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
}

func get64(b []byte) uint64 {
	return uint64(get32(b)) | uint64(get32(b[4:]))<<32
}

func get32(b []byte) uint32 {
	_ = b[3]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}
