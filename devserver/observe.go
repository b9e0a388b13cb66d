package devserver

import (
	"cmp"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// observer watches the events of one journal go by: it says what was denied and counts what was reclaimed.
type observer struct {
	app       string
	notices   *notifier
	reclaimed *atomic.Int64
	listens   func(addr string)       // told where the app listens besides $PORT, denied or not; nil: nobody is
	sockets   map[uint64]sandbox.Info // that are open
	requests  map[uint64]string       // under way: "GET /orders/7"
}

// What an observer remembers at most, of programs that open sockets and requests without end, or whose events of closing are
// lost. What it forgets is only missing from the words of a denial.
const (
	mostSockets  = 20_000
	mostRequests = 5_000
	longestURL   = 1 << 10
)

// forgetOne makes room in a map that has as many entries as it may.
func forgetOne[V any](m map[uint64]V, most int) {
	for k := range m {
		if len(m) < most {
			return
		}
		delete(m, k)
	}
}

func newObserver(app string, notices *notifier, reclaimed *atomic.Int64) *observer {
	return &observer{app: app, notices: notices, reclaimed: reclaimed, sockets: map[uint64]sandbox.Info{}, requests: map[uint64]string{}}
}

func (o *observer) see(events []sandbox.Event) {
	for i := range events {
		o.event(&events[i])
	}
}

// event takes in one event. An operation that carries a rule without being denied was let through, apart from those
// that notifier.denied names; one that failed on a reclaimed socket its reclaim explains.
func (o *observer) event(e *sandbox.Event) {
	switch e.Kind {
	case sandbox.KindRequestBegin:
		if e.Req != nil {
			forgetOne(o.requests, mostRequests)
			o.requests[e.Request] = e.Req.Method + " " + e.Req.URL[:min(len(e.Req.URL), longestURL)]
		}
		return
	case sandbox.KindRequestEnd:
		delete(o.requests, e.Request)
		return
	}
	info := o.learn(e)
	if e.Kind == sandbox.KindListen || e.Kind == sandbox.KindDeny && e.Rule == sandbox.RuleListen {
		o.listen(info)
	}
	switch {
	case e.Kind == sandbox.KindReclaim:
		o.reclaimed.Add(1)
		delete(o.sockets, e.Socket)
	case e.Kind == sandbox.KindClose:
		delete(o.sockets, e.Socket)
	case e.Kind == sandbox.KindDeny, e.Rule != "" && !explainedByReclaim(e) && !e.Rule.Allows():
		o.deny(e, info)
	}
}

// explainedByReclaim: the operation failed because the socket was reclaimed. Where the rule only reports, it is let
// through and has no error.
func explainedByReclaim(e *sandbox.Event) bool {
	return e.Rule == sandbox.RuleReclaimed && e.Error != ""
}

// learn returns what is known about the event's socket, and keeps it: later events do not repeat it.
func (o *observer) learn(e *sandbox.Event) sandbox.Info {
	known, open := o.sockets[e.Socket]
	if e.Info == nil {
		return known
	}
	known = sandbox.Info{
		Network: cmp.Or(e.Info.Network, known.Network), Host: cmp.Or(e.Info.Host, known.Host),
		Remote: cmp.Or(e.Info.Remote, known.Remote), Local: cmp.Or(e.Info.Local, known.Local),
		Standin: cmp.Or(e.Info.Standin, known.Standin), CallSite: cmp.Or(e.Info.CallSite, known.CallSite),
	}
	if e.Socket != 0 && (open || e.Kind != sandbox.KindDeny) { // what begins with its denial never ends
		if !open {
			forgetOne(o.sockets, mostSockets)
		}
		o.sockets[e.Socket] = known
	}
	return known
}

func (o *observer) listen(i sandbox.Info) {
	if o.listens != nil && i.Local != "" {
		o.listens(i.Local)
	}
}

func (o *observer) deny(e *sandbox.Event, info sandbox.Info) {
	o.notices.denied(Denied{
		App: o.app, Rule: string(e.Rule), Network: info.Network, Destination: destination(info), Addr: deniedAddr(info), CallSite: info.CallSite,
		Reason: e.Detail, Advice: e.Rule.Advice(), Request: o.requests[e.Request], Report: e.Kind != sandbox.KindDeny,
	})
}

// deniedAddr is the address that was judged, when it is known.
func deniedAddr(i sandbox.Info) string {
	a, err := netip.ParseAddrPort(i.Remote)
	if err != nil {
		return ""
	}
	return a.Addr().String()
}

// destination is what the program wants to reach, as far as possible in its own words.
func destination(i sandbox.Info) string {
	remote := cmp.Or(i.Remote, i.Local)
	if i.Host == "" || strings.HasPrefix(remote, i.Host) {
		return remote
	}
	if _, err := netip.ParseAddrPort(remote); err != nil {
		return i.Host
	}
	_, port, _ := net.SplitHostPort(remote)
	return net.JoinHostPort(i.Host, port)
}
