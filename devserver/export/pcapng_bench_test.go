package export

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// BenchmarkPCAPNG exports 500 sockets of 100 operations; next to it stands reading the same events and doing nothing.
func BenchmarkPCAPNG(b *testing.B) {
	db, err := storage.Open(filepath.Join(b.TempDir(), "recording.db"), storage.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	run, err := db.StartRun(record.Run{App: "shop", StartedAt: talkNoon})
	if err != nil {
		b.Fatal(err)
	}
	const events = 500 * 100
	for id := uint64(1); id <= 500; id++ {
		all := []sandbox.Event{{Kind: sandbox.KindConnect, Socket: id, At: talkNoon, Info: &sandbox.Info{Network: "tcp", Remote: "93.184.216.34:443", Local: "127.0.0.1:40001"}}}
		for i := int64(1); i < 100; i++ {
			all = append(all, sandbox.Event{Kind: sandbox.KindSend, Socket: id, At: talkNoon + i*1000, Bytes: 100})
		}
		if err := db.Write(b.Context(), storage.Batch{RunID: run, App: "shop", Events: all}); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("packets", func(b *testing.B) {
		for b.Loop() {
			if err := PCAPNG(b.Context(), io.Discard, db, Options{}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			for f := (record.EventFilter{Ascending: true, Limit: packetPage}); ; {
				rows, err := db.Events(b.Context(), f)
				if err != nil {
					b.Fatal(err)
				}
				if len(rows) < packetPage {
					break
				}
				f.After = rows[len(rows)-1].ID
			}
		}
		b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}
