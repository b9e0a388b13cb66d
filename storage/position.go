package storage

import (
	"context"
	"database/sql"
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
