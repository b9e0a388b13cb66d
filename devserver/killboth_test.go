package devserver

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// loadApp is loadSource as an app: it counts in a file named for its process, and says on $PORT that it is at work. Where its
// peer or its supervisor is gone it waits to be ended.
var loadApp = strings.NewReplacer(
	`f, err := os.OpenFile(os.Args[1], os.O_RDWR, 0)`, `f, err := os.OpenFile(COUNTS+strconv.Itoa(os.Getpid()), os.O_RDWR|os.O_CREATE, 0o600)
	check(err)
	_, err = f.Write(make([]byte, 4096))`,
	`os.Args[2]`, `PEER`,
	`	"net"`, "\t\"net\"\n\t\"net/http\"", `	"os"`, "\t\"os\"\n\t\"strconv\"",
	`	select {}`, `	http.ListenAndServe(":"+os.Getenv("PORT"), nil)`,
).Replace(loadSource)

// TestSupervisorKilled kills devserver, and devserver together with its worker, at random moments under load: each
// operation that returned to the program is in the recording after the next start, none is there twice, and no worker is left.
func TestSupervisorKilled(t *testing.T) {
	t.Parallel()
	killSupervisors(t, 10)
}

// TestSoakSupervisorKilled does so for long: make soak.
func TestSoakSupervisorKilled(t *testing.T) {
	if os.Getenv("DEVSERVER_SOAK") == "" {
		t.Skip("takes minutes; make soak runs it")
	}
	killSupervisors(t, 200)
}

func killSupervisors(t *testing.T, kills int) {
	counts := filepath.Join(t.TempDir(), "counts-")
	app := strings.NewReplacer("COUNTS", strconv.Quote(counts), "PEER", strconv.Quote(answerAll(t))).Replace(loadApp)
	s := newSite(t, map[string]string{"main.go": app})
	s.opts.Profile, s.opts.NoReload = "open", true
	for i := range kills {
		os.Remove(s.opts.ReadyFile)
		cmd := s.process()
		pid := s.worker()
		waitWork(t, counts+strconv.Itoa(pid))
		time.Sleep(time.Duration(rand.Int64N(int64(100 * time.Millisecond)))) // the moment is what is random here, nothing is waited for
		if i%2 == 0 {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		cmd.Process.Kill()
		cmd.Wait()
		s.waitGone(pid)
	}
	os.Remove(s.opts.ReadyFile)
	last := s.process() // brings in what was left
	s.worker()
	stopProcess(t, last)
	if s.told("devserver.Recovered") == 0 {
		t.Errorf("nothing was recovered in %d starts", kills)
	}
	s.checkCounts(counts, kills+1)
}

// worker returns the process id of the newest worker.
func (s *site) worker() int {
	s.t.Helper()
	r := s.recording()
	runs, err := r.Runs(s.t.Context())
	if err != nil || len(runs) == 0 || runs[0].PID == 0 {
		s.t.Fatalf("runs = %+v, %v", runs, err)
	}
	return runs[0].PID
}

// waitGone waits until a worker without its devserver has ended.
func (s *site) waitGone(pid int) {
	s.t.Helper()
	for end := time.Now().Add(patience); isOurs(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("worker %d outlives its devserver", pid)
		}
	}
}

func stopProcess(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the end: %v", err)
	}
}

// checkCounts compares what each worker had counted with what is recorded of it.
func (s *site) checkCounts(counts string, runs int) {
	s.t.Helper()
	const workers = 4
	r := s.recording()
	all, err := r.SelectRuns(s.t.Context(), record.RunFilter{Limit: -1})
	if err != nil || len(all) != runs {
		s.t.Fatalf("%d runs, %v, want %d", len(all), err, runs)
	}
	var total int64
	for _, run := range all {
		words := tallied(s.t, counts+strconv.Itoa(run.PID))
		var sent, received, sends, receives int64
		for i := range workers {
			sent, received = sent+words[2*i], received+words[2*i+1]
		}
		for _, row := range sockets(s.t, r, record.SocketFilter{RunID: run.ID, Limit: -1}) {
			sends, receives = sends+row.Sends, receives+row.Receives
		}
		// An operation may have returned and not been counted yet, and one more may have failed: a few for each goroutine.
		if sends < sent || sends > sent+workers || receives < received || receives > received+workers {
			s.t.Errorf("run %d: the program counted %d sends and %d receives, the recording holds %d and %d", run.ID, sent, received, sends, receives)
		}
		total += sent + received
	}
	if gaps, err := r.Gaps(s.t.Context(), 0); err != nil || len(gaps) > 0 {
		s.t.Errorf("gaps %+v, %v", gaps, err)
	}
	s.t.Logf("%d operations in %d runs", total, runs)
}
