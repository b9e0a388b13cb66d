package sandbox

import (
	"cmp"
	"errors"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
)

// A Socket is one socket of the process. It is safe for concurrent use; Begin and End take no lock.
type Socket struct {
	box     *Box
	id      uint64
	network string
	raw     bool // made by socket(2): a failed connect does not end it

	began   atomic.Int64         // when it was made or last connected, by the machine's clock
	opened  atomic.Pointer[said] // what a rule in report mode said about that
	exempt  atomic.Bool          // from idle reclaim, quotas and deadline: a listener and what it accepts
	request atomic.Uint64        // whom it serves now
	last    atomic.Int64         // start or end of the last operation, by the sandbox's clock
	ended   atomic.Uint32        // CloseReason; ReasonNone while it is open
	peerEnd atomic.Uint32        // ReasonPeer or ReasonReset when the peer ended it
	closed  atomic.Bool          // the program closed it
	closer  atomic.Pointer[func()]
	taps    *taps // nil where nothing is captured

	flights flights

	sent   atomic.Pointer[sent] // the last destination of a datagram
	news   atomic.Pointer[Info] // what the next event tells
	peers  atomic.Bool          // whether prod holds anything
	prodMu sync.Mutex
	prod   map[netip.AddrPort]netip.AddrPort // guarded by prodMu; stand-in's address to production's
}

// said is what a rule in report mode says about a call.
type said struct {
	rule Rule
	why  string
}

// sent is a destination that was judged.
type sent struct {
	to    netip.AddrPort
	route Route
	said  said
}

func (b *Box) track(network string, request uint64, s said) *Socket {
	now := b.clock.Now()
	sock := &Socket{box: b, id: b.ids.NextSocket(), network: network}
	sock.began.Store(now)
	sock.opened.Store(&s)
	sock.taps = b.newTaps(sock)
	sock.request.Store(request)
	sock.last.Store(now + b.offset.Load())
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sockets[sock.id] = sock
	return sock
}

// ID returns the socket's id, unique in a data directory.
func (s *Socket) ID() uint64 { return s.id }

// SetRequest says whom the socket serves from now on, for a pooled connection; 0 is nobody.
func (s *Socket) SetRequest(id uint64) { s.request.Store(id) }

// SetCloser says how to end the socket below: f is called once, outside all locks, when the sandbox ends it. It is
// called at once when that has happened already.
func (s *Socket) SetCloser(f func()) {
	s.closer.Store(&f)
	if s.taken() {
		s.callCloser()
	}
}

func (s *Socket) callCloser() {
	if f := s.closer.Swap(nil); f != nil {
		(*f)()
	}
}

// taken reports whether the sandbox, not the program, ended the socket.
func (s *Socket) taken() bool {
	switch CloseReason(s.ended.Load()) {
	case ReasonReclaimed, ReasonConsole, ReasonWorkerExit:
		return true
	}
	return false
}

// end closes the books of a socket that is open. It reports whether it was.
func (s *Socket) end(r CloseReason) bool {
	if !s.ended.CompareAndSwap(uint32(ReasonNone), uint32(r)) {
		return false
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	delete(s.box.sockets, s.id)
	return true
}

// Close says that the program closes the socket. It reports whether that is the first time, also after the sandbox
// took the socket: that Close succeeds.
func (s *Socket) Close() (first bool) {
	if s.closed.Swap(true) {
		return false
	}
	r := CloseReason(s.peerEnd.Load())
	if r == ReasonNone {
		r = ReasonApp
	}
	if s.end(r) {
		s.record(Event{Kind: KindClose, Reason: r})
	}
	return true
}

// CloseBy ends an open socket for a reason that is not the program's: by hand, from the console.
func (s *Socket) CloseBy(r CloseReason) {
	if s.end(r) {
		s.record(Event{Kind: KindClose, Reason: r})
		s.callCloser()
	}
}

// CloseSocket ends the open socket with that id.
func (b *Box) CloseSocket(id uint64, r CloseReason) error {
	b.mu.Lock()
	s := b.sockets[id]
	b.mu.Unlock()
	if s == nil {
		return errors.New("socket " + itoa(int64(id)) + " is not open")
	}
	s.CloseBy(r)
	return nil
}

// record completes an event that takes no time, and records it.
func (s *Socket) record(e Event) {
	e.At, e.Socket, e.Request = s.box.clock.Now(), s.id, s.request.Load()
	s.box.rec.Record(e)
}

// note records what making the socket was, with what a rule in report mode said.
func (s *Socket) note(k Kind, info *Info) {
	s.record(Event{Kind: k, Rule: s.opened.Load().rule, Detail: s.opened.Load().why, Info: info})
}

// tell keeps what became known about the socket for its next event. What was kept before and not told yet is kept on.
func (s *Socket) tell(info *Info) {
	for {
		old := s.news.Load()
		if old != nil {
			both := *info
			both.Local, both.Network = cmp.Or(info.Local, old.Local), cmp.Or(info.Network, old.Network)
			if info.Remote == "" {
				both.Remote, both.Host, both.Standin = old.Remote, old.Host, old.Standin
			}
			info = &both
		}
		if s.news.CompareAndSwap(old, info) {
			return
		}
	}
}

// notePeer remembers how the peer ended the connection.
func (s *Socket) notePeer(err error) {
	switch {
	case err == io.EOF:
		s.peerEnd.CompareAndSwap(uint32(ReasonNone), uint32(ReasonPeer))
	case errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE):
		s.peerEnd.Store(uint32(ReasonReset))
	}
}
