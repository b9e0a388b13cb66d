//go:build linux

package rules

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// deadlineEnforced cuts operations off.
func deadlineEnforced(p *sandbox.Policy) {
	p.Rules[sandbox.RuleDeadline] = sandbox.RuleSetting{Mode: sandbox.ModeEnforce}
}

const cancelled = "The API call remote_socket.Receive() took too long to respond and was cancelled."

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
