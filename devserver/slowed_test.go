package devserver

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// TestSlowed: where the recording is slower than the app, the app waits at the journal's limit and nothing is lost; where
// devserver does nothing at all, the app goes on after a while, and what is missing is noted.
func TestSlowed(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	counts := filepath.Join(t.TempDir(), "counts-")
	app := strings.NewReplacer("COUNTS", strconv.Quote(counts), "PEER", strconv.Quote(answerAll(t))).Replace(loadApp)
	s := newSite(t, map[string]string{"main.go": app})
	s.opts.Profile, s.opts.NoReload, s.opts.JournalLimit = "open", true, "1MiB"
	cmd := s.process()
	pid := s.worker()
	said := func() journal.Counts {
		t.Helper()
		r, err := journal.Open(filepath.Join(s.data, "journal"), "run-1", journal.Position{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		return r.Counts()
	}
	done := func() (n int64) {
		mem, err := os.ReadFile(counts + strconv.Itoa(pid))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			n += int64(binary.NativeEndian.Uint64(mem[8*i:]))
		}
		return n
	}
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: not within %v", what, patience)
			}
		}
	}
	cmd.Process.Signal(syscall.SIGSTOP) // nobody reads
	until("slowed", func() bool { return said().Slowed > 0 })
	if n := journalSize(t, s.data); n > limit {
		t.Errorf("%d bytes of journal, the limit is %d", n, limit)
	}
	cmd.Process.Signal(syscall.SIGCONT)
	s.waitLine("notice devserver.Slowed {App:shop Limit:1048576}")
	before := done()
	until("the app goes on", func() bool { return done() > before+10_000 })
	if c := said(); c.Dropped > 0 {
		t.Fatalf("slowed for a moment, it has lost events: %+v", c)
	}
	cmd.Process.Signal(syscall.SIGSTOP)
	until("dropped", func() bool { return said().Refused > 0 })
	before = done()
	until("the app goes on unrecorded", func() bool { return done() > before+10_000 })
	cmd.Process.Signal(syscall.SIGCONT)
	s.waitLine("notice devserver.RecordingStopped")
	s.waitLine("notice devserver.RecordingResumed")
	stopProcess(t, cmd)
	if stopped, resumed := s.told("devserver.RecordingStopped"), s.told("devserver.RecordingResumed"); stopped != 1 || resumed != 1 {
		t.Errorf("%d messages that recording stopped, %d that it goes on; want one each", stopped, resumed)
	}
	s.checkLost(done())
}

// journalSize is what the segments in a data directory take.
func journalSize(t *testing.T, data string) (bytes int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "journal", "*.journal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil { // else read meanwhile
			bytes += info.Size()
		}
	}
	return bytes
}

// checkLost: what is recorded and what is noted as missing are together what the app did.
func (s *site) checkLost(did int64) {
	s.t.Helper()
	r := s.recording()
	var recorded, lost int64
	for _, row := range sockets(s.t, r, record.SocketFilter{Limit: -1}) {
		recorded += row.Sends + row.Receives
	}
	gaps, err := r.Gaps(s.t.Context(), 0)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, g := range gaps {
		if g.Reason != gapLimit || g.RunID != 1 {
			s.t.Errorf("gap %+v", g)
		}
		lost += g.Events
	}
	const unknown = 16 // events that are no operation, and operations that had not returned or were not counted yet
	if sum := recorded + lost; lost == 0 || sum < did-unknown || sum > did+unknown {
		s.t.Errorf("the app did %d operations; %d are recorded and %d noted as missing", did, recorded, lost)
	}
}
