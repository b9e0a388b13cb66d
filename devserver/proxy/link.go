package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// deathShows is how long after a connection's end the end of its process may become known.
const deathShows = 100 * time.Millisecond

// link is a connection to the app that carries one client's requests.
type link struct {
	session *session
	target  *target
	conn    *appConn
	out     stream        // what the app sends
	hung    chan struct{} // closed by hangUp
	ended   chan struct{} // closed when pump has

	mu   sync.Mutex
	turn *turn // which waits for its answer; guarded by mu
	over bool  // the app has closed it while nothing was asked; guarded by mu
}

func newLink(s *session, c *appConn) *link {
	return &link{session: s, target: c.target, conn: c, out: stream{r: c}, hung: make(chan struct{}), ended: make(chan struct{})}
}

// begin says that what comes next is the answer to t. It reports false if the app has closed the connection before; it
// cannot have seen the request.
func (l *link) begin(t *turn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	l.turn = t
	return true
}

// asked is the turn that waits. With err, the connection's end, and none waiting, there will be none.
func (l *link) asked(err error) *turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = l.turn == nil && err != nil
	return l.turn
}

func (l *link) hangUp() {
	close(l.hung)
	l.conn.Close()
	<-l.ended
	l.out.rest()
}

// pump passes what the app sends until its end.
func (l *link) pump() {
	defer close(l.ended)
	for {
		p, err := l.out.next()
		t := l.asked(err)
		switch {
		case t != nil && err != nil:
			l.fail(t, err)
			return
		case t != nil:
			if !l.answer(t) {
				return
			}
			l.out.rest()
		case err != nil:
			l.idleEnd(err)
			return
		default: // a last word, such as 408; a client that is gone shows at its next read
			l.session.client.Write(p)
			l.out.skip(len(p))
		}
	}
}

// answer passes an answer on, and tells whether the connection goes on with the next.
func (l *link) answer(t *turn) bool {
	for {
		n, err := answerHeadEnd(&l.out)
		if err != nil {
			l.fail(t, err)
			return false
		}
		head := l.out.bytes()[:n]
		a, ok := parseAnswer(head)
		if !ok {
			t.answering(0)
			return l.through(t, body{kind: otherwise})
		}
		b := a.body(t.req.Method)
		if a.status/100 == 1 && b.kind == noBody {
			if err := l.pass(&b, n); err != nil {
				return l.broken(t, err)
			}
			continue
		}
		t.answering(a.status)
		if b.kind == otherwise {
			t.heard.out = -int64(n) // it passes with what follows
			return l.through(t, b)
		}
		last := t.last || a.last(b)
		changed, err := l.rewrite(t, n, &a, &b)
		if !changed {
			err = l.pass(&b, n)
		}
		if t.heard.out = b.data; err != nil && !b.done() && (b.kind != untilEnd || err != io.EOF) {
			t.heard.cut = "the app cut its answer short: " + err.Error()
		}
		return l.done(t, err, last || b.kind == otherwise)
	}
}

// clientError is one of writing to the client.
type clientError struct{ error }

// pass passes n bytes, a head, and the body behind it.
func (l *link) pass(b *body, n int) error {
	for {
		p := l.out.bytes()
		n += b.take(p[n:])
		if _, err := l.session.client.Write(p[:n]); err != nil {
			return clientError{err}
		}
		l.out.skip(n)
		if n = 0; b.done() {
			return nil
		}
		if _, err := l.out.next(); err != nil {
			return err
		}
	}
}

// done says that an answer has passed, or why not all of it.
func (l *link) done(t *turn, err error, last bool) bool {
	if err != nil {
		return l.broken(t, err)
	}
	if !last {
		l.finish(t, kept)
		t.half(l.session.proxy.gate)
		return true
	}
	l.finish(t, closing)
	t.half(l.session.proxy.gate)
	if t.unclear { // the app may mean to go on
		l.closeClient(t, io.EOF)
	} else {
		l.drain(t)
	}
	return false
}

// broken says that the connection of the app or the client ended within an answer.
func (l *link) broken(t *turn, err error) bool {
	var ofClient clientError
	if errors.As(err, &ofClient) {
		reset(l.conn)
		l.wake()
		t.heard.cut = clientGone
		l.finish(t, lost)
	} else {
		l.finish(t, closing)
		l.closeClient(t, err)
	}
	t.half(l.session.proxy.gate)
	return false
}

// through passes bytes as they come, from now on and in both directions.
func (l *link) through(t *turn, b body) bool {
	l.finish(t, upgraded)
	l.drain(t)
	t.half(l.session.proxy.gate)
	return false
}

// drain passes what comes until the end.
func (l *link) drain(t *turn) {
	b := body{kind: otherwise}
	err := l.pass(&b, 0)
	if t.outcome == upgraded {
		t.heard.out += b.data
	}
	var ofClient clientError
	if errors.As(err, &ofClient) {
		reset(l.conn)
		l.session.client.Conn.Close()
		return
	}
	l.closeClient(t, err)
}

// closeClient ends the client's connection as err says that the app's has.
func (l *link) closeClient(t *turn, err error) {
	client := l.session.client
	if err != io.EOF {
		as(err)(client.Conn)
		return
	}
	closeWrite(client.Conn)
	t.appEnded.Store(true)
	if t.sent.Load() {
		l.session.linger(t)
	}
}

// fail says that there is no answer, and wakes the session, which may be waiting for the client.
func (l *link) fail(t *turn, err error) {
	l.conn.Close()
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	t.err = err
	l.wake()
	l.finish(t, failed)
	t.half(l.session.proxy.gate)
}

func (l *link) wake() { l.session.client.SetReadDeadline(longAgo) }

// finish has the session go on.
func (l *link) finish(t *turn, o outcome) {
	l.mu.Lock()
	l.turn = nil
	l.mu.Unlock()
	t.outcome = o
	if o != failed {
		l.session.over()
	}
	close(t.answered)
}

// idleEnd closes the client's connection as the app did with its own, unless the worker's end or another's coming was
// the reason: the next request goes to the new one.
func (l *link) idleEnd(err error) {
	l.conn.Close()
	limit := time.NewTimer(deathShows)
	defer limit.Stop()
	select {
	case <-l.hung:
		return
	case <-l.target.backend.Gone():
		return
	case <-limit.C:
	}
	if errors.Is(err, net.ErrClosed) || l.session.proxy.gate.leftBehind(l.target) {
		return
	}
	l.session.closeIdle(as(err))
}
