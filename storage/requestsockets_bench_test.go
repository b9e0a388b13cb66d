package storage

import (
	"context"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// BenchmarkRequestPages measures what one console page asks of requests: the list, the lines' sockets, and one request
// with ten thousand operations.
func BenchmarkRequestPages(b *testing.B) {
	db := openTemp(b)
	run := startRun(b, db, "shop")
	var ids []int64
	for id := uint64(1); id <= 5000; id++ {
		events := []sandbox.Event{{At: int64(id), Kind: sandbox.KindRequestBegin, Request: id, Req: &sandbox.RequestInfo{Method: "GET", URL: "/"}}}
		operations := 20
		if id == 5000 {
			operations = 10_000
		}
		for i := range operations {
			socket := 1 + uint64(i%10)
			if i%2 == 0 { // half of them on sockets of its own
				socket = id*10 + uint64(i%10)
			}
			events = append(events, sandbox.Event{At: int64(id), Duration: 1, Kind: sandbox.KindSend, Request: id, Socket: socket, Bytes: 10,
				Info: &sandbox.Info{Network: "tcp", Host: "db", Remote: "93.184.216.34:5432"}})
		}
		write(b, db, run, events...)
		if id > 4800 {
			ids = append(ids, int64(id))
		}
	}
	ctx := context.Background()
	for name, ask := range map[string]func() error{
		"uses":    func() error { _, err := db.RequestUses(ctx, ids[:100], 200); return err },
		"sockets": func() error { _, err := db.RequestSockets(ctx, ids, 8); return err },
		"events": func() error {
			_, err := db.Events(ctx, record.EventFilter{RequestID: 5000, Ascending: true, Limit: 1000})
			return err
		},
		"left": func() error { _, err := db.CountRequestEvents(ctx, 5000, 1000, 100_000); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
