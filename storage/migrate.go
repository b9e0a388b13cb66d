package storage

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"os"
)

//go:embed migrations/*.sql
var embedded embed.FS

// applicationID marks a SQLite file as a recording (PRAGMA application_id): "devs" in ASCII.
const applicationID = 0x64657673

// migrations are the steps of the schema in their order: step n brings a file of version n-1 to version n.
type migrations struct {
	files fs.FS
	names []string
}

func schema() (migrations, error) {
	files, err := fs.Sub(embedded, "migrations")
	if err != nil {
		return migrations{}, err
	}
	names, err := fs.Glob(files, "*.sql")
	return migrations{files, names}, err
}

// heading is what a SQLite file says of itself before its tables are looked at.
type heading struct{ application, version, tables int }

func readHeading(ctx context.Context, conn *sql.Conn) (h heading, err error) {
	const q = `SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_schema)`
	err = conn.QueryRowContext(ctx, q).Scan(&h.application, &h.version, &h.tables)
	return h, err
}

// check refuses what this program must not touch. A file without any table is a new recording.
func (h heading) check(path string, known int) error {
	switch {
	case h.application != applicationID && h.tables > 0:
		return &ForeignError{Path: path}
	case h.version > known:
		return &VersionError{Path: path, Found: h.version, Known: known}
	}
	return nil
}

// migrate brings the file to the newest version: an old one by steps, each in a transaction of its own, a new one at once. Two that start at once
// wait for each other: the version is read again inside the transaction.
func (m migrations) migrate(ctx context.Context, conn *sql.Conn, path string) error {
	h, err := readHeading(ctx, conn)
	if err != nil {
		return err
	}
	if err := h.check(path, len(m.names)); err != nil {
		return err
	}
	if h.version > 0 && h.version < len(m.names) {
		if err := backup(ctx, conn, path, h.version); err != nil {
			return fmt.Errorf("back up before migrating: %w", err)
		}
	}
	if h.version == 0 { // whole at once, so that another one never takes it for an old file
		return transact(ctx, conn, func() error { return m.steps(ctx, conn, 0) })
	}
	for n := h.version; n < len(m.names); n++ {
		if err := transact(ctx, conn, func() error { return m.step(ctx, conn, n) }); err != nil {
			return fmt.Errorf("%s: %w", m.names[n], err)
		}
	}
	return nil
}

// steps applies all from names[n] on.
func (m migrations) steps(ctx context.Context, conn *sql.Conn, n int) error {
	for ; n < len(m.names); n++ {
		if err := m.step(ctx, conn, n); err != nil {
			return fmt.Errorf("%s: %w", m.names[n], err)
		}
	}
	return nil
}

// step applies names[n], inside a transaction, unless another process has done so meanwhile.
func (m migrations) step(ctx context.Context, conn *sql.Conn, n int) error {
	text, err := fs.ReadFile(m.files, m.names[n])
	if err != nil {
		return err
	}
	h, err := readHeading(ctx, conn)
	if err != nil || h.version > n {
		return err
	}
	if _, err := conn.ExecContext(ctx, string(text)); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, n+1))
	return err
}

// backup copies the file beside itself, as recording.db.schema-2, before its schema changes.
func backup(ctx context.Context, conn *sql.Conn, path string, version int) error {
	to := fmt.Sprintf("%s.schema-%d", path, version)
	part := to + ".part"
	if err := os.Remove(part); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := createPrivate(part); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return err
	}
	return os.Rename(part, to)
}

// transact runs f in a transaction that is written whole or not at all.
func transact(ctx context.Context, conn *sql.Conn, f func() error) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	done := false
	defer func() {
		if !done { // SQLite may have rolled back by itself already; then this says so and changes nothing
			conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	if err := f(); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	done = true
	return nil
}
