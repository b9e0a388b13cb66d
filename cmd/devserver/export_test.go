package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const oneRun = `{"devserver":"recording","version":1}
{"type":"run","id":1,"app":"shop","started_at":1}
`

// TestExportInterrupted stops both ways under way: status 0, a word, and no file.
func TestExportInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := filepath.Join(dir, "one.db")
	var stderr bytes.Buffer
	if status := run(t.Context(), []string{"import", "-", "-o", db}, strings.NewReader(oneRun+"{\"type\":\"end\"}\n"), io.Discard, &stderr); status != 0 {
		t.Fatalf("import: status %d, %s", status, &stderr)
	}

	ctx, interrupt := context.WithCancel(t.Context())
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, oneRun) // returns when it is read; then the import waits for more
		interrupt()
	}()
	stderr.Reset()
	other := filepath.Join(dir, "other.db")
	status := run(ctx, []string{"import", "-", "-o", other}, r, io.Discard, &stderr)
	if want := "devserver: interrupted; " + other + " was not made\n"; status != 0 || stderr.String() != want {
		t.Errorf("import, interrupted: status %d, %q, want 0, %q", status, &stderr, want)
	}
	w.Close()

	stderr.Reset()
	out := filepath.Join(dir, "out.ndjson")
	status = run(ctx, []string{"export", "--format", "ndjson", "--recording", db, "-o", out}, nil, io.Discard, &stderr)
	if want := "devserver: interrupted; " + out + " was not written\n"; status != 0 || stderr.String() != want {
		t.Errorf("export, interrupted: status %d, %q, want 0, %q", status, &stderr, want)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if !strings.HasPrefix(f.Name(), "one.db") { // SQLite's own files beside it may be there
			t.Errorf("left is %s", f.Name())
		}
	}
}

// TestProgress draws on a terminal only, and only after a while.
func TestProgress(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	quiet := newProgress(&b)
	quiet.step("exported 1")
	quiet.end()
	if b.Len() > 0 {
		t.Errorf("on no terminal: %q", &b)
	}
	p := &progress{screen: &screen{w: &b, width: func() int { return 40 }}, next: time.Now().Add(time.Hour)}
	p.step("exported 1")
	p.end()
	if b.Len() > 0 {
		t.Errorf("within the first second: %q", &b)
	}
	p.next = time.Time{}
	p.step("exported 2")
	p.step("exported 3") // too soon after the last
	p.end()
	if want := "exported 2\r\x1b[J"; b.String() != want {
		t.Errorf("drawn %q, want %q", b.String(), want)
	}
}
