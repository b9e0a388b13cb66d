package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver"
)

// arriving is a recording to which a request comes after each of the first questions.
type arriving struct{ rows []devserver.Request }

func (a *arriving) SearchRequests(_ context.Context, f devserver.RequestFilter, _ time.Duration) (found devserver.Found[devserver.Request], err error) {
	for _, r := range slices.Backward(a.rows) {
		if (f.Before == 0 || r.ID < f.Before) && r.ID > f.After && (f.Limit < 0 || len(found.Rows) < f.Limit) {
			found.Rows = append(found.Rows, r)
		}
	}
	if n := int64(len(a.rows)); n < 5 {
		a.rows = append(a.rows, devserver.Request{ID: n + 1, StartedAt: n + 1, DurationNS: 1, Status: 200})
	}
	return found, nil
}

func (a *arriving) Request(context.Context, int64) (devserver.Request, error) {
	panic("all have ended")
}

// TestRequestFeed: whenever a request comes, it is told, and once.
func TestRequestFeed(t *testing.T) {
	next := requestFeed(new(arriving), devserver.RequestFilter{}, everything, searchTeller{})
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

// stoppingRequests searches in steps of one request, and is interrupted after some.
type stoppingRequests struct {
	arriving
	steps  int
	cancel func()
}

func (s *stoppingRequests) SearchRequests(ctx context.Context, f devserver.RequestFilter, within time.Duration) (devserver.Found[devserver.Request], error) {
	if s.steps--; s.steps < 0 {
		s.cancel()
		return devserver.Found[devserver.Request]{}, ctx.Err()
	}
	f.Limit = 1
	found, err := s.arriving.SearchRequests(ctx, f, within)
	if len(found.Rows) == 1 {
		found.Rest, found.RestAt = found.Rows[0].ID, found.Rows[0].StartedAt
	}
	return found, err
}

// TestRequestSearch: a search in many steps gives the newest requests in order, up to its limit, and one that is interrupted what it has and
// where to go on.
func TestRequestSearch(t *testing.T) {
	rows := make([]devserver.Request, 9)
	for i := range rows {
		rows[i] = devserver.Request{ID: int64(i + 1), StartedAt: int64(i + 1)}
	}
	ids := func(rows []devserver.Request) (ids []int64) {
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return ids
	}
	got, err := newestRequests(t.Context(), &stoppingRequests{arriving{rows}, 100, nil}, devserver.RequestFilter{Before: 8}, 3, searchTeller{})
	if want := []int64{5, 6, 7}; err != nil || !slices.Equal(ids(got), want) {
		t.Errorf("the newest 3 before 8 are %v, %v; want %v", ids(got), err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var said strings.Builder
	got, err = newestRequests(ctx, &stoppingRequests{arriving{rows}, 2, cancel}, devserver.RequestFilter{}, everything, searchTeller{w: &said})
	if want := []int64{8, 9}; err != nil || !slices.Equal(ids(got), want) || !strings.Contains(said.String(), "--before 8 goes on from there") {
		t.Errorf("an interrupted search gives %v, %v, and says %q; want %v and where to go on", ids(got), err, said.String(), want)
	}
}
