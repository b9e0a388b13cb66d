package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
)

// JournalPosition tells up to where the journal of that name is held: reading goes on there. ok is false when nothing of
// it is.
func (db *DB) JournalPosition(name string) (segment, offset int64, ok bool, err error) {
	pool, err := db.reader()
	if err != nil {
		return 0, 0, false, db.explain("journal position", err)
	}
	err = pool.QueryRowContext(context.Background(), `SELECT segment, "offset" FROM journals WHERE name = ?`, name).Scan(&segment, &offset)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, false, nil
	}
	return segment, offset, err == nil, db.explain("journal position", err)
}

// ForgetJournal drops the position of a journal whose files are deleted. A journal that is not known is fine.
func (db *DB) ForgetJournal(name string) error {
	return db.update("forget journal", func(w *writer) error {
		_, err := w.exec(`DELETE FROM journals WHERE name = ?`, name)
		return err
	})
}

// ForgetJournalsBut drops the positions of all journals but these: of those whose files were deleted by a process that was killed
// before it had said so.
func (db *DB) ForgetJournalsBut(names []string) error {
	return db.update("forget journals", func(w *writer) error {
		list, err := json.Marshal(append([]string{}, names...))
		if err == nil {
			_, err = w.exec(`DELETE FROM journals WHERE name NOT IN (SELECT value FROM json_each(?))`, string(list))
		}
		return err
	})
}
