package devserver

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// talker is an app that writes in every way that there is.
const talker = `package main

import (
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
)

func main() {
	fmt.Println("at start")
	http.HandleFunc("/ways", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("by fmt")
		log.New(os.Stderr, "", 0).Print("by log")
		slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == "time" {
				return slog.Attr{}
			}
			return a
		}})).Info("by slog")
		var wg sync.WaitGroup
		wg.Go(func() { os.Stdout.WriteString("by a goroutine\n") })
		wg.Wait()
		fmt.Print("in ")
		fmt.Print("pieces\nand more ")
		fmt.Println("pieces")
		fmt.Println("twice")
		fmt.Println("twice")
		fmt.Fprintf(os.Stderr, "bytes \xff\n")
		fmt.Println(strings.Repeat("l", 100_000))
		fmt.Println()
	})
	http.HandleFunc("/alone", func(w http.ResponseWriter, r *http.Request) {
		println("by print")
		child := exec.Command("sh", "-c", "echo child out; echo child err >&2; echo twice")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Run(); err != nil {
			fmt.Fprint(w, err)
		}
		fmt.Println("by fmt")
	})
	http.HandleFunc("/flood", func(w http.ResponseWriter, r *http.Request) {
		for i := range 100_000 {
			fmt.Printf("line %d of a flood\n", i)
			if i%10_000 == 0 {
				println("print", i)
			}
		}
	})
	http.HandleFunc("/panic", func(w http.ResponseWriter, r *http.Request) {
		fmt.Print("no end")
		go panic("the pool is empty")
		select {}
	})
	http.HandleFunc("/kill", func(w http.ResponseWriter, r *http.Request) {
		fmt.Print("the last line\n")
		p, _ := os.FindProcess(os.Getpid())
		p.Kill()
		select {}
	})
	panic(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
`

// said returns the lines that f selects, oldest first: stream, request and text.
func said(t *testing.T, r *Recording, f record.LogFilter) (list []string) {
	t.Helper()
	f.Ascending, f.Limit = true, -1
	rows, err := r.Logs(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range rows {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s", l.Stream, l.Request, l.Text)))
	}
	return list
}

// TestLogs: each line is recorded once, in order, with the request whose goroutines wrote it.
func TestLogs(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": talker})
	s.up()
	for _, path := range []string{"/ways", "/alone"} {
		if got := s.get(path); got != "" {
			t.Fatalf("%s = %q", path, got)
		}
	}
	s.stop()
	r := s.recording()
	long := strings.Repeat("l", 100_000)
	got := said(t, r, record.LogFilter{Stream: "stdout"})
	want := []string{
		"stdout  at start",
		"stdout GET /ways by fmt", "stdout GET /ways level=INFO msg=\"by slog\"", "stdout GET /ways by a goroutine",
		"stdout GET /ways in pieces", "stdout GET /ways and more pieces", "stdout GET /ways twice", "stdout GET /ways twice",
		"stdout GET /ways " + long[:64<<10] + "…", "stdout GET /ways " + long[64<<10:], "stdout GET /ways",
		"stdout GET /alone by fmt",
	}
	for _, alone := range []string{"stdout  child out", "stdout  twice"} { // come when they are known to be alone
		i := slices.Index(got, alone)
		if i < 0 {
			t.Errorf("%q is missing", alone)
			continue
		}
		got = slices.Delete(got, i, i+1)
	}
	if !slices.Equal(got, want) {
		t.Errorf("standard output\n%.300q\nwant\n%.300q", got, want)
	}
	got = said(t, r, record.LogFilter{Stream: "stderr"})
	slices.Sort(got)
	want = []string{"stderr  by print", "stderr  child err", "stderr GET /ways by log", "stderr GET /ways bytes \uFFFD"}
	if !slices.Equal(got, want) {
		t.Errorf("standard error\n%q\nwant\n%q", got, want)
	}
	rows, err := r.Logs(t.Context(), record.LogFilter{Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	run := lastRun(t, r)
	for _, l := range rows {
		if l.RunID != run.ID || l.App != "shop" || l.At < run.StartedAt || l.At > run.EndedAt {
			t.Errorf("%.100q has run %d, app %q, time %d; the run is %+v", l.Text, l.RunID, l.App, l.At, run)
		}
	}
}

func lastRun(t *testing.T, r *Recording) record.Run {
	t.Helper()
	runs, err := r.Runs(t.Context())
	if err != nil || len(runs) == 0 {
		t.Fatalf("runs = %v, %v", runs, err)
	}
	return runs[0]
}

// TestLogFlood: a hundred thousand lines at once are there in their order, each once, with those that only the pipe had.
func TestLogFlood(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": talker})
	s.up()
	if got := s.get("/flood"); got != "" {
		t.Fatalf("/flood = %q", got)
	}
	s.stop()
	r := s.recording()
	got := said(t, r, record.LogFilter{Text: "of a flood"})
	if len(got) != 100_000 {
		t.Errorf("%d lines are recorded, want 100000", len(got))
	}
	for i, l := range got {
		if want := fmt.Sprintf("stdout GET /flood line %d of a flood", i); l != want {
			t.Fatalf("line %d is %q, want %q", i, l, want)
		}
	}
	var want []string
	for i := range 10 {
		want = append(want, fmt.Sprintf("stderr  print %d", i*10_000))
	}
	if got := said(t, r, record.LogFilter{Stream: "stderr"}); !slices.Equal(got, want) {
		t.Errorf("print left %q, want %q", got, want)
	}
	if gaps, err := r.Gaps(t.Context(), 0); len(gaps) > 0 || err != nil {
		t.Errorf("gaps = %v, %v; want none", gaps, err)
	}
}

// TestLastWords: what a worker said before its end is recorded, whatever ended it, and stands with its run.
func TestLastWords(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": talker})
	s.up()
	s.get("/kill")
	waitFor[WorkerExited](s, nil)
	waitFor[AppReady](s, nil)
	s.get("/panic")
	waitFor[WorkerExited](s, nil)
	waitFor[AppReady](s, nil)
	s.stop()
	r := s.recording()
	runs, err := r.Runs(t.Context())
	if err != nil || len(runs) != 3 {
		t.Fatalf("runs = %+v, %v; want three", runs, err)
	}
	killed, panicked, stopped := runs[2], runs[1], runs[0]
	if want := "at start\nthe last line"; killed.LastWords != want || killed.Exit != "signal: killed" {
		t.Errorf("the killed worker's end is %q with %q, want %q", killed.Exit, killed.LastWords, want)
	}
	if got := said(t, r, record.LogFilter{RunID: killed.ID}); !slices.Equal(got, []string{"stdout  at start", "stdout GET /kill the last line"}) {
		t.Errorf("the killed worker left %q", got)
	}
	if !strings.Contains(panicked.LastWords, "panic: the pool is empty\n") {
		t.Errorf("the panic's last words are %q", panicked.LastWords)
	}
	got := said(t, r, record.LogFilter{RunID: panicked.ID})
	for _, line := range []string{"stderr  panic: the pool is empty", "stdout GET /panic no end"} {
		if n := times(got, line); n != 1 {
			t.Errorf("%q is recorded %d times among %q, want once", line, n, got)
		}
	}
	if stopped.LastWords != "" {
		t.Errorf("the worker that was asked to end has last words %q", stopped.LastWords)
	}
	for _, run := range runs {
		if run.ReadyAt < run.StartedAt || run.ReadyAt > run.EndedAt || run.GoVersion == "" || run.Revision != runs[0].Revision || run.Revision == "" || run.BuildMS == 0 {
			t.Errorf("run %+v", run)
		}
	}
}

func times(list []string, s string) (n int) {
	for _, l := range list {
		if l == s {
			n++
		}
	}
	return n
}

// TestLogsOutliveBoth: devserver and the worker are killed at once, right after the app wrote; the next start has the lines.
func TestLogsOutliveBoth(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": talker})
	cmd := s.process()
	if got := s.get("/ways"); got != "" {
		t.Fatalf("/ways = %q", got)
	}
	pid := lastRun(t, s.recording()).PID
	syscall.Kill(cmd.Process.Pid, syscall.SIGSTOP) // it reads no journal any more
	syscall.Kill(pid, syscall.SIGKILL)
	cmd.Process.Kill()
	cmd.Wait()
	for end := time.Now().Add(patience); isOurs(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("worker %d outlives its devserver", pid)
		}
	}
	s.start()
	waitFor[AppReady](s, nil)
	s.stop()
	run := lastRun(t, s.recording()).ID
	got := said(t, s.recording(), record.LogFilter{Stream: "stdout", Text: "pieces"})
	if want := []string{"stdout GET /ways in pieces", "stdout GET /ways and more pieces"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q; the newest run is %d", got, want, run)
	}
}

// TestBuilds: each build has its row, and each run names the one that it runs.
func TestBuilds(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	s.up()
	save := func(text string) {
		s.write("main.go", text)
		waitFor(s, func(b BuildStarted) bool { return !b.First })
	}
	save(strings.Replace(source, `"one"`, `one`, 1))
	waitFor[BuildFailed](s, nil)
	save(source + "\n// the same program\n")
	waitFor[Unchanged](s, nil)
	save(versionOf("two"))
	save(versionOf("three")) // the build of two may be done or not
	for s.get("/") != "three 0" {
	}
	s.stop()
	r := s.recording()
	builds, err := r.Builds(t.Context(), record.BuildFilter{})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(builds)
	var outcomes []string // a slow machine may see one save as two
	for i, b := range builds {
		if b.App != "shop" || b.StartedAt == 0 || b.DurationNS <= 0 || (len(b.Files) > 0) != (i > 0) {
			t.Errorf("build %d is %+v", i, b)
		}
		if e := b.Errors; (len(e) > 0) != (b.Outcome == "failed") {
			t.Errorf("build %d is %s with errors %q", i, b.Outcome, e)
		}
		if b.Outcome != "canceled" {
			outcomes = append(outcomes, b.Outcome)
		}
	}
	outcomes = slices.Compact(outcomes)
	if want := []string{"ok", "failed", "unchanged", "ok"}; !slices.Equal(outcomes, want) {
		t.Errorf("the builds were %q, want %q: %+v", outcomes, want, builds)
	}
	failed := slices.IndexFunc(builds, func(b record.Build) bool { return b.Outcome == "failed" })
	if failed < 0 || !strings.HasPrefix(builds[failed].Errors[0], "main.go:11:") || !strings.HasSuffix(builds[failed].Errors[0], "undefined: one") {
		t.Errorf("the failed build is not among %+v", builds)
	}
	if run, last := lastRun(t, r), builds[len(builds)-1]; run.BuildID != last.ID {
		t.Errorf("the last run is %+v, want it to run build %+v", run, last)
	}
}

// TestBuildGivenUp: a build that is under way when devserver is stopped has its row too.
func TestBuildGivenUp(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	s.holdable()
	s.hold()
	s.start()
	waitFor[BuildStarted](s, nil)
	s.stop()
	builds, err := s.recording().Builds(t.Context(), record.BuildFilter{})
	if err != nil || len(builds) != 1 || builds[0].Outcome != "canceled" || builds[0].StartedAt == 0 || builds[0].DurationNS <= 0 {
		t.Errorf("builds = %+v, %v; want one that was canceled", builds, err)
	}
}
