package storage

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxStatements bounds what is kept: the questions have a few dozen texts. What comes behind them is prepared each time.
const maxStatements = 64

// statements are prepared once for each connection and kept until the recording is closed. SQLite prepares one anew by
// itself where the schema has changed. The zero value is ready.
type statements struct {
	mu  sync.Mutex
	all map[string]*sql.Stmt // guarded by mu
}

// get returns the statement of a query, nil when no more are kept.
func (s *statements) get(ctx context.Context, pool queryer, q string) (*sql.Stmt, error) {
	s.mu.Lock()
	kept, full := s.all[q], len(s.all) >= maxStatements
	s.mu.Unlock()
	if kept != nil || full {
		return kept, nil
	}
	fresh, err := pool.PrepareContext(ctx, q) // without the lock: it may wait for a connection
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.all[q]; kept != nil { // another was faster
		return kept, fresh.Close()
	}
	if s.all == nil {
		s.all = map[string]*sql.Stmt{}
	}
	s.all[q] = fresh
	return fresh, nil
}

// close lets go of all that is kept.
func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, stmt := range s.all {
		errs = append(errs, stmt.Close())
	}
	s.all = nil
	return errors.Join(errs...)
}
