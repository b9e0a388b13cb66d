package devserver

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lifeSource is an app whose life a test conducts: it waits at its gate before it listens, says when it stops, and
// then waits to be killed if it is stubborn.
const lifeSource = `package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	version  = "one"
	gate     = ""    // a FIFO: whoever writes to it lets a process start
	stubborn = false // it does not end when it is told to
	dies     = ""    // a folder: the first process that makes it ends right after its first Accept
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		fmt.Println("stopping", version, os.Getpid())
		if stubborn {
			select {}
		}
		os.Exit(0)
	}()
	if gate != "" {
		fmt.Println("waiting", version, os.Getpid())
		os.ReadFile(gate)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, version) })
	http.HandleFunc("/hold", func(w http.ResponseWriter, r *http.Request) {
		if c, err := net.Dial("tcp", "keep.example.com:7"); err == nil {
			defer c.Close()
		}
		fmt.Println("holding", version, os.Getpid())
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, version, " ", n, " ", err)
	})
	l, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	if err != nil {
		panic(err)
	}
	fmt.Println("up", version, os.Getpid())
	if dies != "" && os.Mkdir(dies, 0o700) == nil {
		go http.Serve(l, nil)
		time.Sleep(DELAY)
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	panic(http.Serve(l, nil))
}
`

// life is lifeSource with other constants, each as name and Go expression.
func life(t testing.TB, version string, constants ...string) string {
	t.Helper()
	text := strings.Replace(strings.Replace(lifeSource, `"one"`, strconv.Quote(version), 1), "DELAY", "0", 1)
	for i := 0; i < len(constants); i += 2 {
		line := regexp.MustCompile(`(?m)^(\t` + constants[i] + ` +=) \S+`)
		if !line.MatchString(text) {
			t.Fatalf("lifeSource has no constant %s", constants[i])
		}
		text = line.ReplaceAllString(text, "$1 "+constants[i+1])
	}
	return text
}

// waitPID waits for a line of the app, and returns what the expression's group matches, which is a process id.
func (s *site) waitPID(format string, args ...any) (pid int) {
	s.t.Helper()
	want := regexp.MustCompile(`(?m)^` + fmt.Sprintf(format, args...) + `$`)
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		s.mu.Lock()
		text := s.lines.String()
		s.mu.Unlock()
		if m := want.FindStringSubmatch(text); m != nil {
			pid, err := strconv.Atoi(m[1])
			if err != nil {
				s.t.Fatal(err)
			}
			return pid
		}
		select {
		case <-s.news:
		case err := <-s.ended:
			s.cancel = nil
			s.t.Fatalf("Run ended: %v", err)
		case <-limit.C:
			s.t.Fatalf("the app never said %v; it said\n%s", want, text)
		}
	}
}

// exit has source end itself. How its request ends depends on what the proxy sees first.
func exit(t testing.TB, url string) {
	t.Helper()
	if res, err := http.Get(url + "/exit"); err == nil {
		res.Body.Close()
	}
}

// fifo makes a FIFO outside of the module. Its opener lets one reader go on.
func fifo(t testing.TB) (path string, open func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "gate")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, func() {
		t.Helper()
		f, err := os.OpenFile(path, os.O_WRONLY, 0) // blocks until there is a reader
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

// crowd sends requests at once, each over a connection of its own. The function that it returns waits for the answers.
func (s *site) crowd(want string) (answered func()) {
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if got := s.get("/"); got != want {
				s.t.Errorf("a request that no worker had accepted is answered %q, want %q", got, want)
			}
		})
	}
	return all.Wait
}

// alive tells whether a process runs: one that its new parent has not reaped does not.
func alive(pid int) bool {
	out, _ := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return len(out) > 0 && out[0] != 'Z'
}

// waitDead waits until a process has ended.
func waitDead(t testing.TB, pid int, what string) {
	t.Helper()
	for end := time.Now().Add(patience); alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("%s (process %d) does not end", what, pid)
		}
	}
}

// kill kills a worker.
func kill(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("kill %d: %v", pid, err)
	}
}
