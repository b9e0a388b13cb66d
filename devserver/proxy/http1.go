package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/worker"
)

// lingerLimit is how long a client may take to close a connection that the app has closed: what net/http's server gives
// it to read the answer before a reset may take that away.
const lingerLimit = 500 * time.Millisecond

var longAgo = time.Unix(1, 0)

// session is a client's connection that speaks HTTP/1. One goroutine, run, reads the client; each link has another, which
// reads the app. No byte is changed on the way but for X-Forwarded-*: both only look for where heads and bodies end.
//
//	client ──► in ──► run: head, gate, body ──────────► link ──► app
//	       ◄──────────────────────── link.pump: answers ◄── out ◄──
type session struct {
	proxy  *Proxy
	client *client
	in     *stream // what the client sends
	link   *link   // to the app; nil: none
	posted bool    // the request before was a POST, which empty lines may follow
	left   bool    // the client sends nothing more
	gone   bool    // the client's connection is broken

	mu     sync.Mutex
	busy   bool // a request is under way; guarded by mu
	closed bool // the client's connection was closed between two requests; guarded by mu
}

// run serves the connection until its end.
func (s *session) run() {
	for s.next() {
	}
	s.hangUp()
	s.client.Close()
}

// next serves one request, and tells whether another may follow.
func (s *session) next() bool {
	s.in.rest()
	n, err := requestHead(s.in, s.posted)
	if err != nil && err != errHead && err != errLongHead {
		return false
	}
	if !s.begin() {
		return false
	}
	defer s.over()
	if err != nil {
		s.refuse()
		return false
	}
	t, err := newTurn(s.proxy, s.in.bytes()[:n], s.posted)
	if err != nil {
		s.refuse()
		return false
	}
	s.in.skip(n)
	s.posted = t.req.Method == "POST"
	t.req.RemoteAddr = s.client.RemoteAddr().String()
	if handle := s.proxy.conf.Handle; handle != nil {
		if h := handle(t.req); h != nil {
			return s.answer(t, h)
		}
	}
	return s.forward(t)
}

// forward has the app answer.
func (s *session) forward(t *turn) bool {
	problem, err := s.acquire(t)
	if problem != nil {
		return s.show(t, problem, 503)
	}
	if err != nil {
		defer t.followed()
		return s.unanswered(t, err)
	}
	s.send(t)
	<-t.answered
	switch t.outcome {
	case kept:
		return t.body.done()
	case failed:
		s.client.SetReadDeadline(time.Time{}) // the link has set one
		defer t.followed()
		return s.unanswered(t, t.err)
	case lost:
		return false
	}
	s.passOn(s.link, t.outcome == upgraded)
	return false
}

// acquire takes the live worker for t, and a connection to it on which t now waits for its answer. A worker that ended
// before it accepted the connection has not seen the request: the next one gets it.
func (s *session) acquire(t *turn) (*Problem, error) {
	for {
		target, problem, err := s.enter(t)
		if err != nil || problem != nil {
			return problem, err
		}
		t.target = target
		t.follow(s.proxy)
		t.open.Store(2)
		if s.link != nil && (s.link.target != target || !s.link.begin(t)) {
			s.hangUp()
		}
		if s.link != nil {
			return nil, nil
		}
		t.lead = nil // this connection had no POST before
		err = s.dial(t)
		if err == nil {
			return nil, nil
		}
		t.target = nil
		s.proxy.gate.leave(target)
		if !errors.Is(err, worker.ErrGone) {
			return nil, err
		}
		t.unseen()
	}
}

func (s *session) enter(t *turn) (target *target, problem *Problem, err error) {
	gate := s.proxy.gate
	if target, problem, _ = gate.ask(false); target != nil || problem != nil {
		return target, problem, nil
	}
	s.watch(func(ctx context.Context) { target, problem, err = gate.enter(ctx, t.deadline) })
	return target, problem, err
}

// dial makes the link, and has t wait for its answer.
func (s *session) dial(t *turn) error {
	var conn *appConn
	var err error
	s.watch(func(ctx context.Context) { conn, err = s.proxy.gate.hand(ctx, t.target, s.client) })
	if err != nil {
		return err
	}
	s.link = newLink(s, conn)
	s.link.begin(t)
	go s.link.pump()
	return nil
}

// watch calls f with a context that ends when the client resets its connection. One that only ends what it sends still
// waits for the answer.
func (s *session) watch(f func(context.Context)) {
	ctx, cancel := context.WithCancel(s.proxy.ctx)
	defer cancel()
	if len(s.in.bytes()) > 0 { // it has sent more: what comes behind is not to be read yet
		f(ctx)
		return
	}
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		if err := s.in.fill(); err != nil && err != io.EOF && !errors.Is(err, os.ErrDeadlineExceeded) {
			s.gone = true
			cancel()
		}
	}()
	f(ctx)
	s.client.SetReadDeadline(longAgo)
	<-looked
	s.client.SetReadDeadline(time.Time{})
}

// send passes on the request, and then watches the client until the answer is there or more has come from it.
func (s *session) send(t *turn) {
	l := s.link
	out := t.forwardHead(s.client)
	n := t.body.take(s.in.bytes())
	out = append(out, s.in.bytes()[:n]...)
	s.in.skip(n)
	_, err := l.conn.Write(out)
	for err == nil && !t.body.done() {
		var p []byte
		if p, err = s.in.next(); err != nil {
			s.ended(l, err)
			break
		}
		n := t.body.take(p)
		_, err = l.conn.Write(p[:n])
		s.in.skip(n)
	}
	t.sent.Store(true)
	t.half(s.proxy.gate)
	if t.appEnded.Load() {
		s.linger(t)
	}
	if err == nil && len(s.in.bytes()) == 0 {
		if err := s.in.fill(); err != nil {
			s.ended(l, err)
		}
	}
}

// linger ends the wait for a client that has the whole answer and is to close its connection now. An upgraded one need
// not: its directions end each on its own.
func (s *session) linger(t *turn) {
	if t.outcome == closing {
		s.client.SetReadDeadline(time.Now().Add(lingerLimit))
	}
}

// ended has the app's connection end as the client's did.
func (s *session) ended(l *link, err error) {
	switch {
	case err == io.EOF:
		s.left = true
		closeWrite(l.conn)
	case errors.Is(err, os.ErrDeadlineExceeded): // the link has something to say
	default:
		s.gone = true
		reset(l.conn)
	}
}

// passOn waits until both directions have ended, and passes what comes if the connection is upgraded. An app that closes
// its own reads nothing more: what it were sent would make its end a reset.
func (s *session) passOn(l *link, upgraded bool) {
	for {
		p, err := s.in.next()
		if err != nil {
			s.ended(l, err)
			break
		}
		if upgraded {
			if _, err := l.conn.Write(p); err != nil {
				break // the link has seen the end, or will
			}
		}
		s.in.skip(len(p))
	}
	<-l.ended
}

// hangUp ends the connection to the app.
func (s *session) hangUp() {
	if s.link != nil {
		s.link.hangUp()
		s.link = nil
	}
}

// begin says that a request is under way. It reports false if the connection is at its end.
func (s *session) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.proxy.beginTurn() {
		return false
	}
	s.busy = true
	return true
}

// over says that none is: it is answered, or only bytes pass that are no HTTP any more.
func (s *session) over() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		s.busy = false
		s.proxy.endTurn()
	}
}

// closeIdle closes the client's connection if no request is under way.
func (s *session) closeIdle(how func(net.Conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.busy {
		s.closed = true
		how(s.client.Conn)
	}
}

// plainly closes a connection.
func plainly(c net.Conn) { c.Close() }

// as is how to close a connection so that its other end sees what err tells.
func as(err error) func(net.Conn) {
	if errors.Is(err, syscall.ECONNRESET) {
		return reset
	}
	return plainly
}
