package devserver

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// diskEnv names the folder where a process of runEnv mounts a small disk before it runs. At its end it copies what is there
// to a folder whose name has "-copy" behind it.
const diskEnv = "DEVSERVER_TEST_DISK"

// workSource sends and receives as many bytes, one at a time, as it is asked to, on a connection of its own.
const workSource = `package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		c, err := net.Dial("tcp", "echo.example.com:7")
		if err != nil {
			fmt.Fprint(w, err)
			return
		}
		defer c.Close()
		buf := make([]byte, 1)
		for range n {
			if _, err = c.Write(buf); err == nil {
				_, err = c.Read(buf)
			}
			if err != nil {
				fmt.Fprint(w, err)
				return
			}
		}
		fmt.Fprint(w, "did ", n)
	})
	http.ListenAndServe(":"+os.Getenv("PORT"), nil)
}
`

// TestFullDisk: on a full disk the app goes on, one message says that recording stops and one that it goes on, what was
// recorded is kept, and what is missing is noted.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("a disk of its own needs Linux")
	}
	s := newSite(t, map[string]string{"main.go": workSource})
	s.data = t.TempDir()
	s.opts.Data, s.opts.JournalLimit, s.opts.NoReload = s.data, "4MiB", true
	cmd := s.command()
	ownNamespace(cmd)
	cmd.Env = append(cmd.Env, diskEnv+"="+s.data)
	if err := cmd.Start(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("a full disk needs user namespaces: ", err)
		}
		t.Skip("a full disk needs user namespaces: ", err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	s.readReady()
	disk := fmt.Sprintf("/proc/%d/root%s", cmd.Process.Pid, s.data)
	const n = 3000
	s.work(n) // with room
	ballast := filepath.Join(disk, "ballast")
	fillDisk(t, ballast, 1<<20)
	works := 1
	for end := time.Now().Add(patience); s.told("devserver.RecordingStopped") == 0; works++ {
		if time.Now().After(end) {
			t.Fatal("the disk is full, and nobody says so")
		}
		s.work(n)
	}
	fillDisk(t, ballast+"2", 0)
	for range 10 { // far more than there is room for in the journal
		s.work(n)
		works++
	}
	for _, b := range []string{ballast, ballast + "2"} {
		if err := os.Remove(b); err != nil {
			t.Fatal(err)
		}
	}
	s.waitResumed()
	s.work(n) // with room again
	works++
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the end: %v", err)
	}
	// Where each step takes seconds there may be room for a while in between.
	if stopped, resumed := s.told("devserver.RecordingStopped"), s.told("devserver.RecordingResumed"); stopped != resumed || stopped > 3 {
		t.Errorf("%d messages that recording stopped, %d that it goes on; want as many, and few", stopped, resumed)
	}
	r, err := OpenRecording(filepath.Join(s.data+"-copy", "recording.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows := sockets(t, r, record.SocketFilter{Host: "echo.example.com", Limit: -1}) // newest first
	if first, last := rows[len(rows)-1], rows[0]; first.Sends != n || last.Sends != n || first == last {
		t.Errorf("with room %d and %d sends are recorded, want %d each", first.Sends, last.Sends, n)
	}
	checkGaps(t, r, rows, int64(works)*n)
}

// work lets the app send n bytes, and receive them.
func (s *site) work(n int) {
	s.t.Helper()
	if got, want := s.get(fmt.Sprint("/?n=", n)), fmt.Sprint("did ", n); got != want {
		s.t.Fatalf("the app says %q, want %q", got, want)
	}
}

// fillDisk writes a file that leaves so many bytes of the disk.
func fillDisk(t *testing.T, path string, leave int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		t.Fatal(err)
	}
	left := int64(st.Bavail) * int64(st.Bsize)
	block := make([]byte, 64<<10)
	for ; left > leave; left -= int64(len(block)) {
		if _, err := f.Write(block[:min(int64(len(block)), left-leave)]); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			return
		}
	}
}

// told is how many notices of a type a process of command has told.
func (s *site) told(notice string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Count(s.lines.Bytes(), []byte("notice "+notice+" "))
}

// waitResumed waits until recording goes on, as often as it has stopped.
func (s *site) waitResumed() {
	s.t.Helper()
	for end := time.Now().Add(patience); s.told("devserver.RecordingResumed") == 0 || s.told("devserver.RecordingResumed") < s.told("devserver.RecordingStopped"); {
		select {
		case <-s.news:
		case <-time.After(time.Until(end)):
			s.t.Fatal("there is room again, and recording does not go on")
		}
	}
}

// waitLine waits until the process of command writes text.
func (s *site) waitLine(text string) {
	s.t.Helper()
	limit := time.After(patience)
	for {
		s.mu.Lock()
		all := s.lines.String()
		s.mu.Unlock()
		if strings.Contains(all, text) {
			return
		}
		select {
		case <-s.news:
		case <-limit:
			s.t.Fatalf("no %q in\n%s", text, all)
		}
	}
}

// checkGaps: what of the app's sends is not in the recording is noted as missing, and no more.
func checkGaps(t *testing.T, r *Recording, rows []record.Socket, sent int64) {
	t.Helper()
	gaps, err := r.Gaps(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var lost, sends int64
	for _, g := range gaps {
		if g.Reason != gapDisk && g.Reason != gapLimit || g.RunID == 0 || g.App != "shop" {
			t.Errorf("gap %+v", g)
		}
		lost += g.Events
	}
	for _, row := range rows {
		sends += row.Sends
	}
	if missing := sent - sends; lost == 0 || missing > lost || 2*missing < lost*9/10 {
		t.Errorf("%d of %d sends are missing, and %d events are noted as missing; about half of those are sends", missing, sent, lost)
	}
}
