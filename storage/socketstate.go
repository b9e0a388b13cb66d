package storage

import (
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// The values of sockets.state.
const (
	stateOpen      = "open"
	stateClosed    = "closed"
	stateReclaimed = "reclaimed"
	stateDenied    = "denied"
	stateFailed    = "failed"
)

// socketRow is a row of the table sockets while a batch changes it.
type socketRow struct {
	record.Socket
	before     string // the state in the table, "" when the row is not there yet
	firstEvent int64
	lastEvent  int64
	usedEvent  int64 // the first operation after the reclaim
	uses       int64 // operations after the reclaim
	links      links
	activity   []use
}

// apply changes the row as one event asks, the event of the given id:
//
//	no row yet         any event → open, but a denial → denied
//	open               connect with an error → failed; close → closed; reclaim → reclaimed
//	failed             connect without an error → open (a program may try the same socket again)
//	closed by worker-exit   as open: the end of the run was noted before the journal's last events were read
//	denied, reclaimed, closed otherwise   stay what they are
func (s *socketRow) apply(e *sandbox.Event, id int64) {
	if s.State == "" {
		s.begin(e, id)
	}
	s.learn(e.Info, e.Kind == sandbox.KindDeny)
	s.lastEvent = id
	s.count(e)
	if e.Request != 0 {
		s.links.add(int64(e.Request), id)
	}
	if isUse(e.Kind) {
		s.use(e, id)
	}
	s.move(e)
}

// begin makes the row with its first event.
func (s *socketRow) begin(e *sandbox.Event, id int64) {
	s.OpenedAt, s.LastAt, s.RequestID, s.firstEvent = e.At, e.At, int64(e.Request), id
	s.State = stateOpen
	if e.Kind == sandbox.KindDeny {
		s.State, s.ClosedAt, s.Rule = stateDenied, e.At, string(e.Rule)
	}
}

// learn takes over what an event knows about the socket. A denial on a socket that exists speaks of where the program
// wanted to go, not of where the socket is: it fills only what is empty, and no half of an address.
func (s *socketRow) learn(i *sandbox.Info, denied bool) {
	if i == nil {
		return
	}
	placed := s.Host != "" || s.RemoteAddr != ""
	fill(&s.Network, i.Network, !denied)
	fill(&s.LocalAddr, i.Local, !denied)
	fill(&s.CallSite, i.CallSite, !denied)
	if denied && placed {
		return
	}
	fill(&s.Host, i.Host, true)
	fill(&s.RemoteAddr, i.Remote, true)
	fill(&s.Standin, i.Standin, true)
}

func fill(to *string, from string, overwrite bool) {
	if from != "" && (overwrite || *to == "") {
		*to = from
	}
}

func (s *socketRow) count(e *sandbox.Event) {
	switch e.Kind {
	case sandbox.KindSend:
		s.Sends++
		s.BytesSent += e.Bytes
	case sandbox.KindReceive:
		s.Receives++
		s.BytesReceived += e.Bytes
	}
}

// isUse reports whether an event of this kind is an operation of the program on its socket. Options, closing and
// what the sandbox does are none.
func isUse(k sandbox.Kind) bool {
	switch k {
	case sandbox.KindCreate, sandbox.KindBind, sandbox.KindConnect, sandbox.KindListen, sandbox.KindAccept,
		sandbox.KindSend, sandbox.KindReceive, sandbox.KindShutdown:
		return true
	}
	return false
}

// use notes an operation: when the socket was used last, and what was tried after production had reclaimed it. An
// operation that the reclaim itself ended began before it and is no use after it.
func (s *socketRow) use(e *sandbox.Event, id int64) {
	s.activity = noteUse(s.activity, e)
	if s.State != stateReclaimed {
		s.LastAt = max(s.LastAt, ended(e))
		return
	}
	if e.At < s.ClosedAt {
		return
	}
	if s.uses++; s.uses == 1 {
		s.usedEvent = id
	}
}

// live reports whether the socket may still change its state.
func (s *socketRow) live() bool {
	return s.State == stateOpen || s.State == stateClosed && s.CloseReason == sandbox.ReasonWorkerExit.String()
}

func (s *socketRow) move(e *sandbox.Event) {
	switch {
	case e.Kind == sandbox.KindConnect && e.Error == "" && s.State == stateFailed:
		s.State, s.ClosedAt = stateOpen, 0
	case !s.live():
	case e.Kind == sandbox.KindConnect && e.Error != "":
		s.State, s.ClosedAt, s.CloseReason = stateFailed, ended(e), ""
	case e.Kind == sandbox.KindClose:
		s.State, s.ClosedAt, s.CloseReason = stateClosed, ended(e), e.Reason.String()
	case e.Kind == sandbox.KindReclaim:
		s.State, s.ClosedAt, s.CloseReason = stateReclaimed, ended(e), sandbox.ReasonReclaimed.String()
	}
}

// ended is when an operation ended. The duration of a reclaim is how long the socket had been idle, before it.
func ended(e *sandbox.Event) int64 {
	if e.Kind == sandbox.KindReclaim {
		return e.At
	}
	return e.At + int64(e.Duration)
}
