package main

import (
	"context"
	"fmt"
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

// TestRequestFeedLimit: what the limit has left out is not shown afterwards, however new it is.
func TestRequestFeedLimit(t *testing.T) {
	a := &arriving{}
	for id := range int64(2*pageSize + 3) {
		a.rows = append(a.rows, devserver.Request{ID: id + 1, StartedAt: id + 1, DurationNS: 1, Status: 200})
	}
	next := requestFeed(a, devserver.RequestFilter{}, 2, searchTeller{})
	for _, want := range []int{2, 0} {
		if rows, err := next(t.Context()); err != nil || len(rows) != want {
			t.Errorf("%d rows, %v, want %d", len(rows), err, want)
		}
	}
}

// held is a recording of these requests.
type held []devserver.Request

func (h held) SearchRequests(_ context.Context, f devserver.RequestFilter, _ time.Duration) (found devserver.Found[devserver.Request], err error) {
	for _, r := range slices.Backward(h) {
		if (f.Before == 0 || r.ID < f.Before) && r.ID > f.After && (f.Limit < 0 || len(found.Rows) < f.Limit) {
			found.Rows = append(found.Rows, r)
		}
	}
	return found, nil
}

func (h held) Request(_ context.Context, id int64) (devserver.Request, error) {
	if i := slices.IndexFunc(h, func(r devserver.Request) bool { return r.ID == id }); i >= 0 {
		return h[i], nil
	}
	return devserver.Request{}, devserver.ErrNotFound
}

// TestRequestFeedRemoved: a request that is removed while it is shown as served does not end the feed.
func TestRequestFeedRemoved(t *testing.T) {
	rec := held{{ID: 1, StartedAt: 1}}
	next := requestFeed(&rec, devserver.RequestFilter{}, 2, searchTeller{})
	for _, rows := range []held{rec, nil, {{ID: 2, StartedAt: 2}}} {
		rec = rows
		if got, err := next(t.Context()); err != nil || len(got) != len(rows) {
			t.Errorf("%d rows, %v, want %d", len(got), err, len(rows))
		}
	}
}

// TestRequestFeedLongServed: a request that began long before the feed is shown when it ends as the filter wants it.
func TestRequestFeedLongServed(t *testing.T) {
	const s = int64(time.Second)
	rec := held{{ID: 1, StartedAt: s}, {ID: 2, StartedAt: 100 * s}}
	next := requestFeed(&rec, devserver.RequestFilter{MinDuration: 30 * s}, 2, searchTeller{})
	next(t.Context())
	rec[0].DurationNS, rec[0].Status = 101*s, 200
	if got := ask(t, next, func(r devserver.Request) string { return fmt.Sprint(r.ID) }); got != "[1]" {
		t.Errorf("one ended after long: %s", got)
	}
}

// TestRequestFeedLateID: a request of another server's gets its id when it is answered, long after it began. It is shown then, and
// hides none that has begun meanwhile.
func TestRequestFeedLateID(t *testing.T) {
	const s = int64(time.Second)
	rec := held{{ID: 1, StartedAt: 100 * s, Status: 200}}
	next := requestFeed(&rec, devserver.RequestFilter{}, 2, searchTeller{})
	name := func(r devserver.Request) string { return fmt.Sprint(r.ID) }
	if got := ask(t, next, name); got != "[1]" {
		t.Errorf("at first: %s", got)
	}
	rec = append(rec, devserver.Request{ID: 2, StartedAt: 101 * s, Status: 200}, devserver.Request{ID: 3, StartedAt: 50 * s, Status: 200})
	if got := ask(t, next, name); got != "[2 3]" {
		t.Errorf("one began, and one that had begun long before was answered: %s, want both", got)
	}
	if got := ask(t, next, name); got != "[]" {
		t.Errorf("nothing happened: %s", got)
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
