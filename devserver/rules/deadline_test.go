//go:build linux

package rules

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// deadlineEnforced cuts operations off.
func deadlineEnforced(p *sandbox.Policy) {
	p.Rules[sandbox.RuleDeadline] = sandbox.RuleSetting{Mode: sandbox.ModeEnforce}
}

// A read that waits for longer than a minute by the sandbox's clock ends with production's error, and the connection
// stays usable.
func TestDeadlineCutsOff(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "udp"} {
		for _, own := range []string{"", "own"} {
			t.Run(network+own, func(t *testing.T) {
				t.Parallel()
				addr := echo(t)
				if network == "udp" {
					addr = echoUDP(t)
				}
				r := run{Args: []string{"slow", network, db}, Standins: listed(addr), Change: deadlineEnforced}
				if own != "" {
					r.Args = append(r.Args, own)
				}
				w := hire(t, "probe", r)
				w.line()
				w.tell(wire.Message{Type: wire.Clock, Offset: 61 * time.Second})
				got := w.rest()
				withoutPorts(got.Lines)
				wantLines(t, got, "read: read "+network+" LOCAL->93.184.216.34:80: "+cancelled+" [errno 110, OpError true]", "timeout true", "write: ok", `read "again" <nil>`, "close: ok")
				cut := got.of(sandbox.KindReceive)
				if len(cut) != 2 || cut[0].Rule != sandbox.RuleDeadline || cut[0].Error != cancelled || cut[1].Rule != "" {
					t.Errorf("receives %+v, want the first cut off by rule deadline", cut)
				}
			})
		}
	}
}

// A write that nobody takes is cut off too; what went out is told.
func TestDeadlineCutsWrites(t *testing.T) {
	t.Parallel()
	filled := make(chan struct{})
	addr := serve(t, func(c net.Conn) { <-filled })
	t.Cleanup(func() { close(filled) })
	w := hire(t, "probe", run{Args: []string{"full", db}, Standins: listed(addr), Change: deadlineEnforced})
	w.line()
	w.tell(wire.Message{Type: wire.Clock, Offset: 61 * time.Second})
	got := w.rest()
	withoutPorts(got.Lines)
	wantLines(t, got, "some true", "write: write tcp LOCAL->93.184.216.34:80: The API call remote_socket.Send() took too long to respond and was cancelled. [errno 110, OpError true]")
}

// By default the same is only reported: the operation goes on, and its event carries the rule.
func TestDeadlineReports(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	addr := serve(t, func(c net.Conn) {
		<-asked
		c.Write([]byte("late"))
		io.Copy(c, c)
	})
	w := hire(t, "probe", run{Args: []string{"slow", "tcp", db}, Standins: listed(addr)})
	w.line()
	w.tell(wire.Message{Type: wire.Clock, Offset: 61 * time.Second})
	close(asked)
	if got := w.line(); got != "read: ok" {
		t.Errorf("printed %q, want read: ok", got)
	}
	w.cmd.Process.Kill()
	w.cmd.Wait()
	received := result{Events: events(t, w.dir)}.of(sandbox.KindReceive)
	if len(received) == 0 || received[0].Rule != sandbox.RuleDeadline || received[0].Bytes != 4 || received[0].Error != "" {
		t.Errorf("receives %+v, want the first reported by rule deadline", received)
	}
}

// A handler that waits for a slow peer is told, and a connection that waits in a pool is dropped: the next request
// dials anew. The line of the handler's own error names the call.
func TestDeadlineInHandlers(t *testing.T) {
	t.Parallel()
	asked, enough := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	slow := serve(t, func(c net.Conn) {
		http.ReadRequest(bufio.NewReader(c))
		if calls.Add(1) == 1 { // the program asks itself again, once it was cut off too
			close(asked)
			<-enough
		}
	})
	t.Cleanup(func() { close(enough) })
	r := run{Standins: append(standin("slow.example.com:80", slow), standin("reused.example.com:80", pages(t))...), Change: deadlineEnforced}
	w := hire(t, "webapp", asking(t, r, "/first", "pause net/http.(*persistConn).readLoop", "gone net/http.(*persistConn).readLoop", "/second", "/slow"))
	if got := []string{w.line(), w.line()}; !slices.Equal(got, []string{"/first page", "pause"}) {
		t.Fatalf("printed %q", got)
	}
	w.tell(wire.Message{Type: wire.Clock, Offset: 61 * time.Second})
	io.WriteString(w.stdin, "\n")
	if got := w.line(); got != "/second page" {
		t.Errorf("printed %q, want /second page", got)
	}
	<-asked
	if got := w.line(); got != "slow waits" {
		t.Errorf("printed %q, want slow waits", got)
	}
	w.tell(wire.Message{Type: wire.Clock, Offset: 122 * time.Second})
	got := w.rest()
	told := slices.IndexFunc(got.Lines, func(line string) bool { return strings.HasPrefix(line, "handler: ") })
	if told < 0 || !strings.HasSuffix(got.Lines[told], cancelled) {
		t.Errorf("printed %q, want the handler's error to end in %q", got.Lines, cancelled)
	}
	if n := len(got.opened()["reused.example.com"]); n != 2 {
		t.Errorf("%d connections to the page's host, want 2: the first one was cut off while it waited in the pool", n)
	}
}

// pages serves one page over connections that it keeps.
func pages(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "page") }))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// The reader of a grpc channel is told while nobody asks anything; the channel connects anew and the next call works.
func TestDeadlineInDriver(t *testing.T) {
	t.Parallel()
	channel := grpc(t)
	r := run{Env: []string{"GRPC=grpc.example.com:443", "REDIS=cache.example.com:6379"}, Standins: standin("grpc.example.com:443", channel), Change: deadlineEnforced}
	for _, name := range []string{"cache", "db", "sql", "pool", "warm"} { // what the app opens besides: refused, and no name server is asked
		r.Standins = append(r.Standins, standin(name+".example.com:9", channel)...)
	}
	w := hire(t, "drivers", asking(t, r, "/grpc", "wait google.golang.org/grpc/internal/transport.(*http2Client).reader", "/lost", "/grpc"))
	if got := w.line(); got != "/grpc SERVING" {
		t.Fatalf("printed %q", got)
	}
	said := w.line()
	for moves := time.Duration(1); said == "waits" && moves <= 10; moves++ {
		w.tell(wire.Message{Type: wire.Clock, Offset: moves * 61 * time.Second})
		io.WriteString(w.stdin, "\n")
		said = w.line()
	}
	if said != "over" {
		t.Fatalf("printed %q, want the reader to be told", said)
	}
	got := w.rest()
	wantLines(t, got, "/lost true", "/grpc SERVING")
	if n := len(got.opened()["grpc.example.com"]); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
	cut := slices.ContainsFunc(got.of(sandbox.KindReceive), func(e sandbox.Event) bool { return e.Rule == sandbox.RuleDeadline && e.Error == cancelled })
	if !cut {
		t.Error("no receive was cut off by rule deadline")
	}
}
