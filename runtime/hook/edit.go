package hook

import (
	"os"
	"slices"
)

// An edit replaces text[from:to] of a file.
type edit struct {
	from, to int
	text     string
}

// edited returns the file's text with its edits carried out.
func (f *file) edited() []byte {
	edits := slices.SortedFunc(slices.Values(f.edits), func(a, b edit) int { return a.from - b.from })
	var out []byte
	last := 0
	for _, e := range edits {
		out = append(out, f.text[last:e.from]...)
		out = append(out, e.text...)
		last = e.to
	}
	return append(out, f.text[last:]...)
}

// save writes the file if it was edited. It is replaced as a whole: a copy that shares its bytes with the original
// (a hard link) must not change the original.
func (f *file) save() error {
	if len(f.edits) == 0 {
		return nil
	}
	return replaceFile(f.name, f.edited())
}

// replaceFile puts a new file, writable for its owner, in place of what is there.
func replaceFile(name string, text []byte) error {
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}
