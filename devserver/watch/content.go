package watch

import (
	"hash/maphash"
	"os"
	"syscall"
	"time"
)

const (
	maxRead  = 4 << 20   // bytes: of larger files size and times are compared
	maxAsset = 256 << 10 // the same for a file that is no source, when it is first seen
	maxLearn = 16 << 20  // of all of these together: a tree of pictures is not read for the one that may be saved as it was
)

// tick is by how much files' times may lag behind the clock: two ticks of the slowest.
const tick = 20 * time.Millisecond

// content is what is compared of a file. Its zero value is that of a file that is not there.
type content struct {
	there    bool
	size     int64
	modified int64  // nanoseconds since 1970
	changed  int64  // the same by the system's account, which no program can set back
	inode    uint64 // another one where a file was renamed over it, within one tick too
	read     bool   // sum is known
	sum      uint64 // of the bytes
}

// same tells whether c and o are of the same bytes, as far as one can know.
func (c content) same(o content) bool {
	if c.there != o.there || c.size != o.size {
		return false
	}
	if c.read && o.read {
		return c.sum == o.sum
	}
	return c.modified == o.modified && c.changed == o.changed && c.inode == o.inode
}

// contents reads files. Sums of two readers cannot be compared.
type contents struct{ seed maphash.Seed }

// of reads a file, through symbolic links. Of one larger than limit the bytes are not read. changed is when content or
// name last changed by the system's account, which no program can set back.
func (r contents) of(file string, limit int64) (c content, changed time.Time) {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() {
		return content{}, time.Time{}
	}
	c = content{there: true, size: info.Size(), modified: info.ModTime().UnixNano()}
	changed = info.ModTime()
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		changed, c.inode = changeTime(s), s.Ino
	}
	c.changed = changed.UnixNano()
	if c.size > limit {
		return c, changed
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return c, changed
	}
	c.read, c.size, c.sum = true, int64(len(data)), maphash.Bytes(r.seed, data)
	return c, changed
}
