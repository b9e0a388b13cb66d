package devserver

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestKilledInSwap kills workers in each phase of a swap. Requests that no worker had accepted are answered, by the version
// that is right; what was killed is recorded as killed; and nothing is left over.
func TestKilledInSwap(t *testing.T) {
	t.Parallel()
	for phase, kill := range map[string]func(*site){
		"the live one while its successor is built":         killedInBuild,
		"the live one while its successor starts":           killedWaiting,
		"the new one before it accepted":                    killedBeforeReady,
		"both before the new one accepted":                  killedBoth,
		"the old one while it finishes its requests":        killedDraining,
		"the old one while it stops":                        killedStopping,
		"the new one right after the swap":                  killedAfterSwap,
		"the new one between its first Accept and the swap": killedAtSwap,
	} {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, map[string]string{"main.go": life(t, "one")})
			s.opts.listenLimit = patience // gates take long on a busy machine
			s.holdable()
			s.up()
			kill(s)
			s.write("main.go", life(t, "last"))
			waitFor(s, func(r AppReady) bool { return len(r.Files) > 0 })
			s.crowd("last")()
			s.stop()
			s.checkKilled()
		})
	}
}

// checkKilled: each run has ended and is known to have, at least one by the kill, and none is there any more.
func (s *site) checkKilled() {
	s.t.Helper()
	runs, err := s.recording().Runs(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	killed := 0
	for _, r := range runs {
		if r.EndedAt == 0 || r.Exit == "" {
			s.t.Errorf("run %d is recorded as if it had not ended: %+v", r.ID, r)
		}
		if r.Exit == "signal: killed" {
			killed++
		}
		if alive(r.PID) && isOurs(r.PID) {
			s.t.Errorf("process %d of run %d is still there", r.PID, r.ID)
		}
	}
	if killed == 0 {
		s.t.Errorf("no run is recorded as killed: %+v", runs)
	}
}

func killedInBuild(s *site) {
	old := s.waitPID("up one (.*)")
	s.hold()
	s.write("main.go", life(s.t, "two"))
	waitFor(s, func(b BuildStarted) bool { return !b.First })
	before := s.crowd("two")
	kill(s.t, old)
	after := s.crowd("two")
	s.release()
	waitFor[AppReady](s, nil)
	before()
	after()
}

func killedWaiting(s *site) {
	old := s.waitPID("up one (.*)")
	gate, open := fifo(s.t)
	s.write("main.go", life(s.t, "two", "gate", strconv.Quote(gate)))
	s.waitPID("waiting two (.*)")
	kill(s.t, old)
	after := s.crowd("two")
	waitFor[WorkerExited](s, nil)
	open()
	after()
	waitFor[AppReady](s, nil)
}

func killedBeforeReady(s *site) {
	gate, _ := fifo(s.t)
	s.write("main.go", life(s.t, "two", "gate", strconv.Quote(gate)))
	starting := s.waitPID("waiting two (.*)")
	before := s.crowd("one")
	kill(s.t, starting)
	before()
	if e := waitFor[WorkerExited](s, nil); !e.Serving || e.RestartIn != 0 || e.Exit != "signal: killed" {
		s.t.Errorf("the end of the new version is told as %+v", e)
	}
	s.crowd("one")()
}

func killedBoth(s *site) {
	old := s.waitPID("up one (.*)")
	gate, open := fifo(s.t)
	s.write("main.go", life(s.t, "two", "gate", strconv.Quote(gate)))
	starting := s.waitPID("waiting two (.*)")
	kill(s.t, old)
	kill(s.t, starting)
	after := s.crowd("two")
	waitFor(s, func(e WorkerExited) bool { return e.RestartIn > 0 })
	s.waitPID(`waiting two (?:%d\n(?:.*\n)*?waiting two )(.*)`, starting)
	open() // the one that is started in their place
	after()
	waitFor[AppReady](s, nil)
}

func killedDraining(s *site) {
	old := s.waitPID("up one (.*)")
	held, end := io.Pipe()
	defer end.Close()
	answer := make(chan string, 1)
	go func() {
		res, err := http.Post(s.url+"/hold", "text/plain", held)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		answer <- res.Status + " " + string(text)
	}()
	s.waitPID("holding one (.*)")
	s.write("main.go", life(s.t, "two"))
	waitFor[AppReady](s, nil)
	before := s.crowd("two")
	kill(s.t, old)
	after := s.crowd("two")
	before()
	after()
	end.Close() // a client that writes does not look for an answer
	if got := <-answer; !strings.HasPrefix(got, "502") && !strings.Contains(got, "EOF") && !strings.Contains(got, "reset") {
		s.t.Errorf("the request of the version that was killed is answered %q", got)
	}
}

func killedStopping(s *site) {
	s.write("main.go", life(s.t, "two", "stubborn", "true"))
	waitFor[AppReady](s, nil)
	s.write("main.go", life(s.t, "three"))
	old := s.waitPID("stopping two (.*)")
	before := s.crowd("three")
	kill(s.t, old)
	after := s.crowd("three")
	before()
	after()
	waitFor[AppReady](s, nil)
	waitDead(s.t, old, "the old version")
}

func killedAfterSwap(s *site) {
	s.write("main.go", life(s.t, "two"))
	waitFor[AppReady](s, nil)
	kill(s.t, s.waitPID("up two (.*)"))
	after := s.crowd("two")
	if e := waitFor[WorkerExited](s, nil); e.RestartIn == 0 {
		s.t.Errorf("the end of the only version is told as %+v", e)
	}
	after()
	waitFor[AppReady](s, nil)
}

// killedAtSwap: it is swapped in or not, and either way somebody serves.
func killedAtSwap(s *site) {
	serving := "one"
	for i, delay := range []time.Duration{0, 200 * time.Microsecond, 2 * time.Millisecond} {
		dies := filepath.Join(s.t.TempDir(), "dead")
		version := fmt.Sprint("v", i)
		text := life(s.t, version, "dies", strconv.Quote(dies))
		s.write("main.go", strings.Replace(text, "time.Sleep(0)", fmt.Sprintf("time.Sleep(%d)", delay), 1))
		if e := waitFor[WorkerExited](s, nil); !e.Serving {
			waitFor(s, func(r AppReady) bool { return len(r.Files) > 0 })  // the one that died
			waitFor(s, func(r AppReady) bool { return len(r.Files) == 0 }) // its restart
			serving = version
		}
		s.crowd(serving)()
	}
}
