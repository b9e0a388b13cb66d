package storage

import (
	"context"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// Short names for the events of a socket. Times are set by the test: one event each 10 ns, 2 ns long.
var (
	info    = &sandbox.Info{Network: "tcp", Host: "db.example.com", Remote: "93.184.216.34:5432", CallSite: "db.go:7"}
	create  = sandbox.Event{Kind: sandbox.KindCreate, Info: info, Request: 3}
	connect = sandbox.Event{Kind: sandbox.KindConnect}
	refused = sandbox.Event{Kind: sandbox.KindConnect, Error: "connect: connection refused"}
	send    = sandbox.Event{Kind: sandbox.KindSend, Bytes: 5, Request: 4}
	receive = sandbox.Event{Kind: sandbox.KindReceive, Bytes: 7}
	broken  = sandbox.Event{Kind: sandbox.KindSend, Rule: sandbox.RuleReclaimed, Error: "write: broken pipe"}
	reclaim = sandbox.Event{Kind: sandbox.KindReclaim, Rule: sandbox.RuleReclaimed, Reason: sandbox.ReasonReclaimed}
	byApp   = sandbox.Event{Kind: sandbox.KindClose, Reason: sandbox.ReasonApp}
	byPeer  = sandbox.Event{Kind: sandbox.KindClose, Reason: sandbox.ReasonPeer}
	byHand  = sandbox.Event{Kind: sandbox.KindClose, Reason: sandbox.ReasonConsole}
	accept  = sandbox.Event{Kind: sandbox.KindAccept}
	resolve = sandbox.Event{Kind: sandbox.KindResolve, Detail: "93.184.216.34"}
	denied  = sandbox.Event{Kind: sandbox.KindDeny, Rule: sandbox.RulePort25, Error: "connect: permission denied",
		Info: &sandbox.Info{Network: "tcp", Host: "smtp.example.com", Remote: "93.184.216.9:25", CallSite: "mail.go:9"}}
)

var socketStates = []struct {
	name   string
	events []sandbox.Event
	want   record.Socket // ID, RunID, App and the texts of info are filled in by the test
}{
	{"created", []sandbox.Event{create}, record.Socket{State: "open", LastAt: 12}},
	{"accepted", []sandbox.Event{accept}, record.Socket{State: "open", LastAt: 12}},
	{"first heard of while sending", []sandbox.Event{send}, record.Socket{State: "open", LastAt: 12, Sends: 1, BytesSent: 5}},
	{"connected", []sandbox.Event{create, connect}, record.Socket{State: "open", LastAt: 22}},
	{"used", []sandbox.Event{create, connect, send, receive, send}, record.Socket{State: "open", LastAt: 52, Sends: 2, BytesSent: 10, Receives: 1, BytesReceived: 7}},
	{"refused", []sandbox.Event{create, refused}, record.Socket{State: "failed", ClosedAt: 22, LastAt: 22}},
	{"refused, then closed", []sandbox.Event{create, refused, byApp}, record.Socket{State: "failed", ClosedAt: 22, LastAt: 22}},
	{"refused, then connected", []sandbox.Event{create, refused, connect}, record.Socket{State: "open", LastAt: 32}},
	{"closed", []sandbox.Event{create, connect, byApp}, record.Socket{State: "closed", CloseReason: "app", ClosedAt: 32, LastAt: 22}},
	{"closed after the peer", []sandbox.Event{create, byPeer}, record.Socket{State: "closed", CloseReason: "peer", ClosedAt: 22, LastAt: 12}},
	{"closed by hand", []sandbox.Event{create, byHand}, record.Socket{State: "closed", CloseReason: "console", ClosedAt: 22, LastAt: 12}},
	{"closed twice", []sandbox.Event{create, byPeer, byApp}, record.Socket{State: "closed", CloseReason: "peer", ClosedAt: 22, LastAt: 12}},
	{"closed, then reclaimed", []sandbox.Event{create, byApp, reclaim}, record.Socket{State: "closed", CloseReason: "app", ClosedAt: 22, LastAt: 12}},
	{"reclaimed", []sandbox.Event{create, connect, reclaim}, record.Socket{State: "reclaimed", CloseReason: "reclaimed", ClosedAt: 30, LastAt: 22}},
	{"reclaimed, then closed", []sandbox.Event{create, reclaim, byApp}, record.Socket{State: "reclaimed", CloseReason: "reclaimed", ClosedAt: 20, LastAt: 12}},
	{"reclaimed, then used", []sandbox.Event{create, reclaim, broken}, record.Socket{State: "reclaimed", CloseReason: "reclaimed", ClosedAt: 20, LastAt: 12, Sends: 1}},
	{"denied", []sandbox.Event{denied}, record.Socket{State: "denied", Rule: "port25", ClosedAt: 10, LastAt: 10}},
	{"denied, then closed", []sandbox.Event{denied, byApp}, record.Socket{State: "denied", Rule: "port25", ClosedAt: 10, LastAt: 10}},
	{"denied when open", []sandbox.Event{create, denied}, record.Socket{State: "open", LastAt: 12}},
	{"denied when reclaimed", []sandbox.Event{create, reclaim, denied}, record.Socket{State: "reclaimed", CloseReason: "reclaimed", ClosedAt: 20, LastAt: 12}},
	{"a fault and options are no use", []sandbox.Event{create, {Kind: sandbox.KindFault}, {Kind: sandbox.KindOptionSet}, {Kind: sandbox.KindOptionGet}}, record.Socket{State: "open", LastAt: 12}},
}

// TestSocketState holds the rules by which events change a socket's row, whether they come in one batch or each in
// its own.
func TestSocketState(t *testing.T) {
	t.Parallel()
	for _, tt := range socketStates {
		for _, way := range []string{"one batch", "single batches"} {
			t.Run(tt.name+", "+way, func(t *testing.T) {
				t.Parallel()
				db := openTemp(t)
				run := startRun(t, db, "shop")
				events := timed(tt.events)
				if way == "one batch" {
					write(t, db, run, events...)
				} else {
					for _, e := range events {
						write(t, db, run, e)
					}
				}
				want := tt.want
				want.ID, want.RunID, want.App, want.OpenedAt, want.RequestID = 9, run, "shop", 10, int64(events[0].Request)
				if i := events[0].Info; i != nil {
					want.Network, want.Host, want.RemoteAddr, want.CallSite = i.Network, i.Host, i.Remote, i.CallSite
				}
				got := must[record.Socket](t)(db.Socket(context.Background(), 9))
				want.FirstEvent, want.LastEvent = 1, int64(len(events))
				want.UsedEvent, want.Uses = got.UsedEvent, got.Uses // TestReclaims tells of these
				if got != want {
					t.Errorf("socket after %s\n got %+v\nwant %+v", tt.name, got, want)
				}
				checkTotals(t, db)
			})
		}
	}
}

// timed gives the events socket 9 and their times.
func timed(events []sandbox.Event) []sandbox.Event {
	out := make([]sandbox.Event, len(events))
	for i, e := range events {
		e.Socket, e.At, e.Duration = 9, int64(10*(i+1)), 2
		if e.Kind == sandbox.KindDeny {
			e.Duration = 0
		}
		out[i] = e
	}
	return out
}

// TestInfoFills says which of what events know about a socket its row keeps.
func TestInfoFills(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	run := startRun(t, db, "shop")
	event := func(k sandbox.Kind, i sandbox.Info) sandbox.Event {
		return sandbox.Event{Kind: k, Socket: 1, At: 10, Info: &i}
	}
	write(t, db, run, event(sandbox.KindCreate, sandbox.Info{Network: "udp"}))
	write(t, db, run,
		event(sandbox.KindBind, sandbox.Info{Local: "0.0.0.0:5000"}),
		event(sandbox.KindSend, sandbox.Info{Remote: "93.184.216.34:53", Standin: "127.0.0.1:5353"}),
		event(sandbox.KindSend, sandbox.Info{Remote: "93.184.216.35:53"}),                                    // the newest destination
		event(sandbox.KindDeny, sandbox.Info{Remote: "10.0.0.1:53", Host: "in.example", CallSite: "a.go:1"})) // where it did not get
	want := record.Socket{ID: 1, RunID: run, App: "shop", Network: "udp", RemoteAddr: "93.184.216.35:53", LocalAddr: "0.0.0.0:5000",
		Standin: "127.0.0.1:5353", OpenedAt: 10, State: "open", Sends: 2, CallSite: "a.go:1", LastAt: 10}
	want.FirstEvent, want.LastEvent = 1, 5
	if got := must[record.Socket](t)(db.Socket(context.Background(), 1)); got != want {
		t.Errorf("socket\n got %+v\nwant %+v", got, want)
	}
}

// checkTotals compares the counters with what the tables hold.
func checkTotals(t testing.TB, db *DB) {
	t.Helper()
	const q = `SELECT (SELECT count(*) FROM sockets), (SELECT count(*) FROM sockets WHERE state = 'open'), (SELECT count(*) FROM sockets WHERE state = 'closed'),
		(SELECT count(*) FROM sockets WHERE state = 'reclaimed'), (SELECT count(*) FROM sockets WHERE state = 'denied'), (SELECT count(*) FROM sockets WHERE state = 'failed'),
		(SELECT count(*) FROM events WHERE kind = 'deny'), (SELECT count(*) FROM events),
		(SELECT coalesce(sum(bytes), 0) FROM events WHERE kind = 'send'), (SELECT coalesce(sum(bytes), 0) FROM events WHERE kind = 'receive')`
	var want record.Counts
	err := db.read.QueryRow(q).Scan(&want.Sockets, &want.Open, &want.Closed, &want.Reclaimed, &want.Denied, &want.Failed,
		&want.Denials, &want.Events, &want.BytesSent, &want.BytesReceived)
	if err != nil {
		t.Fatal(err)
	}
	if got := must[record.Counts](t)(db.Counts(context.Background(), 0)); got != want {
		t.Errorf("counts\n got %+v\nwant %+v", got, want)
	}
	var denials, activity, operations int64
	err = db.read.QueryRow(`SELECT (SELECT coalesce(sum(count), 0) FROM denials), (SELECT coalesce(sum(operations), 0) FROM activity),
		(SELECT count(*) FROM events WHERE socket_id IS NOT NULL AND kind IN ('create', 'bind', 'connect', 'listen', 'accept', 'send', 'receive', 'shutdown'))`).Scan(&denials, &activity, &operations)
	if err != nil {
		t.Fatal(err)
	}
	if denials != want.Denials || activity != operations {
		t.Errorf("%d denials counted of %d, %d operations of %d", denials, want.Denials, activity, operations)
	}
}
