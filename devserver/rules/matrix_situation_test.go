package rules

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// prodHost is the name of every server in production.
const prodHost = "app.example.com"

// idle is a little more than production lets a socket rest.
const idle = 2*time.Minute + 500*time.Millisecond

// A situation is what befalls an app that uses a library.
type situation struct {
	name  string
	steps func(a *matrixApp)
	addr  func(l library, server string) string // what the app dials; nil is the server's address in production
	used  sandbox.Resource                      // what other workers have used up before the start
	keep  bool                                  // the library is told to keep the connection in use
}

// The situations by their place in an array of outcomes.
const (
	whenServed = iota
	whenDenied
	whenReclaimed
	whenOverConnects
	whenOverSends
	whenKept
)

var situations = [...]situation{
	whenServed: {name: "success", steps: func(a *matrixApp) { a.use(); a.use() }},
	whenDenied: {name: "denied", steps: (*matrixApp).use, addr: func(l library, server string) string { return cmp.Or(l.denied, server) }},
	whenReclaimed: {name: "reclaimed", steps: func(a *matrixApp) {
		a.use()
		a.say("rest")
		a.tell(wire.Message{Type: wire.Clock, Offset: idle})
		a.say("rest")
		a.use()
		a.use()
	}},
	whenOverConnects: {name: "connect quota", steps: (*matrixApp).use, used: sandbox.ResourceConnect},
	whenOverSends: {name: "send quota", steps: func(a *matrixApp) {
		a.use()
		useUp(a.t, a.usage, sandbox.ResourceSend)
		a.use()
	}},
	whenKept: {name: "kept in use", keep: true, steps: func(a *matrixApp) {
		a.use()
		a.say("rest") // what the library still says after an answer is said
		a.tell(wire.Message{Type: wire.Clock, Offset: idle - 30*time.Second})
		a.relay.next(a.t) // gRPC's comes after ten seconds, which the sandbox's clock counts too
		a.tell(wire.Message{Type: wire.Clock, Offset: 2 * (idle - 30*time.Second)})
		a.use()
	}},
}

// An outcome is what the app was told and what was recorded.
type outcome struct {
	uses      []string // what the program printed for each use
	reclaimed int      // sockets
	denials   map[sandbox.Rule]int
	reports   map[sandbox.Rule]int
	events    []sandbox.Event
}

// run has an app in each situation and compares the outcomes with the document.
func (l library) run(t *testing.T) {
	t.Parallel()
	server := l.serve(t)
	var outcomes [len(situations)]outcome
	t.Run("in", func(t *testing.T) {
		for i, s := range situations {
			if s.keep && l.keep == "" {
				continue
			}
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				outcomes[i] = l.suffer(t, s, server)
				outcomes[i].check(t, i)
			})
		}
	})
	if !t.Failed() {
		l.compare(t, outcomes[:])
	}
}

// A matrixApp is testdata/matrix in one situation.
type matrixApp struct {
	*worker
	server string
	usage  string // file
	relay  *relay // nil but in whenKept
	uses   []string
}

func (l library) suffer(t *testing.T, s situation, server string) outcome {
	a := &matrixApp{server: server}
	addr, local := net.JoinHostPort(prodHost, l.port), server
	r := run{Config: func(c *wire.Config) {
		a.usage = c.Usage
		if s.used != "" {
			useUp(t, c.Usage, s.used)
		}
	}}
	if s.keep {
		a.relay = newRelay(t, l.keep, server)
		local, r.Env = a.relay.addr, []string{"KEEPALIVE=1"}
	}
	r.Standins = standin(addr, local)
	if s.addr != nil {
		addr = s.addr(l, server)
	}
	r.Args = []string{l.word, addr}
	a.worker = hire(t, "matrix", r)
	s.steps(a)
	return a.outcome()
}

func (a *matrixApp) outcome() outcome {
	a.t.Helper()
	o := outcome{uses: a.uses, denials: map[sandbox.Rule]int{}, reports: map[sandbox.Rule]int{}, events: a.rest().Events}
	for _, e := range o.events {
		switch {
		case e.Kind == sandbox.KindReclaim:
			o.reclaimed++
		case e.Kind == sandbox.KindDeny:
			o.denials[e.Rule]++
		case e.Rule != "" && e.Rule != sandbox.RuleDeadline && e.Error == "": // the clock was moved while a read waited
			o.reports[e.Rule]++
		}
	}
	return o
}

// check fails where the situation itself did not come about, whatever the document says. A denied socket option is
// the library's affair: what it does without is in the document.
func (o outcome) check(t *testing.T, situation int) {
	t.Helper()
	well := o.uses[:1]
	switch situation {
	case whenDenied, whenOverConnects:
		well = nil
	case whenServed, whenKept:
		well = o.uses
	}
	for _, use := range well {
		if use != "ok" {
			t.Errorf("the library was told %q with nothing in its way", use)
		}
	}
	refused := 0
	for rule, n := range o.denials {
		if rule != sandbox.RuleOption {
			refused += n
		}
	}
	switch {
	case len(well) == len(o.uses) && (refused > 0 || o.reclaimed > 0):
		t.Errorf("denials %v and %d sockets reclaimed, want none", o.denials, o.reclaimed)
	case situation == whenDenied && (o.uses[0] == "ok" || refused == 0):
		t.Errorf("a denied address answered %q, with the denials %v", o.uses[0], o.denials)
	case situation == whenOverSends && o.denials[sandbox.RuleQuota] == 0:
		t.Error("no send was over the quota")
	}
}

// use has the app use the library and keeps what it says.
func (a *matrixApp) use() {
	a.t.Helper()
	a.uses = append(a.uses, a.plain(a.say("use")))
}

// say has the program carry out a command and returns what it prints.
func (a *matrixApp) say(command string) string {
	a.t.Helper()
	if _, err := fmt.Fprintln(a.stdin, command); err != nil {
		a.t.Fatal(err)
	}
	return a.line()
}

var localAddr = regexp.MustCompile(`(127\.0\.0\.1|\[::\]|0\.0\.0\.0):\d+`)

// plain takes out what differs from run to run.
func (a *matrixApp) plain(line string) string {
	return localAddr.ReplaceAllString(strings.ReplaceAll(line, a.server, "SERVER"), "LOCAL")
}

// useUp has another worker of the app use all that the day has of a resource; usage is the file that they share.
func useUp(t *testing.T, usage string, r sandbox.Resource) {
	t.Helper()
	f, err := os.OpenFile(usage, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mem, err := syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(mem)
	u := sandbox.NewUsage(mem)
	if err := u.Reserve(time.Now().UnixNano(), r, 1<<32, sandbox.Limit{PerMinute: sandbox.Unlimited, PerDay: sandbox.Unlimited}); err != nil {
		t.Fatal(err)
	}
}
