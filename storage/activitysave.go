package storage

import (
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// use is what one socket did in one second.
type use struct{ at, operations, bytes int64 }

// bucket is the width of a row of the table activity.
const bucket = int64(time.Second)

// noteUse adds an operation to the second in which it ended. Seconds out of order make a row more; the table merges them.
func noteUse(u []use, e *sandbox.Event) []use {
	at := floor(ended(e), bucket)
	if n := len(u); n == 0 || u[n-1].at != at {
		u = append(u, use{at: at})
	}
	last := &u[len(u)-1]
	last.operations++
	last.bytes += e.Bytes
	return u
}

// floor rounds t down to a multiple of step.
func floor(t, step int64) int64 {
	if r := t % step; r < 0 {
		return t - r - step
	} else {
		return t - r
	}
}

func (s *socketRow) saveUse(w *writer) error {
	for _, u := range s.activity {
		_, err := w.exec(`INSERT INTO activity (socket_id, at, operations, bytes) VALUES (?, ?, ?, ?)
			ON CONFLICT (socket_id, at) DO UPDATE SET operations = operations + excluded.operations, bytes = bytes + excluded.bytes`,
			s.ID, u.at, u.operations, u.bytes)
		if err != nil {
			return err
		}
	}
	return nil
}
