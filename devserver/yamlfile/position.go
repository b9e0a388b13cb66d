package yamlfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Position is a place in a file. Line and Column count from 1; 0 means that they are unknown.
type Position struct {
	File         string // absolute
	Line, Column int
}

// String returns file:line:column as a person or an editor wants it: from the working directory when the file lies in it.
func (p Position) String() string {
	s := shown(p.File)
	if p.Line > 0 {
		s = fmt.Sprintf("%s:%d", s, p.Line)
		if p.Column > 0 {
			s = fmt.Sprintf("%s:%d", s, p.Column)
		}
	}
	return s
}

// An Error is something wrong at a place in one of the user's files.
type Error struct {
	Position
	Message string // what is wrong and what would be right
}

// Error returns file:line:column: message.
func (e *Error) Error() string { return e.Position.String() + ": " + e.Message }

// shown returns path from the working directory when it lies in it, else unchanged.
func shown(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, ok := below(wd, path); ok {
		return rel
	}
	return path
}

// below returns path seen from dir, and whether it lies in it.
func below(dir, path string) (string, bool) {
	rel, err := filepath.Rel(dir, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", false
	}
	return rel, true
}

// plain takes the operation and the path out of a file error; the caller names both in its own words.
func plain(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
