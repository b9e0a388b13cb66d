package storage

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// killedEnv makes the test binary a process that writes batches until it is killed: it names the recording.
const killedEnv = "STORAGE_TEST_KILLED"

func TestMain(m *testing.M) {
	if path := os.Getenv(killedEnv); path != "" {
		fmt.Fprintln(os.Stderr, writeForever(path))
		os.Exit(1)
	}
	if path := os.Getenv(trimEnv); path != "" {
		fmt.Fprintln(os.Stderr, trimForever(path))
		os.Exit(1)
	}
	if dir := os.Getenv(fullDiskEnv); dir != "" {
		if err := onSmallDisk(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeForever goes on where the recording's position says, each batch of another size; Offset counts the events.
// It prints a line after each batch that Write has taken.
func writeForever(path string) error {
	db, err := Open(path, Options{})
	if err != nil {
		return err
	}
	_, offset, _, err := db.JournalPosition("j")
	if err != nil {
		return err
	}
	for {
		b := Batch{App: "shop", Journal: "j", Segment: 1, Offset: offset}
		for range 1 + offset%900 {
			b.Offset++
			b.Events = append(b.Events, sandbox.Event{Kind: sandbox.KindSend, Socket: uint64(b.Offset%70 + 1), Request: uint64(b.Offset / 30), At: b.Offset, Bytes: 1})
		}
		if err := db.Write(context.Background(), b); err != nil {
			return err
		}
		offset = b.Offset
		fmt.Println(offset)
	}
}

// TestKilled kills a process in the middle of writing, many times: each time the position and the events agree, all that
// Write took is there, and nothing is there twice.
func TestKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "recording.db")
	r := rand.New(rand.NewPCG(1, 2))
	for range max(10/thorough, 3) {
		taken := killOne(t, path, 1+r.IntN(12))
		db, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, offset, ok, err := db.JournalPosition("j")
		if err != nil || !ok {
			t.Fatalf("JournalPosition = %v, %v", ok, err)
		}
		if offset < taken {
			t.Errorf("position %d, but Write had taken %d", offset, taken)
		}
		for _, q := range []string{`SELECT count(*) FROM events`, `SELECT count(DISTINCT at) FROM events`, `SELECT max(at) FROM events`, `SELECT max(id) FROM events`,
			`SELECT sum(sends) FROM sockets`, `SELECT sum(operations) FROM activity`, `SELECT sum(events) FROM totals`, `SELECT max(last_event) FROM stretches`} {
			if n := count1(t, db, q); n != offset {
				t.Errorf("%s: %d, position %d", q, n, offset)
			}
		}
		var sound string
		if err := db.read.QueryRow(`PRAGMA integrity_check`).Scan(&sound); err != nil || sound != "ok" {
			t.Errorf("integrity_check: %s, %v", sound, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killOne starts a writer, kills it after some batches, and returns the position of the last batch it spoke of.
func killOne(t *testing.T, path string, batches int) (taken int64) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), killedEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ { // to the end: lines that it printed before it died count too
		if _, err := fmt.Sscan(lines.Text(), &taken); err != nil {
			t.Errorf("line %q: %v", lines.Text(), err)
		}
		if n == batches {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	cmd.Wait() // its error says that it was killed
	return taken
}
