package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

const second = int64(1e9)

// TestReclaims tells what a program did with a socket after production had reclaimed it.
func TestReclaims(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	run := startRun(t, db, "shop")
	e := func(k sandbox.Kind, socket, request uint64, at int64, more sandbox.Event) sandbox.Event {
		more.Kind, more.Socket, more.Request, more.At = k, socket, request, at
		return more
	}
	req := func(k sandbox.Kind, id uint64, at int64, r sandbox.RequestInfo) sandbox.Event {
		return sandbox.Event{Kind: k, Request: id, At: at, Req: &r}
	}
	idle := sandbox.Event{Rule: sandbox.RuleReclaimed, Duration: 121e9}
	pipe := sandbox.Event{Rule: sandbox.RuleReclaimed, Error: "write: broken pipe"}
	write(t, db, run,
		req(sandbox.KindRequestBegin, 1, 1, sandbox.RequestInfo{Method: "GET", URL: "/"}),
		e(sandbox.KindCreate, 1, 1, 10*second, sandbox.Event{Info: info}),
		e(sandbox.KindCreate, 2, 1, 11*second, sandbox.Event{Info: info}),
		e(sandbox.KindReclaim, 1, 1, 140*second, idle),
		e(sandbox.KindReclaim, 2, 1, 141*second, idle),
		e(sandbox.KindReceive, 1, 1, 11*second, sandbox.Event{Duration: 129e9, Error: "read: broken pipe"})) // it was waiting when the reclaim came
	write(t, db, run,
		req(sandbox.KindRequestBegin, 2, 150*second, sandbox.RequestInfo{Method: "POST", URL: "/sign"}),
		e(sandbox.KindSend, 1, 2, 150*second, pipe), e(sandbox.KindSend, 1, 2, 151*second, pipe),
		req(sandbox.KindRequestEnd, 2, 152*second, sandbox.RequestInfo{Status: 500}))
	got := must[[]record.Reclaim](t)(db.Reclaims(context.Background(), record.EventFilter{}))
	if len(got) != 2 || got[0].SocketID != 2 || got[1].SocketID != 1 {
		t.Fatalf("Reclaims = %+v, want sockets 2 and 1", got)
	}
	if r := got[0]; r.UsedAt != 0 || r.Uses != 0 || r.IdleNS != 121*second || r.Request != "GET /" || r.CallSite != info.CallSite {
		t.Errorf("reclaim of an untouched socket: %+v", r)
	}
	want := record.Reclaim{Event: got[1].Event, IdleNS: 121 * second, UsedAt: 150 * second, UsedKind: "send", UsedError: "write: broken pipe", UsedRequest: "POST /sign", UsedStatus: 500, Uses: 2}
	if got[1] != want {
		t.Errorf("reclaim of a used socket\n got %+v\nwant %+v", got[1], want)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	ctx := context.Background()
	run := startRun(t, db, "shop")
	for n := int64(1); n <= 6; n++ {
		write(t, db, run,
			sandbox.Event{Kind: sandbox.KindRequestBegin, Request: uint64(n), At: n * 10, Req: &sandbox.RequestInfo{Method: []string{"GET", "POST"}[n%2], URL: fmt.Sprintf("/page/%d_%%", n), RemoteAddr: "127.0.0.1:9", Proto: "HTTP/1.1"}},
			sandbox.Event{Kind: sandbox.KindRequestEnd, Request: uint64(n), At: n * 10, Duration: 7, Req: &sandbox.RequestInfo{Status: int(100*n) + 4, BytesIn: n, BytesOut: 2 * n}})
	}
	for _, tt := range []struct {
		f    record.RequestFilter
		want []int64
	}{
		{record.RequestFilter{}, []int64{6, 5, 4, 3, 2, 1}},
		{record.RequestFilter{Limit: 2}, []int64{6, 5}},
		{record.RequestFilter{Before: 3}, []int64{2, 1}},
		{record.RequestFilter{After: 4}, []int64{6, 5}},
		{record.RequestFilter{After: 2, Ascending: true, Limit: 2}, []int64{3, 4}},
		{record.RequestFilter{Method: "GET"}, []int64{6, 4, 2}},
		{record.RequestFilter{Status: 404}, []int64{4}},
		{record.RequestFilter{Status: 5}, []int64{5}},
		{record.RequestFilter{URL: "/3_%"}, []int64{3}},
		{record.RequestFilter{Since: 50}, []int64{6, 5}},
		{record.RequestFilter{App: "mail"}, nil},
		{record.RequestFilter{RunID: run, Limit: 1}, []int64{6}},
	} {
		var got []int64
		for _, r := range must[[]record.Request](t)(db.Requests(ctx, tt.f)) {
			got = append(got, r.ID)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("Requests(%+v) = %v, want %v", tt.f, got, tt.want)
		}
	}
	want := record.Request{ID: 2, RunID: run, App: "shop", StartedAt: 20, DurationNS: 7, Method: "GET", URL: "/page/2_%", Status: 204, BytesIn: 2, BytesOut: 4, RemoteAddr: "127.0.0.1:9", Proto: "HTTP/1.1"}
	if got := must[record.Request](t)(db.Request(ctx, 2)); got != want {
		t.Errorf("Request(2) = %+v, want %+v", got, want)
	}
	for what, err := range map[string]error{"Request": second1(db.Request(ctx, 77)), "Socket": second1(db.Socket(ctx, 77))} {
		if !errors.Is(err, record.ErrNotFound) {
			t.Errorf("%s of an unknown id = %v, want record.ErrNotFound", what, err)
		}
	}
	if s, r, err := db.MaxIDs(ctx); s != 0 || r != 6 || err != nil {
		t.Errorf("MaxIDs = %d, %d, %v, want 0, 6, nil", s, r, err)
	}
}

func second1[T any](_ T, err error) error { return err }

// TestRequestEndFirst reads a request's end before its beginning, as two journals may have it.
func TestRequestEndFirst(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	write(t, db, 0, sandbox.Event{Kind: sandbox.KindRequestEnd, Request: 1, At: 10, Duration: 5, Error: "panic: no", Req: &sandbox.RequestInfo{Status: 500}})
	write(t, db, 0, sandbox.Event{Kind: sandbox.KindRequestBegin, Request: 1, At: 10, Req: &sandbox.RequestInfo{Method: "GET", URL: "/x"}})
	want := record.Request{ID: 1, App: "shop", StartedAt: 10, DurationNS: 5, Method: "GET", URL: "/x", Status: 500, Error: "panic: no"}
	if got := must[record.Request](t)(db.Request(context.Background(), 1)); got != want {
		t.Errorf("request = %+v, want %+v", got, want)
	}
}

// TestActivity asks for use by buckets of several widths.
func TestActivity(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	run := startRun(t, db, "shop")
	at := func(socket uint64, at int64) sandbox.Event {
		return sandbox.Event{Kind: sandbox.KindSend, Socket: socket, At: at, Bytes: 10}
	}
	write(t, db, run, at(1, 10*second), at(1, 10*second+second/2), at(2, 10*second), at(3, 11*second))
	write(t, db, run, at(1, 10*second+second/4), at(1, 12*second), sandbox.Event{Kind: sandbox.KindOptionSet, Socket: 1, At: 13 * second}, sandbox.Event{Kind: sandbox.KindClose, Socket: 1, At: 14 * second})
	for _, tt := range []struct {
		f    record.ActivityFilter
		want []record.Activity
	}{
		{record.ActivityFilter{}, nil},
		{record.ActivityFilter{Sockets: []int64{1, 2}}, []record.Activity{{SocketID: 1, At: 10 * second, Operations: 3, Bytes: 30}, {SocketID: 1, At: 12 * second, Operations: 1, Bytes: 10}, {SocketID: 2, At: 10 * second, Operations: 1, Bytes: 10}}},
		{record.ActivityFilter{Sockets: []int64{1}, Step: 5 * second}, []record.Activity{{SocketID: 1, At: 10 * second, Operations: 4, Bytes: 40}}},
		{record.ActivityFilter{Sockets: []int64{1}, Since: 11 * second}, []record.Activity{{SocketID: 1, At: 12 * second, Operations: 1, Bytes: 10}}},
		{record.ActivityFilter{Sockets: []int64{1}, Step: second / 2}, []record.Activity{{SocketID: 1, At: 10 * second, Operations: 2, Bytes: 20}, {SocketID: 1, At: 10*second + second/2, Operations: 1, Bytes: 10}, {SocketID: 1, At: 12 * second, Operations: 1, Bytes: 10}}},
	} {
		if got := must[[]record.Activity](t)(db.Activity(context.Background(), tt.f)); !slices.Equal(got, tt.want) {
			t.Errorf("Activity(%+v)\n got %+v\nwant %+v", tt.f, got, tt.want)
		}
	}
}

// TestOpenOverTime counts open sockets at points of time.
func TestOpenOverTime(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	run := startRun(t, db, "shop")
	life := func(id uint64, opened, closed int64) {
		write(t, db, run, sandbox.Event{Kind: sandbox.KindCreate, Socket: id, At: opened})
		if closed != 0 {
			write(t, db, run, sandbox.Event{Kind: sandbox.KindClose, Socket: id, At: closed, Reason: sandbox.ReasonApp})
		}
	}
	life(1, 5, 0)
	life(2, 5, 15)
	life(3, 12, 18) // between two points
	life(4, 20, 40)
	life(5, 25, 0)
	life(6, 99, 0)
	life(7, 1, 10) // closed at the first point
	write(t, db, run, sandbox.Event{Kind: sandbox.KindDeny, Socket: 8, At: 20})
	for _, tt := range []struct {
		since, step int64
		n           int
		want        []int64
	}{
		{10, 10, 5, []int64{2, 2, 3, 2, 2}},
		{0, 5, 3, []int64{0, 3, 2}},
		{100, 10, 1, []int64{3}},
		{0, 0, 5, nil},
	} {
		if got := must[[]int64](t)(db.OpenOverTime(context.Background(), tt.since, tt.step, tt.n)); !slices.Equal(got, tt.want) {
			t.Errorf("OpenOverTime(%d, %d, %d) = %v, want %v", tt.since, tt.step, tt.n, got, tt.want)
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	ctx := context.Background()
	for n, app := range []string{"shop", "mail"} {
		err := db.Write(ctx, Batch{App: app, Events: []sandbox.Event{
			{Kind: sandbox.KindCreate, Socket: uint64(10*n + 1), At: 100},
			{Kind: sandbox.KindCreate, Socket: uint64(10*n + 2), At: 200},
			{Kind: sandbox.KindDeny, Socket: uint64(10*n + 3), At: 200}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		app   string
		since int64
		want  record.Counts
	}{
		{"", 0, record.Counts{Open: 4, Denied: 2, Denials: 2, Sockets: 6, Events: 6}},
		{"", 150, record.Counts{Open: 4, Idle: 2, Denied: 2, Denials: 2, Sockets: 6, Events: 6}},
		{"mail", 300, record.Counts{Open: 2, Idle: 2, Denied: 1, Denials: 1, Sockets: 3, Events: 3}},
		{"none", 300, record.Counts{}},
	} {
		if got := must[record.Counts](t)(db.AppCounts(ctx, tt.app, tt.since)); got != tt.want {
			t.Errorf("AppCounts(%q, %d) = %+v, want %+v", tt.app, tt.since, got, tt.want)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	ctx := context.Background()
	first := []record.QuotaUsage{{App: "shop", Resource: "connect", Window: "minute", WindowStart: 60, Used: 3, Limit: 5}, {App: "shop", Resource: "connect", Window: "day", Used: 9, Limit: -1}}
	then := []record.QuotaUsage{{App: "shop", Resource: "connect", Window: "minute", WindowStart: 120, Used: 1, Limit: 5}, {App: "mail", Resource: "send", Window: "day", Used: 2, Limit: 4}}
	for _, u := range [][]record.QuotaUsage{first, then} {
		if err := db.WriteUsage(ctx, u); err != nil {
			t.Fatal(err)
		}
	}
	want := []record.QuotaUsage{then[1], first[1], then[0]}
	if got := must[[]record.QuotaUsage](t)(db.Usage(ctx, "")); !slices.Equal(got, want) {
		t.Errorf("Usage = %+v, want %+v", got, want)
	}
	if got := must[[]record.QuotaUsage](t)(db.Usage(ctx, "mail")); !slices.Equal(got, want[:1]) {
		t.Errorf("Usage(mail) = %+v, want %+v", got, want[:1])
	}
}
