package devserver

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// memoryLimit is what a supervisor may need, whatever its apps do: MiB.
const memoryLimit = 150

// TestMemory: the supervisor's memory stays small under a load of long texts, sockets and requests that never end, and names
// without end that are denied.
func TestMemory(t *testing.T) {
	t.Parallel()
	loadMemory(t, 300_000)
}

// TestSoakMemory does so with millions of events: make soak.
func TestSoakMemory(t *testing.T) {
	if os.Getenv("DEVSERVER_SOAK") == "" {
		t.Skip("takes minutes; make soak runs it")
	}
	loadMemory(t, 3_000_000)
}

func loadMemory(t *testing.T, events int) {
	if runtime.GOOS != "linux" {
		t.Skip("the most memory that a process had is read from /proc")
	}
	s := newSite(t, map[string]string{"main.go": source})
	s.opts.NoReload = true
	cmd := s.process()
	start := time.Now()
	w, err := journal.Create(filepath.Join(s.data, "journal"), "load", journal.Options{App: "load", Limit: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 4000)
	for i := range events {
		w.Record(loadEvent(uint64(i), long))
		if i%(events/4) == 0 {
			t.Logf("%d MiB after %d events", mostMemory(t, cmd.Process.Pid), i)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Dropped() > 0 {
		t.Errorf("%d events were dropped: devserver did not get on for five seconds", w.Dropped())
	}
	gone := func() bool {
		_, err := os.Stat(filepath.Join(s.data, "journal", "load.lock"))
		return os.IsNotExist(err)
	}
	for end := start.Add(patience + time.Duration(events)*time.Millisecond/10); !gone(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the journal is not read to its end")
		}
	}
	mib := mostMemory(t, cmd.Process.Pid)
	t.Logf("%d events in %v, slowed for %v, at most %d MiB", events, time.Since(start).Round(time.Millisecond), time.Duration(w.Slowed()).Round(time.Millisecond), mib)
	if mib > memoryLimit && !raceDetector {
		t.Errorf("devserver had %d MiB, want at most %d", mib, memoryLimit)
	}
	stopProcess(t, cmd)
}

// loadEvent is the event number i: mostly sends, now and then what leaves something behind.
func loadEvent(i uint64, long string) sandbox.Event {
	e := sandbox.Event{Kind: sandbox.KindSend, At: sandbox.Now(), Socket: 1 + i/50, Request: 1 + i/100, Bytes: 100}
	switch i % 100 {
	case 0:
		e.Kind, e.Req = sandbox.KindRequestBegin, &sandbox.RequestInfo{Method: "GET", URL: "/" + strconv.FormatUint(i, 10) + "?" + long[:i/100%20*200]}
	case 1, 51:
		e.Kind, e.Info = sandbox.KindCreate, &sandbox.Info{Network: "tcp", Host: fmt.Sprint(i, ".example.com"), Remote: "192.0.2.1:443", CallSite: "main.go:7"}
	case 2:
		e.Kind, e.Rule, e.Detail, e.Error = sandbox.KindResolve, sandbox.RuleUnresolved, fmt.Sprint(i, ".example has no address"), "no such host"
	}
	return e
}

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// mostMemory is the most that a process had resident, in MiB.
func mostMemory(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	kib, err := strconv.Atoi(string(peak.FindSubmatch(text)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}
