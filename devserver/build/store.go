package build

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	keptMark   = "@"      // between an app's name and its program's ID
	tmpPattern = "tmp-*"  // folders for go build's own files
	noteName   = "Go\x00" // of the ELF note with the build ID
)

// store is the folder that programs are kept in. target is always built over: go build skips linking when it is
// up to date. The programs that are used are further links to its content.
type store struct {
	dir, name   string
	target, tmp string
}

// openStore makes the folder and one for temporary files, which close removes.
func openStore(dir, name string) (*store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("build folder: %w; choose another with --data", err)
	}
	tmp, err := os.MkdirTemp(dir, tmpPattern)
	if err != nil {
		return nil, fmt.Errorf("build folder: %w; choose another with --data", err)
	}
	return &store{dir: dir, name: name, target: filepath.Join(dir, name), tmp: tmp}, nil
}

func (s *store) close() { os.RemoveAll(s.tmp) }

// write puts data into a file of the folder and returns its path.
func (s *store) write(name string, data []byte) (string, error) {
	file := filepath.Join(s.dir, name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return "", fmt.Errorf("build folder: %w; choose another with --data", err)
	}
	return file, nil
}

// keep gives what was built its lasting name.
func (s *store) keep() (path, id string, err error) {
	if id, err = contentID(s.target); err != nil {
		return "", "", fmt.Errorf("what was built: %w", err)
	}
	path = filepath.Join(s.dir, s.name+keptMark+id)
	if _, err := os.Stat(path); err == nil {
		return path, id, nil
	}
	// go build replaces its output and never writes into it, so that a link keeps the content.
	if err := os.Link(s.target, path); err != nil {
		return path, id, s.copy(path)
	}
	return path, id, nil
}

// copy is for file systems without hard links.
func (s *store) copy(path string) error {
	from, err := os.Open(s.target)
	if err != nil {
		return err
	}
	defer from.Close()
	part := filepath.Join(s.tmp, "program")
	to, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Close()); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// contentID returns a short text that is equal for equal programs: the part of Go's build ID that is a hash of the content
// (cmd/go/internal/work/buildid.go), or else a hash of our own, which takes some milliseconds longer.
func contentID(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if id := buildID(f); strings.Count(id, "/") == 3 {
		content := id[strings.LastIndexByte(id, '/')+1:]
		if len(content) >= 16 && filepath.IsLocal(content) {
			return content, nil
		}
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}

// How the build ID stands at the start of the text of what is not ELF.
var textBegin, textEnd = []byte("\xff Go build ID: \""), []byte("\"\n \xff")

func buildID(f io.ReaderAt) string {
	if e, err := elf.NewFile(f); err == nil {
		if s := e.Section(".note.go.buildid"); s != nil {
			note, _ := s.Data()
			if _, id, ok := strings.Cut(string(note), noteName); ok {
				return strings.Trim(id, "\x00")
			}
		}
		return ""
	}
	head := make([]byte, 64<<10)
	n, _ := f.ReadAt(head, 0)
	if _, rest, ok := bytes.Cut(head[:n], textBegin); ok {
		id, _, _ := bytes.Cut(rest, textEnd)
		return string(id)
	}
	return ""
}
