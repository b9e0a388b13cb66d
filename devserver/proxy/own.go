package proxy

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// own is a request that the proxy answers itself, by a real http.Server: how answers are framed, and how what is no
// request is refused, is net/http's. The server sees a connection with one request on it.
type own struct {
	net.Conn
	handler http.Handler // nil: the request is to be refused
	head    *bytes.Reader
	in      *stream // the client's, behind head; a refused request is in it
	woken   chan struct{}
	closed  chan struct{} // closed when the server has let go of it
	once    sync.Once
	keep    bool // the client's connection may carry another request; set by the server before its next Read
}

type ownKey struct{}

func withOwn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, ownKey{}, c)
}

// ownServer serves own connections.
func ownServer() *http.Server {
	return &http.Server{
		ErrorLog:    silent,
		ConnContext: withOwn,
		ConnState: func(c net.Conn, state http.ConnState) {
			if state == http.StateIdle {
				c.(*own).keep = true
			}
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if h := r.Context().Value(ownKey{}).(*own).handler; h != nil {
				h.ServeHTTP(w, r)
				return
			}
			// The proxy is stricter than net/http.
			w.Header().Set("Connection", "close")
			http.Error(w, "400 Bad Request", http.StatusBadRequest)
		}),
	}
}

// answer has h answer t. It sees no body: one that has not come yet is not waited for, and the connection ends.
func (s *session) answer(t *turn, h http.Handler) bool {
	s.in.skip(t.body.take(s.in.bytes())) // of a small one, all is here
	if s.serve(&own{handler: h, head: bytes.NewReader(t.ownHead())}) {
		return true
	}
	if !t.body.done() { // a reset would take the answer away from who is still sending
		closeWrite(s.client.Conn)
		s.client.SetReadDeadline(time.Now().Add(lingerLimit))
		io.Copy(io.Discard, s.in)
	}
	return false
}

// refuse answers what is no request.
func (s *session) refuse() { s.serve(&own{head: bytes.NewReader(nil)}) }

func (s *session) serve(o *own) bool {
	o.Conn, o.in = s.client.Conn, s.in
	o.woken, o.closed = make(chan struct{}, 1), make(chan struct{})
	if !s.proxy.inside.give(o) {
		return false
	}
	<-o.closed
	s.client.SetReadDeadline(time.Time{})
	return o.keep
}

// ownHead is the request without what tells of a body.
func (t *turn) ownHead() []byte {
	var b bytes.Buffer
	b.Write(t.first)
	for _, h := range t.headers {
		switch h.name {
		case "Content-Length", "Transfer-Encoding", "Trailer", "Expect":
		default:
			b.Write(h.raw)
		}
	}
	if t.last || !t.body.done() {
		b.WriteString("Connection: close\r\n")
	}
	b.Write(t.blank)
	return b.Bytes()
}

// Read gives the request. After it, it waits for the client's end: that ends the request's context. What else comes is
// the next request, which is not the server's.
func (o *own) Read(p []byte) (int, error) {
	switch {
	case o.head.Len() > 0:
		return o.head.Read(p)
	case o.handler == nil:
		return o.in.Read(p)
	case o.keep:
		return 0, io.EOF
	}
	if len(o.in.bytes()) == 0 {
		if err := o.in.fill(); err != nil {
			return 0, err
		}
	}
	select {
	case <-o.woken:
		return 0, os.ErrDeadlineExceeded
	case <-o.closed:
		return 0, net.ErrClosed
	}
}

// SetReadDeadline with a time that has passed ends a Read. The server sets no other.
func (o *own) SetReadDeadline(t time.Time) error {
	if !t.IsZero() && t.Before(time.Now()) {
		select {
		case o.woken <- struct{}{}:
		default:
		}
	}
	return o.Conn.SetReadDeadline(t)
}

// SetDeadline is net.Conn's. The server sets none.
func (o *own) SetDeadline(t time.Time) error { return o.Conn.SetDeadline(t) }

// CloseWrite ends the answer to a refused request.
func (o *own) CloseWrite() error { closeWrite(o.Conn); return nil }

// Close gives the connection back.
func (o *own) Close() error {
	o.once.Do(func() { close(o.closed) })
	return nil
}

// show answers with a problem.
func (s *session) show(t *turn, problem *Problem, status int) bool {
	return s.answer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := problem.write(w, r, s.proxy.conf.App, status)
		s.record(t, Answer{Status: status, BytesOut: n, Err: problem.Title})
	}))
}

// unanswered is the end of a request that got no answer, because of err.
func (s *session) unanswered(t *turn, err error) bool {
	if s.gone || s.proxy.ctx.Err() != nil {
		s.record(t, Answer{Err: clientGone})
		return false
	}
	if t.target != nil && !s.left {
		if problem := t.target.death(deathShows); problem != nil {
			return s.show(t, problem, http.StatusBadGateway)
		}
	}
	why := "the app closed the connection without an answer: " + err.Error()
	switch {
	case s.left:
		why = clientGone
	case t.target == nil:
		why = "no connection to the app: " + err.Error()
	}
	s.record(t, Answer{Err: why})
	if s.link != nil {
		<-s.link.ended
		s.client.Write(s.link.out.bytes()) // half a head, as it came
	}
	as(err)(s.client.Conn)
	return false
}

func (s *session) record(t *turn, a Answer) {
	if t.heard.follower != nil {
		t.heard.own = &a
	} else if s.proxy.conf.Answered != nil {
		s.proxy.conf.Answered(a.to(t.req, t.at))
	}
}
