package devserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkReload measures from a save to the first response of the new code, against plain go build of the same change.
func BenchmarkReload(b *testing.B) {
	s := newSite(b, map[string]string{"main.go": source})
	s.up()
	plain := b.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/shop\n\ngo 1.25\n", "main.go": source} {
		if err := os.WriteFile(filepath.Join(plain, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	var ours, theirs time.Duration
	n := 0
	for b.Loop() {
		n++
		text := versionOf(fmt.Sprintf("v%d", n))
		start := time.Now()
		s.write("main.go", text)
		waitFor(s, func(m BuildStarted) bool { return !m.First })
		if got, want := s.get("/"), fmt.Sprintf("v%d 0", n); got != want {
			b.Fatalf("/ = %q, want %q", got, want)
		}
		ours += time.Since(start)
		start = time.Now()
		if err := os.WriteFile(filepath.Join(plain, "main.go"), []byte(text+"// apart\n"), 0o644); err != nil {
			b.Fatal(err)
		}
		build := exec.Command("go", "build", "-o", "app", ".")
		build.Dir = plain
		if out, err := build.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		theirs += time.Since(start)
	}
	b.ReportMetric(float64(ours.Milliseconds())/float64(n), "ms/reload")
	b.ReportMetric(float64(theirs.Milliseconds())/float64(n), "ms/build")
	b.ReportMetric(float64(ours)/float64(theirs), "ratio")
}
