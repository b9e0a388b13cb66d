package storage

import "github.com/seed-d81df0db/devserver/sandbox"

// totals are what a change adds to an app's row of the table totals.
type totals struct {
	sockets                                 int64
	open, closed, reclaimed, denied, failed int64
	denials, events, sent, received         int64
}

func (t *totals) count(e *sandbox.Event) {
	t.events++
	switch e.Kind {
	case sandbox.KindDeny:
		t.denials++
	case sandbox.KindSend:
		t.sent += e.Bytes
	case sandbox.KindReceive:
		t.received += e.Bytes
	}
}

// moved notes that a socket's state changed; before is "" for a new one.
func (t *totals) moved(before, after string) {
	if before == "" {
		t.sockets++
	}
	*t.of(before)--
	*t.of(after)++
}

func (t *totals) of(state string) *int64 {
	switch state {
	case stateOpen:
		return &t.open
	case stateClosed:
		return &t.closed
	case stateReclaimed:
		return &t.reclaimed
	case stateDenied:
		return &t.denied
	case stateFailed:
		return &t.failed
	}
	return new(int64)
}

func (t *totals) save(w *writer, app string) error {
	if *t == (totals{}) {
		return nil
	}
	_, err := w.exec(`INSERT INTO totals (app, sockets, open, closed, reclaimed, denied, failed, denials, events, bytes_sent, bytes_received)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (app) DO UPDATE SET sockets = sockets + excluded.sockets,
		open = open + excluded.open, closed = closed + excluded.closed, reclaimed = reclaimed + excluded.reclaimed,
		denied = denied + excluded.denied, failed = failed + excluded.failed, denials = denials + excluded.denials,
		events = events + excluded.events, bytes_sent = bytes_sent + excluded.bytes_sent, bytes_received = bytes_received + excluded.bytes_received`,
		app, t.sockets, t.open, t.closed, t.reclaimed, t.denied, t.failed, t.denials, t.events, t.sent, t.received)
	return err
}
