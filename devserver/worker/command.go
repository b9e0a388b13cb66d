package worker

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/wire"
)

// SetClock moves the sandbox's clock of the process. It returns when all that fell due is done.
func (w *Worker) SetClock(ctx context.Context, offset time.Duration) error {
	return w.do(ctx, wire.Message{Type: wire.Clock, Offset: offset})
}

// CloseSocket closes a socket of the process by hand.
func (w *Worker) CloseSocket(ctx context.Context, id uint64) error {
	return w.do(ctx, wire.Message{Type: wire.CloseSocket, Socket: id})
}

// do sends a command and waits for its Done. ErrGone means that the process ended first.
func (w *Worker) do(ctx context.Context, m wire.Message) error {
	answer := make(chan error, 1)
	w.mu.Lock()
	w.lastID++
	m.ID = w.lastID
	w.commands[m.ID] = answer
	w.mu.Unlock()
	defer w.forget(m.ID)

	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := w.control.Write(append(line, '\n')); err != nil {
		return ErrGone
	}
	select {
	case err := <-answer:
		return err
	case <-w.gone:
		return ErrGone
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *Worker) forget(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.commands, id)
}

// answer gives a Done to the command that waits for it, if it still does.
func (w *Worker) answer(m wire.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	answer := w.commands[m.ID]
	if answer == nil {
		return
	}
	delete(w.commands, m.ID)
	if m.Error != "" {
		answer <- errors.New(m.Error)
		return
	}
	answer <- nil
}
