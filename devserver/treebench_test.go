package devserver

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// treeFiles is how many files lie beside the code, and as many again in node_modules.
const treeFiles = 50_000

// treeMemory is what a supervisor may need with them: MiB.
const treeMemory = 100

// BenchmarkTree measures an app with 50,000 files beside its code, and as many in node_modules, against the same app without: the
// first response, a reload, what devserver does while nothing happens, and its memory. Ratios are of one run.
func BenchmarkTree(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("processor time and memory of a process are read from /proc")
	}
	if raceDetector {
		b.Skip("the race detector's memory is not the supervisor's")
	}
	var plain, tree treeFigures
	n := 0
	for b.Loop() {
		n++
		plain.add(measureTree(b, 0))
		tree.add(measureTree(b, treeFiles))
	}
	b.ReportMetric(float64(tree.first)/float64(plain.first), "first-ratio")
	b.ReportMetric(float64(tree.reload)/float64(plain.reload), "reload-ratio")
	b.ReportMetric(float64(tree.idle.Milliseconds())/float64(n), "idle-ms/s")
	b.ReportMetric(float64(plain.idle.Milliseconds())/float64(n), "plain-idle-ms/s")
	b.ReportMetric(float64(tree.mib)/float64(n), "MiB")
	b.ReportMetric(float64(plain.mib)/float64(n), "plain-MiB")
	if each := tree.mib / n; each > treeMemory {
		b.Errorf("devserver had %d MiB, want at most %d", each, treeMemory)
	}
}

type treeFigures struct {
	first, reload time.Duration
	idle          time.Duration // of processor time in a second
	mib           int
}

func (f *treeFigures) add(o treeFigures) {
	f.first, f.reload, f.idle, f.mib = f.first+o.first, f.reload+o.reload, f.idle+o.idle, f.mib+o.mib
}

func measureTree(b *testing.B, files int) (f treeFigures) {
	s := newSite(b, map[string]string{"main.go": source})
	b.StopTimer()
	s.grow(files)
	b.StartTimer()
	start := time.Now()
	cmd := s.process()
	s.get("/")
	f.first = time.Since(start)
	const reloads = 5
	for i := range reloads {
		text, want := versionOf(fmt.Sprint("v", i)), fmt.Sprintf("v%d 0", i)
		start := time.Now()
		s.write("main.go", text)
		for s.get("/") != want {
			if time.Since(start) > patience {
				b.Fatalf("%s is never served", want)
			}
		}
		f.reload += time.Since(start) / reloads
	}
	const idle = 5
	before := processorTime(b, cmd.Process.Pid)
	time.Sleep(idle * time.Second) // what is measured
	f.idle = (processorTime(b, cmd.Process.Pid) - before) / idle
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	kib, err := strconv.Atoi(string(peak.FindSubmatch(text)[1]))
	if err != nil {
		b.Fatal(err)
	}
	f.mib = kib >> 10
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	return f
}

// grow puts n files beside the code, and n into node_modules, 25 in each folder.
func (s *site) grow(n int) {
	kinds := []string{"page%d.html", "style%d.css", "script%d.js", "picture%d.png", "data%d.bin"}
	text := bytes.Repeat([]byte("x"), 4000)
	for i := range n {
		for _, root := range []string{"static", "node_modules"} {
			dir := filepath.Join(s.dir, root, strconv.Itoa(i/2500), strconv.Itoa(i/25))
			if i%25 == 0 {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					s.t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf(kinds[i%len(kinds)], i)), text, 0o644); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// processorTime is what a process has used so far, by its ticks of 10 ms.
func processorTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
