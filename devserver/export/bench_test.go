package export_test

import (
	"bytes"
	"io"
	"path/filepath"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/export"
	"github.com/seed-d81df0db/devserver/storage"
)

// BenchmarkNDJSON tells lines a second out of a recording and into another.
func BenchmarkNDJSON(b *testing.B) {
	db := recorded(b, 1000)
	data := ndjson(b, db, export.Options{})
	lines := float64(bytes.Count(data, []byte("\n")))
	b.Run("export", func(b *testing.B) {
		for b.Loop() {
			must(b, export.NDJSON(b.Context(), io.Discard, db, export.Options{}))
		}
		b.ReportMetric(lines*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
	})
	b.Run("import", func(b *testing.B) {
		for b.Loop() {
			in, err := storage.NewImport(filepath.Join(b.TempDir(), "again.db"))
			must(b, err)
			must(b, export.Read(b.Context(), bytes.NewReader(data), in.Add))
			must(b, in.Finish(b.Context()))
		}
		b.ReportMetric(lines*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
	})
}
