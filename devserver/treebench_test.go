package devserver

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// treeFiles is how many files lie beside the code, and as many again in node_modules.
const treeFiles = 50_000

// treeMemory is what a supervisor may need with them: MiB.
const treeMemory = 100

// BenchmarkTree measures an app with 50,000 files beside its code, and as many in node_modules, against the same app without: the
// first response, a save right after it, further reloads, what devserver does while nothing happens, and its memory. A save right
// after the start is the one that the first look at the tree may delay. Medians, in turns, of one run.
func BenchmarkTree(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("processor time and memory of a process are read from /proc")
	}
	if raceDetector {
		b.Skip("the race detector's memory is not the supervisor's")
	}
	plain, tree := treeFigures{}, treeFigures{}
	for b.Loop() {
		measureTree(b, 0, plain)
		measureTree(b, treeFiles, tree)
	}
	for _, what := range []string{"first", "early", "reload"} {
		b.ReportMetric(middle(tree[what])/middle(plain[what]), what+"-ratio")
	}
	for prefix, f := range map[string]treeFigures{"": tree, "plain-": plain} {
		b.ReportMetric(middle(f["early"]), prefix+"early-s")
		b.ReportMetric(middle(f["idle"])*1000, prefix+"idle-ms/s")
		b.ReportMetric(middle(f["mib"]), prefix+"MiB")
	}
	if most := slices.Max(tree["mib"]); most > treeMemory {
		b.Errorf("devserver had %v MiB, want at most %d", most, treeMemory)
	}
}

// treeFigures are what was measured: times in seconds, idle's of processor time in a second, and mib.
type treeFigures map[string][]float64

func (f treeFigures) add(what string, v float64) { f[what] = append(f[what], v) }

func measureTree(b *testing.B, files int, f treeFigures) {
	s := newSite(b, map[string]string{"main.go": source})
	b.StopTimer()
	s.grow(files)
	syscall.Sync() // what was just written is not what is measured
	b.StartTimer()
	start := time.Now()
	cmd := s.process()
	s.get("/")
	f.add("first", time.Since(start).Seconds())
	const reloads = 6
	for i := range reloads {
		text, want := versionOf(fmt.Sprint("v", i)), fmt.Sprintf("v%d 0", i)
		start := time.Now()
		s.write("main.go", text)
		for s.get("/") != want {
			if time.Since(start) > patience {
				b.Fatalf("%s is never served", want)
			}
		}
		what := "reload"
		if i == 0 {
			what = "early"
		}
		f.add(what, time.Since(start).Seconds())
	}
	const idle = 5
	before := processorTime(b, cmd.Process.Pid)
	time.Sleep(idle * time.Second) // what is measured
	f.add("idle", (processorTime(b, cmd.Process.Pid)-before).Seconds()/idle)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	kib, err := strconv.Atoi(string(peak.FindSubmatch(text)[1]))
	if err != nil {
		b.Fatal(err)
	}
	f.add("mib", float64(kib>>10))
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
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
