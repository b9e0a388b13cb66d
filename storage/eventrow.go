package storage

import (
	"fmt"
	"strings"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// An INSERT has a price of its own and one for each value it binds, so events are added many at a time, and what can
// be said in the statement's text is not bound: the run (?1), the ids, which follow one another (?2), and the words for
// the kinds. Events of two shapes take turns in the journal: most have no words, and for them three NULLs are not bound.
const (
	insertPlain = `INSERT INTO events (run_id, id, socket_id, request_id, at, kind, bytes, duration_ns) VALUES `
	insertWords = `INSERT INTO events (run_id, id, socket_id, request_id, at, kind, bytes, duration_ns, rule, error, detail) VALUES `
	perPlain    = 6 // values bound for each event
	perWords    = 9
)

// rowsPerInsert are the numbers of events for which there is a statement.
var rowsPerInsert = [...]int{64, 8, 1}

// shape is the statements for one kind of event rows.
type shape struct {
	bound int // values of each row
	texts [len(rowsPerInsert)]string
}

var plain, words = newShape(insertPlain, perPlain, ""), newShape(insertWords, perWords, ", ?, ?, ?")

func newShape(insert string, bound int, tail string) *shape {
	var kinds strings.Builder
	kinds.WriteString("CASE ?")
	for _, k := range []sandbox.Kind{sandbox.KindSend, sandbox.KindReceive} { // asked first: most events are these
		fmt.Fprintf(&kinds, " WHEN %d THEN '%v'", k, k)
	}
	for k := sandbox.KindResolve; k < sandbox.KindRequestBegin; k++ {
		if k != sandbox.KindSend && k != sandbox.KindReceive {
			fmt.Fprintf(&kinds, " WHEN %d THEN '%v'", k, k)
		}
	}
	fmt.Fprintf(&kinds, " ELSE '%v' END", sandbox.KindNone)
	s := &shape{bound: bound}
	for i, n := range rowsPerInsert {
		rows := make([]string, n)
		for k := range rows {
			rows[k] = fmt.Sprintf("(?1, ?2 + %d, ?, ?, ?, %s, ?, ?%s)", k, kinds.String(), tail)
		}
		s.texts[i] = insert + strings.Join(rows, ", ")
	}
	return s
}

// rowBuffer gathers rows of the table events that have one shape and ids that follow one another.
type rowBuffer struct {
	w     *writer
	run   any
	shape *shape
	first int64 // id of the first row
	rows  int
	args  []any // the first two are the statement's, then those of each row
}

func (r *rowBuffer) add(id int64, e *sandbox.Event) error {
	s := plain
	if e.Rule != "" || e.Error != "" || e.Detail != "" {
		s = words
	}
	if r.rows > 0 && (s != r.shape || r.rows == rowsPerInsert[0]) {
		if err := r.flush(); err != nil {
			return err
		}
	}
	if r.rows == 0 {
		r.shape, r.first = s, id
		r.args = append(r.args[:0], r.run, id)
	}
	r.rows++
	r.args = append(r.args, number(int64(e.Socket)), number(int64(e.Request)), e.At, int64(e.Kind), e.Bytes, int64(e.Duration))
	if s == words {
		r.args = append(r.args, text(string(e.Rule)), text(e.Error), text(e.Detail))
	}
	return nil
}

// flush adds the rows, in as few statements as there are for their number.
func (r *rowBuffer) flush() error {
	for i, n := range rowsPerInsert {
		for ; r.rows >= n; r.rows -= n {
			used := 2 + n*r.shape.bound
			if _, err := r.w.exec(r.shape.texts[i], r.args[:used]...); err != nil {
				return err
			}
			r.first += int64(n)
			// What is left moves behind the statement's own two values.
			r.args = append(append(r.args[:0], r.run, r.first), r.args[used:]...)
		}
	}
	return nil
}
