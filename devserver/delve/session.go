package delve

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	attachLimit = time.Minute     // a large program's debug information is read first
	letGoLimit  = 5 * time.Second // until dlv is killed
	maxWords    = 20              // lines of dlv that are kept for an error
)

// session is a dlv that is attached to a process.
type session struct {
	cmd  *exec.Cmd
	addr string          // where it listens
	done chan struct{}   // closed when dlv has ended
	gone <-chan struct{} // closed when the process has ended

	mu    sync.Mutex
	words []string // the end of what it said; guarded by mu
}

// start attaches a dlv to a process and lets that go on. It returns when the process runs.
func start(ctx context.Context, tool, dir string, pid int) (*session, error) {
	s := &session{done: make(chan struct{})}
	s.cmd = exec.Command(tool, "attach", strconv.Itoa(pid), "--headless", "--accept-multiclient", "--continue", "--api-version=2", "--listen=127.0.0.1:0")
	s.cmd.Dir = dir
	s.cmd.SysProcAttr = dieWithUs(&syscall.SysProcAttr{Setpgid: true}) // Ctrl-C is for us: dlv lets go when we tell it
	said, w := io.Pipe()
	s.cmd.Stdout, s.cmd.Stderr = w, w
	addr := make(chan string, 1)
	go s.hear(said, addr)
	started := make(chan error, 1)
	go s.run(started, w)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start Delve: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, attachLimit)
	defer cancel()
	err := s.await(ctx, addr)
	if err != nil {
		s.end()
		return nil, s.explain(pid, err)
	}
	return s, nil
}

// run starts dlv and waits for its end on one thread: on Linux it is told of our end when the thread ends that started it.
func (s *session) run(started chan<- error, w *io.PipeWriter) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(s.done)
	defer w.Close()
	err := s.cmd.Start()
	started <- err
	if err == nil {
		s.cmd.Wait()
	}
}

const listensAt = "API server listening at: "

// hear reads what dlv says: where it listens, and what is wrong.
func (s *session) hear(said io.Reader, addr chan<- string) {
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), listensAt); ok {
			select {
			case addr <- at:
			default:
			}
			continue
		}
		s.mu.Lock()
		s.words = append(s.words, lines.Text())
		s.words = slices.Clone(s.words[max(len(s.words)-maxWords, 0):])
		s.mu.Unlock()
	}
	io.Copy(io.Discard, said) // a line too long
}

// await waits until dlv has attached and the process runs again.
func (s *session) await(ctx context.Context, addr <-chan string) error {
	select {
	case s.addr = <-addr:
	case <-s.done:
		return errors.New("it ended")
	case <-ctx.Done():
		return ctx.Err()
	}
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	answers := json.NewDecoder(c)
	for began := time.Now(); ; { // it answers when it has attached; --continue comes a moment later
		if _, err := io.WriteString(c, `{"method":"RPCServer.State","params":[{"NonBlocking":true}],"id":1}`); err != nil {
			return err
		}
		var a struct {
			Result struct {
				State struct{ Running, Exited bool }
			}
			Error any
		}
		if err := answers.Decode(&a); err != nil {
			return err
		}
		if a.Error != nil {
			return fmt.Errorf("%v", a.Error)
		}
		if a.Result.State.Running || a.Result.State.Exited || time.Since(began) > letGoLimit { // stopped again: by a panic, say
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

// dial connects to dlv.
func (s *session) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", s.addr)
}

// end has dlv let go of its process, and waits for dlv's end.
func (s *session) end() {
	if s.cmd.Process == nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGINT)
	patience := time.NewTimer(letGoLimit)
	defer patience.Stop()
	select {
	case <-s.done:
	case <-patience.C:
		s.cmd.Process.Kill()
		<-s.done
	}
}

// explain says why a process is not debugged, and what to do.
func (s *session) explain(pid int, err error) error {
	s.mu.Lock()
	words := strings.Join(s.words, "\n")
	s.mu.Unlock()
	if words == "" {
		words = err.Error()
	}
	way := "docs/debugging.md says what it needs"
	if strings.Contains(words, "ptrace_scope") {
		way = "the kernel lets only a parent debug a process: write 0 to /proc/sys/kernel/yama/ptrace_scope"
	}
	return fmt.Errorf("delve cannot attach to process %d, the app goes on without a debugger: %s; %s", pid, words, way)
}
