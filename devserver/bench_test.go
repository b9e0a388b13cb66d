package devserver

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// BenchmarkReload measures from a save to the first response of the new code, against plain go build of the same change
// in turns with it. Its metrics are medians: ratio is of the rounds, and the milliseconds of a reload are told by phase.
func BenchmarkReload(b *testing.B) {
	for _, tt := range []struct {
		name, file string
		files      map[string]string
	}{
		{"small", "main.go", map[string]string{"main.go": source}},
		{"300packages/main", "main.go", bigApp(300)},
		{"300packages/leaf", "leaf/leaf.go", bigApp(300)},
	} {
		b.Run(tt.name, func(b *testing.B) { benchReload(b, tt.files, tt.file) })
	}
}

func benchReload(b *testing.B, files map[string]string, file string) {
	r := newCompared(b, files, file)
	r.plain("warm")
	var ratios []float64
	phases := make(map[string][]float64)
	note := func(name string, d time.Duration) { phases[name] = append(phases[name], d.Seconds()*1000) }
	for n := 0; b.Loop(); n++ {
		p := r.reload(fmt.Sprint("v", n))
		build := r.plain(fmt.Sprint("w", n))
		ratios = append(ratios, float64(p.whole)/float64(build))
		note("plain-build", build)
		note("reload", p.whole)
		note("notice", p.noticed)
		note("build", p.built)
		note("compile", p.compile)
		note("link", p.link)
		note("start", p.swapped)
		note("response", p.whole-p.noticed-p.built-p.swapped)
	}
	b.ReportMetric(middle(ratios), "ratio")
	for name, times := range phases {
		b.ReportMetric(middle(times), "ms/"+name)
	}
	b.ReportMetric(0, "ns/op")
}

// compared is a devserver with an app, and a copy of the app that plain go build is used on.
type compared struct {
	*site
	file, text string // what is changed: the text that says its version
	copied     string // the folder of the copy
	graph      string // where go build tells when each of its steps began and ended

	mu      sync.Mutex
	started time.Time // of the newest build; guarded by mu
}

// phases are how long each part of a reload took.
type phases struct {
	whole         time.Duration // from the save to the end of the response
	noticed       time.Duration // from the save to the build's start
	built         time.Duration // go build and what surrounds it
	compile, link time.Duration // of built: wall time in which at least one compiler, and the linker, ran
	swapped       time.Duration // from the built program to its first Accept: process, agent, the app's own start
}

func newCompared(b *testing.B, files map[string]string, file string) *compared {
	s := newSite(b, files)
	r := &compared{site: s, file: file, text: files[file], copied: b.TempDir(), graph: filepath.Join(b.TempDir(), "graph.json")}
	s.opts.BuildFlags = []string{"-debug-actiongraph=" + r.graph}
	s.opts.Notify = func(n Notice) {
		if _, ok := n.(BuildStarted); ok {
			r.mu.Lock()
			r.started = time.Now()
			r.mu.Unlock()
		}
		s.hear(n)
	}
	if err := os.CopyFS(r.copied, os.DirFS(s.dir)); err != nil {
		b.Fatal(err)
	}
	s.up()
	return r
}

// versioned is the changed file's text with another version.
func (r *compared) versioned(v string) string { return strings.Replace(r.text, `"one"`, `"`+v+`"`, 1) }

// reload saves a version and asks for it as soon as the build has begun.
func (r *compared) reload(v string) phases {
	start := time.Now()
	r.write(r.file, r.versioned(v))
	waitFor(r.site, func(m BuildStarted) bool { return !m.First })
	if got := r.get("/"); !strings.HasPrefix(got, v+" ") {
		r.t.Fatalf("/ = %q, want version %s", got, v)
	}
	p := phases{whole: time.Since(start)}
	ready := waitFor[AppReady](r.site, nil)
	r.mu.Lock()
	p.noticed = r.started.Sub(start)
	r.mu.Unlock()
	p.built, p.swapped = ready.Build, ready.Swap
	p.compile, p.link = steps(r.t, r.graph)
	return p
}

// plain runs go build on the same change of the copy.
func (r *compared) plain(v string) time.Duration {
	start := time.Now()
	if err := os.WriteFile(filepath.Join(r.copied, r.file), []byte(r.versioned(v)), 0o644); err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-o", "app", ".")
	cmd.Dir = r.copied
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("%v: %s", err, out)
	}
	return time.Since(start)
}

// steps reads from go build's own account (-debug-actiongraph) how long compilers and linker ran.
func steps(t testing.TB, file string) (compile, link time.Duration) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var actions []struct {
		Mode                string
		TimeStart, TimeDone time.Time
		Cmd                 []string
	}
	if err := json.Unmarshal(text, &actions); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var first, last time.Time
	for _, a := range actions {
		switch {
		case len(a.Cmd) == 0: // nothing was run: it is up to date
		case a.Mode == "link":
			link = a.TimeDone.Sub(a.TimeStart)
		case a.Mode == "build":
			if first.IsZero() || a.TimeStart.Before(first) {
				first = a.TimeStart
			}
			if a.TimeDone.After(last) {
				last = a.TimeDone
			}
		}
	}
	return last.Sub(first), link
}

// BenchmarkList compares asking the go command what an app of 300 packages is made of with finding out that it need not be
// asked.
func BenchmarkList(b *testing.B) {
	s := newSite(b, bigApp(300))
	g := project.Go{Tool: "go"}
	a, err := project.Discover(b.Context(), g, s.dir)
	if err != nil {
		b.Fatal(err)
	}
	var asked, found time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := project.List(b.Context(), g, a.Dir); err != nil {
			b.Fatal(err)
		}
		asked += time.Since(start)
		start = time.Now()
		a.Modules(nil)
		if !a.Current(g, a.Packages) {
			b.Fatal("the list is not current")
		}
		found += time.Since(start)
	}
	b.ReportMetric(float64(found)/float64(asked), "ratio")
	b.ReportMetric(float64(asked.Milliseconds())/float64(b.N), "ms/list")
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
