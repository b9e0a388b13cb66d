package storage

import (
	"strings"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// rowsPerInsert is how many events one INSERT takes: each statement has a price of its own, which many rows share.
const rowsPerInsert = 64

const (
	insertEvents = `INSERT INTO events (id, run_id, socket_id, request_id, at, kind, bytes, duration_ns, rule, error, detail) VALUES `
	eventValues  = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	eventColumns = 11
)

var insertMany = insertEvents + eventValues + strings.Repeat(", "+eventValues, rowsPerInsert-1)

// rowBuffer gathers rows of the table events until they fill a statement.
type rowBuffer struct {
	w    *writer
	args []any
}

func (r *rowBuffer) add(id, run int64, e *sandbox.Event) error {
	if r.args == nil {
		r.args = make([]any, 0, rowsPerInsert*eventColumns)
	}
	r.args = append(r.args, id, number(run), number(int64(e.Socket)), number(int64(e.Request)), e.At, e.Kind.String(),
		e.Bytes, int64(e.Duration), text(string(e.Rule)), text(e.Error), text(e.Detail))
	if len(r.args) < rowsPerInsert*eventColumns {
		return nil
	}
	_, err := r.w.exec(insertMany, r.args...)
	r.args = r.args[:0]
	return err
}

// flush adds what is left, row by row: a statement for each possible number of rows is not worth preparing.
func (r *rowBuffer) flush() error {
	for len(r.args) > 0 {
		if _, err := r.w.exec(insertEvents+eventValues, r.args[:eventColumns]...); err != nil {
			return err
		}
		r.args = r.args[eventColumns:]
	}
	return nil
}
