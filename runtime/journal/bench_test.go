package journal

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

var hot = sandbox.Event{Kind: sandbox.KindSend, At: 1, Duration: 2, Socket: 3, Request: 4, Bytes: 5}

// trim deletes what a benchmark has written, so that it fits on any disk.
func trim(b *testing.B, dir string) {
	stop := make(chan struct{})
	b.Cleanup(func() { close(stop) })
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
			numbers, _ := segments(dir, "run-1")
			for i := 0; i < len(numbers)-2; i++ {
				os.Remove(segmentPath(dir, "run-1", numbers[i]))
			}
		}
	}()
}

func BenchmarkRecord(b *testing.B) {
	dir := b.TempDir()
	w := create(b, dir, Options{})
	trim(b, dir)
	b.ReportAllocs()
	for b.Loop() {
		w.Record(hot)
	}
}

func BenchmarkRecordText(b *testing.B) {
	dir := b.TempDir()
	w := create(b, dir, Options{})
	trim(b, dir)
	e := hot
	e.Info = &sandbox.Info{Network: "tcp", Host: "db.example.com", Remote: "192.0.2.1:5432", CallSite: "store/open.go:42"}
	b.ReportAllocs()
	for b.Loop() {
		w.Record(e)
	}
}

func BenchmarkRecordParallel(b *testing.B) {
	dir := b.TempDir()
	w := create(b, dir, Options{})
	trim(b, dir)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w.Record(hot)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	const events = 1 << 20
	dir := b.TempDir()
	w := create(b, dir, Options{})
	for range events {
		w.Record(hot)
	}
	w.Close()
	batch := make([]sandbox.Event, 1024)
	b.ReportAllocs()
	for b.Loop() {
		r := openAt(b, dir, Position{})
		read := 0
		for {
			n, err := r.Next(batch)
			read += n
			if err == io.EOF {
				break
			}
		}
		if read != events {
			b.Fatalf("read %d events", read)
		}
		r.Close()
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
