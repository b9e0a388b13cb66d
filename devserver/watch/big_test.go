package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// grow puts n files into an app's folder, 25 in each of its subfolders: what a site has besides its code. As many lie in
// node_modules, where nobody looks.
func grow(tb testing.TB, a *project.App, n int) {
	tb.Helper()
	kinds := []string{"page%d.html", "style%d.css", "script%d.js", "picture%d.png", "data%d.bin"}
	text := []byte(strings.Repeat("x", 2000))
	for i := range n {
		for _, root := range []string{"static", "node_modules"} {
			dir := filepath.Join(a.Dir, root, fmt.Sprint("d", i/2500), fmt.Sprint("e", i/25))
			if i%25 == 0 {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					tb.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf(kinds[i%len(kinds)], i)), text, 0o644); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestManyFiles: thousands of files that no build needs cost little memory, and when all of them move at once they are told
// in a moment, as one burst or few.
func TestManyFiles(t *testing.T) {
	const n = 4000
	a := app(t, sample, "app")
	grow(t, a, n)
	before := heap()
	w := watch(t, a, Config{})
	put(t, w.path("lib/lib.go"), "package lib // among many")
	w.wants("lib/lib.go", Source)
	if each := (int64(heap()) - int64(before)) / n; each > 1000 {
		t.Errorf("a file takes %d bytes of memory, want at most 1000", each)
	}
	if err := os.Rename(w.path("app/static"), w.path("app/moved")); err != nil {
		t.Fatal(err)
	}
	told := make(map[string]bool)
	bursts := 0
	for want := 2 * n * 4 / 5; len(told) < want; bursts++ { // the old names and the new; .bin counts nowhere
		files, _ := w.next()
		for f := range strings.FieldsSeq(files) {
			if told[f] = true; strings.HasSuffix(f, ".bin") || strings.Contains(f, "node_modules") {
				t.Fatalf("%s is told", f)
			}
		}
	}
	if bursts > 20 {
		t.Errorf("one move is told in %d bursts", bursts)
	}
}

// BenchmarkBurst: what a file costs when many change at once. The ratio is that of ten times as many files; one
// that is far above 1 says that the cost of each grows with their number.
func BenchmarkBurst(b *testing.B) {
	each := func(n int) float64 {
		l := &loop{Watcher: &Watcher{}, dirty: make(map[string]bool), timer: time.NewTimer(time.Hour), tree: &tree{
			seen: make(map[string]known), files: &Files{app: &project.App{Dir: "/app"}, assets: newAssets(Assets{}, "/app")},
		}}
		for i := range n {
			file := fmt.Sprintf("/app/static/%d.css", i)
			l.dirty[file] = true
			l.tree.seen[file] = known{content{there: true, size: 1}, Reload}
		}
		l.graced = true // they have gone
		start := time.Now()
		l.settle()
		took := time.Since(start)
		if len(l.pending.Files) != n {
			b.Fatalf("%d files are told, want %d", len(l.pending.Files), n)
		}
		return float64(took) / float64(n)
	}
	var few, many float64
	for b.Loop() {
		few, many = few+each(2000), many+each(20_000)
	}
	b.ReportMetric(many/float64(b.N), "ns/file")
	b.ReportMetric(many/few, "ratio")
}
