//go:build linux && (amd64 || arm64)

package rules

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

func reportDescriptors(p *sandbox.Policy) {
	p.Rules[sandbox.RuleDescriptor] = sandbox.RuleSetting{Mode: sandbox.ModeReport}
}

// A reclaim ends the socket, and not what has its number by then.
func TestReclaimOfAnotherNumber(t *testing.T) {
	t.Parallel()
	idle, ended := peer(t)
	busy, _ := peer(t)
	w := hire(t, "probe", run{Args: []string{"reused", idle, busy}, Standins: []sandbox.Standin{{Local: idle}, {Local: busy}}, Change: reportDescriptors})
	if line := w.line(); line != "the number again true" {
		t.Fatalf("printed %q", line)
	}
	w.tell(wire.Message{Type: wire.Clock, Offset: time.Minute})
	io.WriteString(w.stdin, "\n")
	if line := w.line(); line != "write: ok" {
		t.Fatalf("printed %q", line)
	}
	w.tell(wire.Message{Type: wire.Clock, Offset: 121*time.Second + 500*time.Millisecond})
	got := w.rest()
	wantLines(t, got, "write: ok", "write to the second number: broken pipe [errno 32, OpError false]")
	if err := <-ended; err != nil {
		t.Errorf("the peer saw %v, want the end", err)
	}
}

// Closing a duplicate closes no connection.
func TestConnectionOutlivesFile(t *testing.T) {
	t.Parallel()
	addr, ended := peer(t)
	w := hire(t, "probe", run{Args: []string{"returned", addr}, Standins: []sandbox.Standin{{Local: addr}}, Change: reportDescriptors})
	w.line()
	w.line()
	w.tell(wire.Message{Type: wire.Clock, Offset: 121*time.Second + 500*time.Millisecond})
	got := w.rest()
	if len(got.Lines) != 2 || !strings.HasSuffix(got.Lines[0], "write: broken pipe [errno 32, OpError true]") || got.Lines[1] != "close: ok" {
		t.Errorf("printed %q, want a broken pipe: the connection was idle for too long", got.Lines)
	}
	if err := <-ended; err != nil {
		t.Errorf("the peer saw %v, want the end", err)
	}
	if r, c := len(got.of(sandbox.KindReclaim)), len(got.of(sandbox.KindClose)); r != 1 || c != 0 {
		t.Errorf("%d reclaim and %d close events, want one reclaim", r, c)
	}
}

// A duplicate keeps the connection, and that is reclaimed all the same.
func TestFileOutlivesConnection(t *testing.T) {
	t.Parallel()
	addr, ended := peer(t)
	w := hire(t, "probe", run{Args: []string{"kept", addr}, Standins: []sandbox.Standin{{Local: addr}}, Change: reportDescriptors})
	for _, want := range []string{"file: ok", "close: ok", "write: ok"} {
		if line := w.line(); line != want {
			t.Fatalf("printed %q, want %q", line, want)
		}
	}
	w.tell(wire.Message{Type: wire.Clock, Offset: 121*time.Second + 500*time.Millisecond})
	got := w.rest()
	if len(got.Lines) != 2 || !strings.HasSuffix(got.Lines[0], ": broken pipe [errno 32, OpError false]") || got.Lines[1] != "close the file: ok" {
		t.Errorf("printed %q, want a broken pipe: the connection was idle for too long", got.Lines)
	}
	if err := <-ended; err != nil {
		t.Errorf("the peer saw %v, want the end", err)
	}
	if r, c := len(got.of(sandbox.KindReclaim)), len(got.of(sandbox.KindClose)); r != 1 || c != 0 {
		t.Errorf("%d reclaim and %d close events, want one reclaim", r, c)
	}
}

// A file that dup3 puts in a connection's place is no socket; where dup3 fails, the connection stays.
func TestNumberGoesToFile(t *testing.T) {
	t.Parallel()
	addr := echo(t)
	got := start(t, "probe", run{Args: []string{"replaced", addr}, Standins: []sandbox.Standin{{Local: addr}}})
	wantLines(t, got, "dup3: ok", "write 13 <nil>", "dup3 of nothing: bad file descriptor [errno 9, OpError false]")
	wantBytes(t, got, 0, 0)
	if e := got.of(sandbox.KindClose); len(e) != 1 {
		t.Errorf("close events %+v, want one", e)
	}
}

// Whoever holds the descriptor in Control holds up neither the clock nor other reclaims.
func TestReclaimOfHeldDescriptor(t *testing.T) {
	t.Parallel()
	addr, ended := peer(t)
	w := hire(t, "probe", run{Args: []string{"held", addr}, Standins: []sandbox.Standin{{Local: addr}}})
	w.line()
	w.tell(wire.Message{Type: wire.Clock, Offset: 121*time.Second + 500*time.Millisecond})
	if err := <-ended; err != nil {
		t.Errorf("the peer saw %v, want the end", err)
	}
	got := w.rest()
	withoutPorts(got.Lines)
	if len(got.Lines) != 5 {
		t.Fatalf("printed %q", got.Lines)
	}
	wantLines(t, result{Lines: got.Lines[:4]}, "write inside: broken pipe [errno 32, OpError false]", "control: ok",
		"write: write tcp LOCAL->"+addr+": write: broken pipe [errno 32, OpError true]", "close: ok")
	if !strings.Contains(got.Lines[4], "use of closed") {
		t.Errorf("printed %q after the second close", got.Lines[4])
	}
	if e := got.of(sandbox.KindShutdown); len(e) != 0 {
		t.Errorf("the program shut nothing down: %+v", e)
	}
}

// A reclaim ends a read by number on a socket that the program was started with.
func TestReclaimOfInherited(t *testing.T) {
	t.Parallel()
	addr, ended := peer(t)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.(*net.TCPConn).File()
	c.Close()
	if err != nil {
		t.Fatal(err)
	}
	w := hire(t, "probe", run{Args: []string{"handed"}, Change: reportDescriptors, Files: []*os.File{f}})
	f.Close()
	for _, want := range []string{"write: ok", "open"} {
		if line := w.line(); line != want {
			t.Fatalf("printed %q, want %q", line, want)
		}
	}
	w.tell(wire.Message{Type: wire.Clock, Offset: 121*time.Second + 500*time.Millisecond})
	if err := <-ended; err != nil {
		t.Errorf("the peer saw %v, want the end", err)
	}
	wantLines(t, w.rest(), "read: broken pipe [errno 32, OpError false]")
}

// A listener that the program was started with is one all the same: judged as such, and never idle where that is allowed.
func TestInheritedListener(t *testing.T) {
	t.Parallel()
	for _, mode := range []sandbox.Mode{sandbox.ModeEnforce, sandbox.ModeReport} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		w := hire(t, "probe", run{Args: []string{"listener"}, Files: []*os.File{f}, Change: func(p *sandbox.Policy) {
			reportDescriptors(p)
			p.Rules[sandbox.RuleListen] = sandbox.RuleSetting{Mode: mode}
		}})
		f.Close()
		if mode == sandbox.ModeEnforce {
			wantLines(t, w.rest(), "listener: file file+net listener: listen: permission denied [errno 13, OpError true]")
			l.Close()
			continue
		}
		w.line()
		w.tell(wire.Message{Type: wire.Clock, Offset: 121*time.Second + 500*time.Millisecond})
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		wantLines(t, w.rest(), "accept: ok", "write: ok")
		c.Close()
	}
}
