package main

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// failure is an error in the words of the page.
type failure struct {
	Denied  bool   // production forbids it
	Error   string // what Go said
	Meaning string
}

// explain says what an error of a connection means; nil for nil.
func explain(err error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{Error: err.Error()}
	var noName *net.DNSError
	switch {
	case errors.Is(err, syscall.EACCES):
		f.Denied, f.Meaning = true, "Production does not let an app make this connection."
	case errors.As(err, &noName):
		f.Meaning = "No such machine. The names of this example exist only where devserver's stand-ins serve them: " +
			"start it with “go run ./cmd/devserver run ./examples/guestbook”."
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Meaning = "Nobody listens there."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		f.Meaning = "No answer in time."
	default:
		f.Meaning = "The connection broke."
	}
	return f
}
