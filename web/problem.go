package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// A problem is an error that a person is told: the status, what is the matter, and the way out.
type problem struct {
	Status int
	Title  string
	Text   string
}

func (p *problem) Error() string { return p.Text }

func problemf(status int, title, format string, args ...any) *problem {
	return &problem{Status: status, Title: title, Text: fmt.Sprintf(format, args...)}
}

var (
	errNeedsToken = problemf(http.StatusUnauthorized, "The token, please",
		"This needs the token that stands in control.json in devserver's data directory: as \"Authorization: Bearer TOKEN\", "+
			"or in a browser once as ?token=TOKEN behind the address.")
	errWrongToken = problemf(http.StatusUnauthorized, "Wrong token",
		"That is not the token of this devserver. The right one stands in control.json in its data directory; each start makes a new one.")
)

// asProblem says what a person is told of err. An error that is no problem is internal: its text goes to the log only.
func asProblem(err error) (p *problem, internal bool) {
	switch {
	case errors.As(err, &p):
		return p, false
	case errors.Is(err, record.ErrNotFound):
		return problemf(http.StatusNotFound, "Not in this recording", "There is nothing here by that number. It may have been in another recording."), false
	case errors.Is(err, context.Canceled):
		return problemf(499, "Gone", "The request was given up."), false
	case errors.Is(err, context.DeadlineExceeded):
		return problemf(http.StatusServiceUnavailable, "That took too long", "The recording did not answer in time. Try again, or ask for less: since:1m is quick."), true
	}
	return problemf(http.StatusInternalServerError, "Something is wrong inside devserver",
		"The recording could not be read. The terminal in which devserver runs has the details."), true
}
