package storage

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// TestRequestSockets compares what is told of requests' sockets with what their events say.
func TestRequestSockets(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	history(t, db, rand.New(rand.NewPCG(4, 1)))
	ctx := context.Background()
	type use struct{ request, socket, from, until int64 }
	var want []use
	events := map[int64]int64{}
	var asked []int64
	for id := int64(1); id < 17; id++ {
		asked = append(asked, id)
		for _, e := range must[[]record.Event](t)(db.Events(ctx, record.EventFilter{RequestID: id, Ascending: true, Limit: -1})) {
			events[id]++
			i := slices.IndexFunc(want, func(u use) bool { return u.request == id && u.socket == e.SocketID })
			if i < 0 && e.SocketID != 0 {
				i = len(want)
				want = append(want, use{id, e.SocketID, e.At, e.At})
			}
			if i >= 0 {
				want[i].until = e.At
			}
		}
	}
	for _, most := range []int{1, 3, 1000} {
		var short []use
		counted := map[int64]int64{}
		for _, u := range want {
			if counted[u.request]++; counted[u.request] <= int64(most) {
				short = append(short, u)
			}
		}
		var got []use
		for _, s := range must[[]record.RequestSocket](t)(db.RequestSockets(ctx, asked, most)) {
			got = append(got, use{s.UsedBy, s.ID, s.UsedFrom, s.UsedUntil})
			if plain := must[record.Socket](t)(db.Socket(ctx, s.ID)); plain != s.Socket {
				t.Fatalf("socket %d of a request is %+v, want %+v", s.ID, s.Socket, plain)
			}
		}
		if !slices.Equal(got, short) {
			t.Fatalf("RequestSockets(at most %d)\n got %v\nwant %v", most, got, short)
		}
		for _, u := range must[[]record.RequestUse](t)(db.RequestUses(ctx, asked, most)) {
			if u.Sockets != min(counted[u.RequestID], int64(most)) {
				t.Errorf("RequestUses(at most %d) = %+v, want %d", most, u, counted[u.RequestID])
			}
		}
	}
	for id, n := range events {
		if got := must[int64](t)(db.CountRequestEvents(ctx, id, 0, 1000)); got != n {
			t.Errorf("request %d has %d events, want %d", id, got, n)
		}
		if got := must[int64](t)(db.CountRequestEvents(ctx, id, 0, 2)); got != min(n, 2) {
			t.Errorf("request %d has %d events up to 2", id, got)
		}
	}
}

// TestRequestsByHostAndRule finds requests by what they did on their sockets.
func TestRequestsByHostAndRule(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	run := startRun(t, db, "shop")
	begin := func(id uint64) sandbox.Event {
		return sandbox.Event{At: int64(id), Kind: sandbox.KindRequestBegin, Request: id, Req: &sandbox.RequestInfo{Method: "GET", URL: "/"}}
	}
	on := func(id uint64, kind sandbox.Kind, host string, rule sandbox.Rule) sandbox.Event {
		return sandbox.Event{At: int64(id), Kind: kind, Request: id, Socket: id, Rule: rule, Info: &sandbox.Info{Network: "tcp", Host: host, Remote: "93.184.216.34:25"}}
	}
	write(t, db, run, begin(1), begin(2), begin(3), on(1, sandbox.KindConnect, "db_1", ""), on(2, sandbox.KindDeny, "mail", sandbox.RulePort25))
	for _, tt := range []struct {
		f    record.RequestFilter
		want string
	}{
		{record.RequestFilter{Host: "db_"}, "1"},
		{record.RequestFilter{Host: "93.184"}, "21"},
		{record.RequestFilter{Rule: "port25"}, "2"},
		{record.RequestFilter{Rule: "port25", Host: "db"}, ""},
		{record.RequestFilter{}, "321"},
	} {
		var got strings.Builder
		for _, r := range must[[]record.Request](t)(db.Requests(context.Background(), tt.f)) {
			got.WriteByte(byte('0' + r.ID))
		}
		if got.String() != tt.want {
			t.Errorf("Requests(%+v) = %s, want %s", tt.f, got.String(), tt.want)
		}
	}
}
