package delve

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/delve/delvetest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	delvetest.Clean()
	os.Exit(code)
}

const program = `package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

func main() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(ln.Addr())
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer := os.Args[1] + " " + r.URL.Path
		fmt.Fprint(w, answer)
	})
	panic(http.Serve(ln, nil))
}
`

// line is where program makes its answer.
const line = 17

// build builds program and returns its path.
func build(t *testing.T) (binary, source string) {
	t.Helper()
	dir := t.TempDir()
	source = filepath.Join(dir, "main.go")
	for name, text := range map[string]string{"main.go": program, "go.mod": "module example.com/debugged\n\ngo 1.25\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-gcflags=-N -l", "-o", "debugged", ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return filepath.Join(dir, "debugged"), source
}

// process is a running program.
type process struct {
	*exec.Cmd
	url  string
	gone chan struct{}
}

func run(t *testing.T, binary, name string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(binary, name), gone: make(chan struct{})}
	out, err := p.StdoutPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	p.url = "http://" + strings.TrimSpace(addr)
	go func() {
		p.Wait()
		close(p.gone)
	}()
	t.Cleanup(func() {
		p.Process.Kill() // dlv reaps it, if one still holds it
	})
	return p
}

// get asks the program in the background.
func get(url string) <-chan string {
	answer := make(chan string, 1)
	go func() {
		r, err := http.Get(url)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		answer <- string(text)
		if err != nil {
			answer <- err.Error()
		}
	}()
	return answer
}

func wait[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(2 * time.Minute):
		t.Fatalf("no %s after two minutes", what)
		panic("not reached")
	}
}

func serve(t *testing.T) (*Server, chan string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	warned := make(chan string, 10)
	s := New(Config{Tool: delvetest.Dlv(t), Listener: ln, Dir: t.TempDir(), Warn: func(text string) { warned <- text }})
	t.Cleanup(func() { s.Close() })
	return s, warned
}

// stopAt has a request reach the breakpoint, and returns the answer that is still to come.
func stopAt(t *testing.T, c *delvetest.Client, url string) <-chan string {
	t.Helper()
	c.Halt()
	answer := get(url)
	if got, err := c.Continue(); got != line {
		t.Fatalf("the program stopped in line %d, %v; want %d", got, err, line)
	}
	return answer
}

// TestBreakpoint: a client stops a program at a line and lets it go on. The next process is debugged at the same address, and the one
// before answers the request that stood at a breakpoint.
func TestBreakpoint(t *testing.T) {
	t.Parallel()
	s, warned := serve(t)
	binary, source := build(t)
	one := run(t, binary, "one")
	early := delvetest.Connect(t, s.Addr()) // waits for a process
	s.Target(one.Process.Pid, one.gone)
	early.Break(source, line)
	answer := stopAt(t, early, one.url)
	go early.Continue()
	if got := wait(t, "answer", answer); got != "one /" {
		t.Errorf("/ = %q", got)
	}

	second := delvetest.Connect(t, s.Addr()) // several clients
	answer = stopAt(t, second, one.url+"/held")
	two := run(t, binary, "two")
	s.Target(two.Process.Pid, two.gone)
	if got := wait(t, "answer", answer); got != "one /held" {
		t.Errorf("/held = %q", got)
	}
	third := delvetest.Connect(t, s.Addr())
	third.Break(source, line)
	answer = stopAt(t, third, two.url)
	if second.Call("State", map[string]any{"NonBlocking": true}, nil) == nil {
		t.Error("a client of the process before is still connected")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := wait(t, "answer", answer); got != "two /" {
		t.Errorf("/ = %q after Close", got)
	}
	select {
	case text := <-warned:
		t.Errorf("warned: %s", text)
	case <-two.gone:
		t.Error("the process has ended with its debugger")
	default:
	}
}

// TestClientEndsDlv: an IDE that detaches ends its dlv; the program goes on, and the next client finds another.
func TestClientEndsDlv(t *testing.T) {
	t.Parallel()
	s, _ := serve(t)
	binary, source := build(t)
	one := run(t, binary, "one")
	s.Target(one.Process.Pid, one.gone)
	c := delvetest.Connect(t, s.Addr())
	c.Halt()
	first := s.bring()
	c.Call("Detach", map[string]any{"Kill": false}, nil)
	wait(t, "end of dlv", first.done)
	if got := wait(t, "answer", get(one.url)); got != "one /" {
		t.Errorf("/ = %q", got)
	}
	c = delvetest.Connect(t, s.Addr())
	c.Break(source, line)
	answer := stopAt(t, c, one.url+"/again")
	go c.Continue()
	if got := wait(t, "answer", answer); got != "one /again" {
		t.Errorf("/again = %q", got)
	}
}

// TestProcessEnds: dlv ends with a process that was killed, also where that stood at a breakpoint, and clients wait for the next.
func TestProcessEnds(t *testing.T) {
	t.Parallel()
	s, _ := serve(t)
	binary, source := build(t)
	one := run(t, binary, "one")
	s.Target(one.Process.Pid, one.gone)
	first := s.bring()
	one.Process.Kill()
	wait(t, "end", one.gone)
	wait(t, "end of dlv", first.done)
	waiting := delvetest.Connect(t, s.Addr())
	two := run(t, binary, "two")
	s.Target(two.Process.Pid, two.gone)
	waiting.Break(source, line)
	stopAt(t, waiting, two.url)
	two.Process.Kill()
	three := run(t, binary, "three")
	s.Target(three.Process.Pid, three.gone)
	wait(t, "end", two.gone)
	if got := wait(t, "answer", get(three.url)); got != "three /" {
		t.Errorf("/ = %q", got)
	}
}

// TestCannotAttach: a process that cannot be debugged is told with dlv's own words.
func TestCannotAttach(t *testing.T) {
	t.Parallel()
	s, _ := serve(t)
	other, warned := serve(t)
	binary, _ := build(t)
	one := run(t, binary, "one")
	s.Target(one.Process.Pid, one.gone)
	s.bring()
	other.Target(one.Process.Pid, one.gone) // a process has one debugger
	if text := wait(t, "warning", warned); !strings.Contains(text, "delve cannot attach to process") || !strings.Contains(text, "docs/debugging.md") {
		t.Errorf("warned: %s", text)
	}
	if got := wait(t, "answer", get(one.url)); got != "one /" {
		t.Errorf("/ = %q", got)
	}
}

// TestFind: without dlv the error says how to install it.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(goTool, filepath.Join(dir, "go")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("GOBIN", filepath.Join(dir, "bin"))
	t.Setenv("GOPATH", filepath.Join(dir, "path"))
	if _, err := Find(t.Context()); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "go install github.com/go-delve/delve/cmd/dlv@latest") {
		t.Errorf("Find = %v", err)
	}
	for _, place := range []string{"path/bin/dlv", "bin/dlv", "dlv"} { // the later ones win
		file := filepath.Join(dir, place)
		os.MkdirAll(filepath.Dir(file), 0o700)
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if got, err := Find(t.Context()); err != nil || got != file {
			t.Errorf("Find = %q, %v, want %q", got, err, file)
		}
	}
}
