package export_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/export"
)

// TestWriteFile says what stands in a folder after exports that end well and badly.
func TestWriteFile(t *testing.T) {
	t.Parallel()
	say := func(s string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			_, wrote := io.WriteString(w, s)
			return errors.Join(wrote, err)
		}
	}
	for _, tt := range []struct {
		what, before string
		write        func(io.Writer) error
		after        string
		err          error
	}{
		{"a new file", "", say("new", nil), "new", nil},
		{"one that was there", "old", say("new", nil), "new", nil},
		{"a failure", "old", say("half", io.ErrUnexpectedEOF), "old", io.ErrUnexpectedEOF},
		{"a failure of a new file", "", say("half", io.ErrUnexpectedEOF), "", io.ErrUnexpectedEOF},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "out.ndjson")
		if tt.before != "" {
			must(t, os.WriteFile(path, []byte(tt.before), 0o600))
		}
		if err := export.WriteFile(path, tt.write); !errors.Is(err, tt.err) {
			t.Errorf("%s: WriteFile = %v, want %v", tt.what, err, tt.err)
		}
		if text, _ := os.ReadFile(path); string(text) != tt.after {
			t.Errorf("%s: the file holds %q, want %q", tt.what, text, tt.after)
		}
		want := 1
		if tt.after == "" {
			want = 0
		}
		if left, _ := os.ReadDir(dir); len(left) != want {
			t.Errorf("%s: the folder holds %v, want %d files", tt.what, left, want)
		}
	}
}

// TestTargetGone takes the target away under an export that is under way.
func TestTargetGone(t *testing.T) {
	t.Parallel()
	db := recorded(t, 3)
	before := dump(t, db.Path(), "SELECT * FROM events ORDER BY id")
	dir := filepath.Join(t.TempDir(), "gone")
	must(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "out.ndjson")
	err := export.WriteFile(path, func(w io.Writer) error {
		return errors.Join(os.RemoveAll(dir), export.NDJSON(t.Context(), w, db, export.Options{}))
	})
	if want := "the folder of " + path + " is not there"; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "-o") {
		t.Errorf("WriteFile into a folder that goes = %v, want %s and the way out", err, want)
	}
	if err := export.WriteFile(path, nil); err == nil || !strings.Contains(err.Error(), "is not there") {
		t.Errorf("WriteFile into a folder that is not there = %v", err)
	}
	if err := export.WriteFile(filepath.Dir(dir), nil); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("WriteFile onto a folder = %v", err)
	}
	r, w, err := os.Pipe()
	must(t, err)
	must(t, r.Close())
	defer w.Close()
	err = export.Explain("standard output", export.NDJSON(t.Context(), w, db, export.Options{}))
	if !errors.Is(err, syscall.EPIPE) || !strings.HasPrefix(err.Error(), "standard output was closed by its reader") {
		t.Errorf("NDJSON into a closed pipe = %v", err)
	}
	if after := dump(t, db.Path(), "SELECT * FROM events ORDER BY id"); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("the recording has changed")
	}
}

// TestSpecialFiles writes to what is no regular file as it is, and follows links.
func TestSpecialFiles(t *testing.T) {
	t.Parallel()
	hello := func(w io.Writer) error {
		_, err := io.WriteString(w, "hello")
		return err
	}
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600))
	r, err := os.OpenFile(pipe, os.O_RDWR, 0)
	must(t, err)
	defer r.Close()
	must(t, export.WriteFile(pipe, hello))
	got := make([]byte, 5)
	if _, err := io.ReadFull(r, got); err != nil || string(got) != "hello" {
		t.Errorf("the pipe gave %q, %v", got, err)
	}
	link, to := filepath.Join(dir, "link"), filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(to, nil, 0o600))
	must(t, os.Symlink(to, link))
	must(t, export.WriteFile(link, hello))
	if text, err := os.ReadFile(to); string(text) != "hello" {
		t.Errorf("where the link leads there is %q, %v", text, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
}
