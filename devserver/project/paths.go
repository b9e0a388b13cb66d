package project

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-d81df0db/devserver/devserver/yamlfile"
)

// Position is a place in one of the user's files.
type Position = yamlfile.Position

// A FileError is something wrong at a place in one of the user's files.
type FileError = yamlfile.Error

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
