package devserver

import (
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/export"
)

var otlpEvents = flag.Int("otlp-events", 200_000, "events in the recording that BenchmarkExportOTLP sends")

// BenchmarkExportOTLP sends a recording to a store that throws it away. Besides spans a second it reports the most memory that
// was in use: it does not grow with the recording.
func BenchmarkExportOTLP(b *testing.B) {
	x, rec := openTraffic(b)
	for n := 0; n < *otlpEvents; n += 10_000 {
		x.batch(10_000)
	}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	defer server.Close()
	runtime.GC()
	var peak uint64
	var spans int64
	started := time.Now()
	for b.Loop() {
		sum, err := ExportOTLP(b.Context(), rec, OTLPOptions{URL: server.URL, Options: export.Options{Progress: func(int, int) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
		}}})
		if err != nil {
			b.Fatal(err)
		}
		spans += sum.Spans
	}
	b.ReportMetric(float64(spans)/time.Since(started).Seconds(), "spans/s")
	b.ReportMetric(float64(peak)/(1<<20), "MB")
}
