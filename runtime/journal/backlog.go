package journal

import (
	"errors"
	"io/fs"
	"os"
	"sort"
)

// Backlog returns how many bytes of a journal were written and not read up to the position from, which a reader of it has
// returned. It is an estimate: of the segment that is being written, what stands before the first free slot. It may be called
// while others read and write.
func Backlog(dir, name string, from Position) (int64, error) {
	numbers, err := segments(dir, name)
	if err != nil {
		return 0, err
	}
	var bytes int64
	for i := len(numbers) - 1; i >= 0 && int64(numbers[i]) >= from.Segment; i-- {
		start := int64(headerSize)
		if int64(numbers[i]) == from.Segment {
			start = max(start, from.Offset)
		}
		end, err := written(segmentPath(dir, name, numbers[i]), bytes > 0)
		if errors.Is(err, fs.ErrNotExist) { // read meanwhile
			continue
		}
		if err != nil {
			return 0, err
		}
		bytes += max(end-start, 0)
	}
	return bytes, nil
}

// written returns where the slots of a segment end that were written; all of them were where later segments hold some.
func written(path string, full bool) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if full {
		return info.Size(), nil
	}
	slots := max(int(info.Size()-headerSize)/slotSize, 0)
	var failed error
	n := sort.Search(slots, func(i int) bool {
		var word [wordSize]byte
		if _, err := f.ReadAt(word[:], headerSize+int64(i)*slotSize); err != nil && failed == nil {
			failed = err
		}
		return get64(word[:]) == 0
	})
	return headerSize + int64(n)*slotSize, failed
}
