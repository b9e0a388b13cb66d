package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// fullDiskEnv makes the test binary a process that writes into a small disk until it is full, and goes on when there
// is room: it names the disk.
const fullDiskEnv = "STORAGE_TEST_FULL_DISK"

// writeToFullDisk returns what is wrong with how the recording takes it.
func writeToFullDisk(dir string) error {
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err != nil {
		return err
	}
	path := filepath.Join(dir, "recording.db")
	db, err := Open(path, Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	var l load
	var taken int64
	next := func() Batch {
		return Batch{App: "shop", Journal: "j", Segment: 1, Offset: taken + 1, Events: l.batch(2000)}
	}
	batch := next()
	for err == nil {
		if err = db.Write(context.Background(), batch); err == nil {
			taken++
			batch = next()
		}
	}
	if !errors.Is(err, ErrFull) {
		return fmt.Errorf("Write to a full disk = %w, want ErrFull", err)
	}
	if taken == 0 {
		return errors.New("not one batch was taken: the disk is too small for the test")
	}
	if err := sameAsPosition(db, taken); err != nil {
		return fmt.Errorf("full disk: %w", err)
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if err := db.Write(context.Background(), batch); err != nil {
		return fmt.Errorf("Write with room again: %w", err)
	}
	return sameAsPosition(db, taken+1)
}

// sameAsPosition checks that the recording is sound and holds just the batches up to its position.
func sameAsPosition(db *DB, batches int64) error {
	_, offset, _, err := db.JournalPosition("j")
	if err != nil {
		return err
	}
	var sound string
	var differ int64
	err = db.read.QueryRow(`SELECT (SELECT integrity_check FROM pragma_integrity_check LIMIT 1),
		(SELECT count(*) FROM events) - (SELECT events FROM totals) + (SELECT count(*) FROM events) - (SELECT last_event FROM journals)`).Scan(&sound, &differ)
	if err != nil {
		return err
	}
	if offset != batches || sound != "ok" || differ != 0 {
		return fmt.Errorf("position %d of %d batches, integrity %s, events and sums differ by %d", offset, batches, sound, differ)
	}
	return nil
}
