package rules

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// A worker is a program that runs under the test's own command of its agent.
type worker struct {
	t       *testing.T
	dir     string
	cmd     *exec.Cmd
	control net.Conn
	replies *bufio.Scanner
	stdin   io.WriteCloser
	stdout  *bufio.Scanner
	nextID  uint64
}

// hire starts the program with a control socket.
func hire(t *testing.T, name string, r run) *worker {
	t.Helper()
	bin := build(t, name, r.Flags...)
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	ours, theirs := os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control")
	defer theirs.Close()
	w := &worker{t: t}
	if w.control, err = net.FileConn(ours); err != nil {
		t.Fatal(err)
	}
	ours.Close()
	w.replies = bufio.NewScanner(w.control)
	cfg := configure(t, r)
	cfg.ControlFD, w.dir = 3, cfg.JournalDir
	w.cmd = exec.Command(bin, r.Args...)
	w.cmd.Env = append(append(os.Environ(), wire.Env+"="+writeConfig(t, cfg)), r.Env...)
	w.cmd.ExtraFiles = append([]*os.File{theirs}, r.Files...)
	w.cmd.Stderr = os.Stderr
	w.stdin, _ = w.cmd.StdinPipe()
	out, _ := w.cmd.StdoutPipe()
	w.stdout = bufio.NewScanner(out)
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.cmd.Process.Kill()
		w.cmd.Wait()
		w.control.Close()
	})
	w.expect(wire.Hello)
	return w
}

func (w *worker) expect(kind string) wire.Message {
	w.t.Helper()
	w.control.SetReadDeadline(time.Now().Add(time.Minute))
	var m wire.Message
	for w.replies.Scan() {
		if err := json.Unmarshal(w.replies.Bytes(), &m); err != nil {
			w.t.Fatal(err)
		}
		if m.Type == kind {
			return m
		}
	}
	w.t.Fatalf("the agent went without %s: %v", kind, w.replies.Err())
	return m
}

// tell sends a command and waits until it is carried out.
func (w *worker) tell(m wire.Message) {
	w.t.Helper()
	w.nextID++
	m.ID = w.nextID
	text, _ := json.Marshal(m)
	if _, err := w.control.Write(append(text, '\n')); err != nil {
		w.t.Fatal(err)
	}
	if done := w.expect(wire.Done); done.ID != m.ID || done.Error != "" {
		w.t.Fatalf("%s was answered %+v", m.Type, done)
	}
}

func (w *worker) line() string {
	w.t.Helper()
	if !w.stdout.Scan() {
		w.t.Fatalf("the program's output ended: %v", w.stdout.Err())
	}
	return w.stdout.Text()
}

// rest returns what the program still prints, once its input is closed, and its events.
func (w *worker) rest() result {
	w.t.Helper()
	w.stdin.Close()
	var r result
	for w.stdout.Scan() {
		r.Lines = append(r.Lines, w.stdout.Text())
	}
	if err := w.cmd.Wait(); err != nil {
		w.t.Fatal(err)
	}
	r.Events = events(w.t, w.dir)
	return r
}

// peer accepts one connection on loopback and tells when it has ended.
func peer(t *testing.T) (addr string, ended chan error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended = make(chan error, 1)
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			ended <- err
			return
		}
		defer c.Close()
		c.SetReadDeadline(time.Now().Add(time.Minute))
		_, err = io.Copy(io.Discard, c)
		ended <- err
	}()
	return l.Addr().String(), ended
}

func TestReclaim(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"pooled", "blocked"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			addr, ended := peer(t)
			w := hire(t, "probe", run{Args: []string{"idle", addr, how}, Standins: []sandbox.Standin{{Local: addr}}})
			w.line()
			w.tell(wire.Message{Type: wire.Clock, Offset: 119 * time.Second})
			select {
			case err := <-ended:
				t.Fatalf("the connection ended before its two minutes: %v", err)
			default:
			}
			w.tell(wire.Message{Type: wire.Clock, Offset: 121*time.Second + 500*time.Millisecond})
			if err := <-ended; err != nil {
				t.Errorf("the peer saw %v, want the end", err)
			}
			got := w.rest()
			pipe := func(op string) string {
				return op + ": " + op + " tcp LOCAL->" + addr + ": " + op + ": broken pipe [errno 32, OpError true]"
			}
			want := []string{pipe("write"), pipe("read"), "deadline: ok", "close: ok"}
			if how == "blocked" {
				want = append([]string{pipe("read")}, want...)
			}
			for i, line := range got.Lines {
				if at, arrow := strings.Index(line, "127.0.0.1:"), strings.Index(line, "->"); at > 0 && arrow > at {
					got.Lines[i] = line[:at] + "LOCAL" + line[arrow:]
				}
			}
			if len(got.Lines) == 0 || !slices.Equal(got.Lines[:len(got.Lines)-1], want) || !strings.Contains(got.Lines[len(got.Lines)-1], "use of closed") {
				t.Errorf("printed\n\t%s\nwant\n\t%s\n\tclose again: ... use of closed network connection", strings.Join(got.Lines, "\n\t"), strings.Join(want, "\n\t"))
			}
			if n := len(got.of(sandbox.KindReclaim)); n != 1 {
				t.Errorf("%d reclaim events, want 1", n)
			}
		})
	}
}

// A connection that the program has lost stays until it is reclaimed, as in production; without reclaim its finalizer
// closes it, as without the rules.
func TestLost(t *testing.T) {
	t.Parallel()
	addr, ended := peer(t)
	w := hire(t, "probe", run{Args: []string{"lost", addr}, Standins: []sandbox.Standin{{Local: addr}}})
	w.line()
	select {
	case err := <-ended:
		t.Fatalf("the connection ended before its two minutes: %v", err)
	default:
	}
	w.tell(wire.Message{Type: wire.Clock, Offset: 121*time.Second + 500*time.Millisecond})
	if err := <-ended; err != nil {
		t.Errorf("the peer saw %v, want the end", err)
	}
	if n := len(w.rest().of(sandbox.KindReclaim)); n != 1 {
		t.Errorf("%d reclaim events, want 1", n)
	}

	addr, ended = peer(t)
	w = hire(t, "probe", run{Profile: "open", Args: []string{"lost", addr}})
	w.line()
	if err := <-ended; err != nil {
		t.Errorf("the peer saw %v, want the end", err)
	}
	if n := len(w.rest().of(sandbox.KindClose)); n != 1 {
		t.Errorf("%d close events, want 1", n)
	}
}
