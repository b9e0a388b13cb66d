package storage

import (
	"context"
	"errors"
)

// Snapshot returns the recording as it is now: whatever is written meanwhile, all its queries see the same rows. It reads
// only, and takes one of the connections for reading until it is closed, which comes before the Close of db. While it is
// open the write-ahead log cannot begin anew and grows by all that is written: close it soon.
func (db *DB) Snapshot(ctx context.Context) (*DB, error) {
	if db.closed.Load() {
		return nil, db.explain("snapshot", ErrClosed)
	}
	conn, err := db.read.Conn(ctx)
	if err != nil {
		return nil, db.explain("snapshot", err)
	}
	snap := &DB{path: db.path, newest: db.newest, snapshot: conn}
	_, err = conn.ExecContext(ctx, "BEGIN")
	if err == nil {
		var n int
		err = conn.QueryRowContext(ctx, "SELECT count(*) FROM sequence").Scan(&n) // the first read chooses the moment
	}
	if err != nil {
		return nil, db.explain("snapshot", errors.Join(err, snap.endSnapshot()))
	}
	return snap, nil
}

// endSnapshot gives the connection back as it was.
func (db *DB) endSnapshot() error {
	kept := db.statements.close()
	_, err := db.snapshot.ExecContext(context.Background(), "ROLLBACK")
	if code(err) == codeError { // the transaction did not begin, or ended by an error of its own
		err = nil
	}
	return errors.Join(kept, err, db.snapshot.Close())
}
