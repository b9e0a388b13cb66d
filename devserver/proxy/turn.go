package proxy

import (
	"bytes"
	"net/http"
	"sync/atomic"
	"time"
)

// turn is one request of an HTTP/1 client, and its answer.
type turn struct {
	at       time.Time
	deadline time.Time // until when it waits for a worker

	lead    []byte // empty lines before the head
	head    []byte // as it came, without lead
	first   []byte // its request line
	headers []header
	blank   []byte // its end
	req     *http.Request
	body    body // what is still to come of the request's
	unclear bool // where body ends: the answer ends the connection
	last    bool // no other request follows

	target   *target      // which has it; nil: none yet
	open     atomic.Int32 // of request and answer, those that are not over; at 0 the target is left
	sent     atomic.Bool  // the request is over
	appEnded atomic.Bool  // nothing more comes from the app

	heard    heard
	answered chan struct{} // closed by the link when the fields below are set
	outcome  outcome
	err      error // of outcome failed: why the app's connection ended
}

// outcome is what becomes of a connection after an answer.
type outcome int

const (
	kept     outcome = iota // the next request may come
	closing                 // the app will close it, or has done so; until then bytes pass as they come
	upgraded                // both directions pass as they come until both have ended
	failed                  // there was no answer, and the app's connection has ended
	lost                    // the client's connection has ended
)

// newTurn takes a whole head, with n bytes of empty lines before it, out of what has come.
func newTurn(p *Proxy, bytesOfHead []byte, blank bool) (*turn, error) {
	now := time.Now()
	t := &turn{at: now, deadline: p.deadline(now), head: bytes.Clone(bytesOfHead), answered: make(chan struct{})}
	if blank {
		n := blankStart(t.head)
		t.lead, t.head = t.head[:n], t.head[n:]
	}
	var err error
	if t.req, err = parseRequest(t.head); err != nil {
		return nil, err
	}
	t.first, t.headers, t.blank = splitHead(t.head)
	t.body = requestBody(t.req)
	t.unclear = unclear(t.req, t.headers)
	t.last = t.req.Close || t.unclear
	return t, nil
}

// half says that request or answer is over. The gate counts the request until both are.
func (t *turn) half(g *gate) {
	if t.open.Add(-1) == 0 {
		if t.outcome != failed { // else the session is to say more
			t.followed()
		}
		g.leave(t.target)
	}
}
