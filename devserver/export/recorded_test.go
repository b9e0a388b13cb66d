package export_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

const start = int64(1_790_000_000e9)

// recorded makes a recording as devserver does, by ingestion: two apps and three runs whose batches take turns, and a row
// in every table.
func recorded(t testing.TB, rounds int) *storage.DB {
	t.Helper()
	db, err := storage.Open(filepath.Join(t.TempDir(), "recording.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	must(t, second(db.AddBuild(record.Build{App: "shop", StartedAt: start, DurationNS: 5, Outcome: "failed", Errors: []string{"a.go:1:2: no", "b.go:3:4: no"}})))
	must(t, second(db.AddBuild(record.Build{App: "shop", StartedAt: start + 1, DurationNS: 5, Outcome: "ok", Files: []string{"a.go"}})))
	run := func(app string) int64 {
		id, err := db.StartRun(record.Run{App: app, StartedAt: start, PID: 7, GoVersion: "go1.26", Profile: "appengine", BuildID: 2})
		must(t, err)
		return id
	}
	shop, mail, shop2 := run("shop"), run("mail \"<&>\""), run("shop")
	random := rand.New(rand.NewPCG(1, 2))
	for i := range rounds {
		for k, r := range []int64{shop, mail, shop2, 0} {
			app := []string{"shop", "mail \"<&>\"", "shop", "stray"}[k]
			must(t, db.Write(t.Context(), storage.Batch{RunID: r, App: app, Events: batch(random, uint64(4*i+k+1))}))
		}
	}
	must(t, db.FinishRun(record.Run{ID: shop, ReadyAt: start + 5, LastWords: "panic: no\n\tmain.go:7"}))
	must(t, db.EndRun(shop, start+100e9, "exit status 2"))
	must(t, second(db.AddLog(record.Log{RunID: shop, App: "shop", At: start, Stream: "stdout", RequestID: 1, Text: "bytes \xff\xfe, <b> & \u2028"})))
	must(t, second(db.AddLog(record.Log{App: "shop", At: start, Stream: "stderr"})))
	must(t, db.AddPayload(record.Payload{SocketID: 1, EventID: 3, RequestID: 1, At: start, Direction: "sent", Layer: "wire", Data: []byte("GET / HTTP/1.1\r\n\r\n")}))
	must(t, db.AddPayload(record.Payload{SocketID: 2, At: start, Direction: "received", Layer: "tls", Place: 70, Data: make([]byte, 5000)}))
	must(t, db.AddGap(record.Gap{RunID: shop, App: "shop", At: start, Events: 9, Reason: "disk full"}))
	must(t, db.WriteUsage(t.Context(), []record.QuotaUsage{{App: "shop", Resource: "connect", Window: "day", WindowStart: start, Used: 3, Limit: -1}}))
	return db
}

// batch is what one request does: a look-up, a socket of its own and one that others use too.
func batch(random *rand.Rand, n uint64) []sandbox.Event {
	at := start + int64(n)*1e8
	site := fmt.Sprintf("db.go:%d", n%7)
	info := &sandbox.Info{Network: "tcp", Host: "db.example.com", Remote: "93.184.216.34:5432", Local: "10.0.0.9:999", Standin: "127.0.0.1:5432", CallSite: site}
	e := func(k sandbox.Kind, socket uint64, more sandbox.Event) sandbox.Event {
		at += random.Int64N(4e8)
		more.Kind, more.Socket, more.Request, more.At = k, socket, n, at
		return more
	}
	shared := 100_000 + 10*(n%4) + n%5 // of the same run: a socket is of one process
	events := []sandbox.Event{
		{Kind: sandbox.KindRequestBegin, At: at, Request: n, Req: &sandbox.RequestInfo{Method: "GET", URL: fmt.Sprintf("/orders/%d?q=a+b&q=%%26", n), RemoteAddr: "127.0.0.1:4711", Proto: "HTTP/1.1"}},
		e(sandbox.KindResolve, 0, sandbox.Event{Duration: 3e6, Detail: "db.example.com is 93.184.216.34"}),
		e(sandbox.KindCreate, n, sandbox.Event{Info: info}),
		e(sandbox.KindConnect, n, sandbox.Event{Duration: 2_000_001}),
	}
	for range random.IntN(6) + 1 {
		events = append(events, e(sandbox.KindSend, n, sandbox.Event{Bytes: random.Int64N(9000)}), e(sandbox.KindReceive, shared, sandbox.Event{Bytes: random.Int64N(9000), Duration: 5e8}))
	}
	for i := range random.IntN(3) { // one socket, refused several destinations, as a UDP socket is
		to := &sandbox.Info{Network: "udp", Remote: fmt.Sprintf("10.0.0.%d:53", i), CallSite: site}
		events = append(events, e(sandbox.KindDeny, shared, sandbox.Event{Rule: sandbox.RulePrivate, Error: "permission denied", Info: to}))
	}
	events = append(events, e(sandbox.KindDeny, 200_000+n, sandbox.Event{Rule: sandbox.RulePort25, Error: "permission denied", Info: &sandbox.Info{Network: "tcp", Host: "smtp.example.com:25"}}))
	switch n % 3 {
	case 0:
		events = append(events, e(sandbox.KindClose, n, sandbox.Event{Reason: sandbox.ReasonApp}))
	case 1:
		events = append(events, e(sandbox.KindReclaim, n, sandbox.Event{Duration: 121e9}), e(sandbox.KindSend, n, sandbox.Event{Error: "write: broken pipe"}))
	}
	if n%6 != 0 {
		events = append(events, sandbox.Event{Kind: sandbox.KindRequestEnd, At: at, Duration: time.Millisecond, Request: n, Req: &sandbox.RequestInfo{Status: 200, BytesIn: 1, BytesOut: 12}})
	}
	return events
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func second[T any](_ T, err error) error { return err }

// dump returns the rows of a query as one text a row.
func dump(t testing.TB, path, query string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	must(t, err)
	defer db.Close()
	rows, err := db.QueryContext(context.Background(), query)
	must(t, err)
	defer rows.Close()
	names, err := rows.Columns()
	must(t, err)
	values := make([]any, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	var all []string
	for rows.Next() {
		must(t, rows.Scan(into...))
		all = append(all, fmt.Sprintf("%q", values))
	}
	must(t, rows.Err())
	return all
}
