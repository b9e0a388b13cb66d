package worker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/worker"
	"github.com/seed-d81df0db/devserver/devserver/worker/workertest"
	"github.com/seed-d81df0db/devserver/runtime/wire"
)

// The test binary is the program too: argument 1 says what it does.
var programs = map[string]func(*workertest.Agent){
	"serve":    serve,
	"silent":   func(*workertest.Agent) { forever() },
	"panic":    func(*workertest.Agent) { panic("at start") },
	"exit":     func(*workertest.Agent) { os.Exit(3) },
	"stubborn": stubborn,
	"noaccept": func(a *workertest.Agent) { a.Say(wire.Message{Type: wire.Accepting}); forever() },
	"garble":   garble,
	"lines":    lines,
}

// forever waits. An empty select would end a program without cgo: all of its goroutines would be asleep.
func forever() {
	for {
		time.Sleep(time.Hour)
	}
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && programs[os.Args[1]] != nil {
		a, err := workertest.Start()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(9)
		}
		programs[os.Args[1]](a)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serve sends every client its address and what the client says.
func serve(a *workertest.Agent) {
	a.Command = func(m wire.Message) error {
		if m.Type == wire.CloseSocket {
			return fmt.Errorf("socket %d is not open", m.Socket)
		}
		fmt.Println("clock", m.Offset)
		return nil
	}
	go a.Serve()
	ln, err := a.Listen()
	if err != nil {
		panic(err)
	}
	fmt.Println("port", os.Getenv("PORT"))
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			fmt.Fprintf(c, "%s at %s\n", c.RemoteAddr(), c.LocalAddr())
			io.Copy(c, c)
		}()
	}
}

// stubborn ignores SIGTERM and so does its child, whose id it prints.
func stubborn(a *workertest.Agent) {
	signal.Ignore(syscall.SIGTERM)
	child := exec.Command("sleep", "1000")
	if err := child.Start(); err != nil {
		panic(err)
	}
	fmt.Println("child", child.Process.Pid)
	a.Say(wire.Message{Type: wire.Accepting})
	forever()
}

func garble(a *workertest.Agent) {
	f := os.NewFile(uintptr(a.Config.ControlFD), "control")
	f.WriteString("this is no message\n")
	a.Say(wire.Message{Type: wire.Accepting})
	os.Exit(0)
}

func lines(*workertest.Agent) {
	for i := range 100 {
		fmt.Println("line", i)
	}
	fmt.Print(strings.Repeat("x", 200<<10))
	fmt.Print("\nno end")
}

// probe is what a test hears of a worker.
type probe struct {
	*worker.Worker
	lines chan string
	said  chan wire.Message
	conf  string
}

func start(t *testing.T, program string) *probe {
	t.Helper()
	p := &probe{lines: make(chan string, 1000), said: make(chan wire.Message, 100), conf: filepath.Join(t.TempDir(), "agent.json")}
	w, err := worker.Start(worker.Config{
		Binary: os.Args[0], Args: []string{program}, Dir: t.TempDir(), Env: []string{"PATH=" + os.Getenv("PATH")},
		Agent: wire.Config{Version: wire.Version, Port: 8081}, ConfigFile: p.conf,
		Output: func(l worker.Line) { p.lines <- l.Text },
		Said:   func(m wire.Message) { p.said <- m },
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Worker = w
	t.Cleanup(func() {
		w.Kill()
		<-w.Done()
	})
	return p
}

func wait[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("%s: nothing for a minute", what)
		panic("unreachable")
	}
}

// number waits for the line "word N" and returns N.
func (p *probe) number(t *testing.T, word string) int {
	t.Helper()
	for {
		line := wait(t, word, p.lines)
		if rest, ok := strings.CutPrefix(line, word+" "); ok {
			n, err := strconv.Atoi(rest)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
}

var client, server = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8081}

func TestHand(t *testing.T) {
	t.Parallel()
	p := start(t, "serve")
	wait(t, "ready", p.Ready())
	if port := p.number(t, "port"); port != 8081 {
		t.Errorf("$PORT = %d, want 8081", port)
	}
	if info, err := os.Stat(p.conf); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the agent's configuration: %v, %v, want mode 0600", info.Mode(), err)
	}
	c, err := p.Hand(t.Context(), client, server)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintln(c, "hello")
	c.(*net.TCPConn).CloseWrite()
	got, err := io.ReadAll(bufio.NewReader(c))
	if want := "192.0.2.7:4711 at 127.0.0.1:8081\nhello\n"; err != nil || string(got) != want {
		t.Errorf("the app's connection says %q, %v, want %q", got, err, want)
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	p := start(t, "serve")
	wait(t, "ready", p.Ready())
	if err := p.SetClock(t.Context(), 2*time.Minute); err != nil {
		t.Errorf("SetClock: %v", err)
	}
	wait(t, "port", p.lines)
	if line := wait(t, "clock", p.lines); line != "clock 2m0s" {
		t.Errorf("the agent was told %q", line)
	}
	if err := p.CloseSocket(t.Context(), 7); err == nil || err.Error() != "socket 7 is not open" {
		t.Errorf("CloseSocket = %v, want the agent's words", err)
	}
	p.Stop(t.Context(), 10*time.Second)
	if err := p.SetClock(t.Context(), 0); !errors.Is(err, worker.ErrGone) {
		t.Errorf("SetClock after the end = %v, want ErrGone", err)
	}
	if _, err := p.Hand(t.Context(), client, server); !errors.Is(err, worker.ErrGone) {
		t.Errorf("Hand after the end = %v, want ErrGone", err)
	}
	if _, err := os.Stat(p.conf); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the agent's configuration is still there: %v", err)
	}
}

// TestNotTaken: what a worker had not accepted when it died is told so, and what waits ends with the client.
func TestNotTaken(t *testing.T) {
	t.Parallel()
	p := start(t, "noaccept")
	wait(t, "ready", p.Ready())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Hand(ctx, client, server); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Hand = %v, want the deadline", err)
	}
	failed := make(chan error)
	for range 3 {
		go func() {
			_, err := p.Hand(t.Context(), client, server)
			failed <- err
		}()
	}
	p.Kill()
	for range 3 {
		if err := wait(t, "Hand", failed); !errors.Is(err, worker.ErrGone) {
			t.Errorf("Hand = %v, want ErrGone", err)
		}
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ program, exit, last string }{
		{"panic", "exit status 2", "panic: at start"},
		{"exit", "exit status 3", ""},
		{"lines", "exit status 0", "no end"},
	} {
		t.Run(tt.program, func(t *testing.T) {
			t.Parallel()
			p := start(t, tt.program)
			wait(t, "done", p.Done())
			if got := p.Exit(); got != tt.exit {
				t.Errorf("Exit() = %q, want %q", got, tt.exit)
			}
			if got := strings.Join(p.LastLines(), "\n"); !strings.Contains(got, tt.last) {
				t.Errorf("LastLines() = %q, want %q in it", got, tt.last)
			}
			select {
			case <-p.Ready():
				t.Error("it is said to be ready")
			default:
			}
		})
	}
}

func TestLastLines(t *testing.T) {
	t.Parallel()
	p := start(t, "lines")
	wait(t, "done", p.Done())
	last := p.LastLines()
	if len(last) != 50 {
		t.Errorf("%d lines are kept, want 50", len(last))
	}
	if want := "line 99"; !slices.Contains(last, want) {
		t.Errorf("%q is not among the last lines", want)
	}
	var long int
	for _, l := range last {
		if strings.HasPrefix(l, "xxx") {
			long += len(l)
		}
	}
	if long != 200<<10 {
		t.Errorf("a line of 200 KiB came in pieces of %d bytes together", long)
	}
}

// TestStopKillsTheGroup: SIGTERM is ignored, the grace passes, and nothing of the group is left.
func TestStopKillsTheGroup(t *testing.T) {
	t.Parallel()
	p := start(t, "stubborn")
	child := p.number(t, "child")
	wait(t, "ready", p.Ready())
	p.Stop(t.Context(), 50*time.Millisecond)
	if got := p.Exit(); got != "signal: killed" {
		t.Errorf("Exit() = %q, want it killed", got)
	}
	if alive(child) {
		t.Errorf("its child %d is alive", child)
	}
}

// TestDeathTakesChildren: a program that ends by itself leaves no child behind.
func TestDeathTakesChildren(t *testing.T) {
	t.Parallel()
	p := start(t, "stubborn")
	child := p.number(t, "child")
	syscall.Kill(p.PID(), syscall.SIGKILL)
	wait(t, "done", p.Done())
	if alive(child) {
		t.Errorf("its child %d is alive", child)
	}
}

// alive tells whether a process runs; a zombie, which waits for whoever inherited it, does not.
func alive(pid int) bool {
	out, _ := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	stat := strings.TrimSpace(string(out))
	return stat != "" && stat[0] != 'Z'
}

func TestStopByContext(t *testing.T) {
	t.Parallel()
	p := start(t, "stubborn")
	wait(t, "ready", p.Ready())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.Stop(ctx, time.Hour)
	wait(t, "done", p.Done())
}

func TestGarbledControl(t *testing.T) {
	t.Parallel()
	p := start(t, "garble")
	for {
		if m := wait(t, "message", p.said); m.Type == worker.Garbled {
			break
		}
	}
	wait(t, "done", p.Done())
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := worker.Start(worker.Config{Binary: filepath.Join(dir, "none"), Dir: dir, ConfigFile: filepath.Join(dir, "agent.json")})
	if err == nil || !strings.HasPrefix(err.Error(), "start the app: ") {
		t.Errorf("Start = %v, want what was tried and why not", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("Start left %v behind", files)
	}
}

// TestDescriptors: workers that come and go leave no descriptor behind.
func TestDescriptors(t *testing.T) {
	count := func() int {
		fds, err := os.ReadDir("/dev/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(fds)
	}
	var before int
	for i := range 6 {
		p := start(t, "serve")
		wait(t, "ready", p.Ready())
		c, err := p.Hand(t.Context(), client, server)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		p.Stop(t.Context(), 10*time.Second)
		if i == 0 {
			before = count()
		}
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
}

func BenchmarkHand(b *testing.B) {
	w, err := worker.Start(worker.Config{
		Binary: os.Args[0], Args: []string{"serve"}, Dir: b.TempDir(),
		Agent: wire.Config{Version: wire.Version, Port: 8081}, ConfigFile: filepath.Join(b.TempDir(), "agent.json"),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Stop(b.Context(), time.Second)
	var n atomic.Int64
	for b.Loop() {
		c, err := w.Hand(b.Context(), client, server)
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
		n.Add(1)
	}
}
