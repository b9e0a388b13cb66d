package main

import (
	"context"
	"slices"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver"
)

// arriving is a recording to which a request comes after each of the first questions.
type arriving struct{ rows []devserver.Request }

func (a *arriving) Requests(_ context.Context, f devserver.RequestFilter) ([]devserver.Request, error) {
	var found []devserver.Request
	for _, r := range slices.Backward(a.rows) {
		if f.Before == 0 || r.ID < f.Before {
			found = append(found, r)
		}
	}
	if n := int64(len(a.rows)); n < 5 {
		a.rows = append(a.rows, devserver.Request{ID: n + 1, StartedAt: n + 1, DurationNS: 1, Status: 200})
	}
	return found[:min(len(found), f.Limit)], nil
}

func (a *arriving) Request(context.Context, int64) (devserver.Request, error) {
	panic("all have ended")
}

// TestRequestFeed: whenever a request comes, it is told, and once.
func TestRequestFeed(t *testing.T) {
	next := requestFeed(new(arriving), devserver.RequestFilter{}, everything, 0)
	var told []int64
	for range 8 {
		rows, err := next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			told = append(told, r.ID)
		}
	}
	if want := []int64{1, 2, 3, 4, 5}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}
