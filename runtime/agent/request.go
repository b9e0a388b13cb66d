package agent

import (
	"unsafe"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// A Request is one that a server of this program handles. Goroutines started meanwhile by the handler's belong to it.
type Request struct {
	a      *Agent
	id     uint64
	start  int64
	info   sandbox.RequestInfo
	before unsafe.Pointer
}

// BeginRequest makes the calling goroutine serve a new request, until its End.
func (a *Agent) BeginRequest(method, url, remote, proto string) *Request {
	r := &Request{a: a, start: a.Now()}
	r.info = sandbox.RequestInfo{Method: method, URL: url, RemoteAddr: remote, Proto: proto}
	r.id = a.Box.BeginRequest(r.info)
	r.before = machine.swap(r.id)
	return r
}

// End records how the request ended: its status, the sizes of its bodies, and whether the handler returned.
func (r *Request) End(status int, in, out int64, returned bool) {
	machine.restore(r.before)
	r.info.Status, r.info.BytesIn, r.info.BytesOut = status, in, out
	failure := ""
	if !returned {
		failure = "the handler panicked"
	}
	r.a.Box.EndRequest(r.id, r.info, r.start, failure)
}

// Serve tells the socket below conn that it works for the calling goroutine's request now.
func (a *Agent) Serve(conn any) {
	if s := SocketOf(conn); s != nil {
		s.SetRequest(machine.request())
	}
}
