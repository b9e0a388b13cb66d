package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/worker"
)

// expectContinue is how long a client's body is held back for the app's "100 Continue". net/http's server answers
// at once; one that never does gets the body all the same, as from any client.
const expectContinue = 5 * time.Second

// exchange is one request on its way.
type exchange struct {
	proxy    *Proxy
	client   *client
	asked    *http.Request // by the client
	at       time.Time
	deadline time.Time // until when it waits for a worker
	http2    bool      // the app is spoken to in HTTP/2
	target   *target   // which has it; nil: none yet
	sent     followed
	conn     *appConn // that carries it, where the app is spoken to in HTTP/1
	before   int64    // what had been written to conn by others
	headOnly bool     // the app's answer ends with its head
}

type exchangeKey struct{}

func newExchange(p *Proxy, r *http.Request) *exchange {
	now := time.Now()
	return &exchange{
		proxy: p, at: now, deadline: p.deadline(now),
		client: r.Context().Value(clientKey{}).(*client), asked: r,
		// Only gRPC needs HTTP/2 all the way, and its servers speak it without TLS; other apps may not.
		http2: r.ProtoMajor == 2 && isGRPC(r.Header),
	}
}

// request is r with x in its context.
func (x *exchange) request(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
}

// answerWriter is where the app's answer goes. ReverseProxy flushes the head at once, so that a stream's client sees it before any
// data. The head of an answer that ends with it must carry the end itself: for gRPC it is the trailers, and where an
// empty frame follows they are none.
type answerWriter struct {
	http.ResponseWriter
	x *exchange
}

// Unwrap is http.ResponseController's.
func (w answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader is http.ResponseWriter's. A header that the app left out stays out: a nil value keeps the server from adding its
// own. ReverseProxy clears all headers after an informational answer, so they are set with each.
func (w answerWriter) WriteHeader(status int) {
	for _, name := range []string{"Date", "Content-Type"} {
		if h := w.Header(); h[name] == nil {
			h[name] = nil
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// FlushError is http.ResponseController's.
func (w answerWriter) FlushError() error {
	if w.x.headOnly {
		return nil
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// leave lets the worker go.
func (x *exchange) leave() {
	if x.target != nil {
		x.proxy.gate.leave(x.target)
		x.target = nil
	}
}

// problemError carries a problem through ReverseProxy.
type problemError struct{ *Problem }

func (e problemError) Error() string { return e.Title }

// once has the request reach an app once at most: by itself net/http's transport sends a GET again when its connection ends
// without an answer. HTTP/2's repeats nothing that may have been read.
func (x *exchange) once(r *http.Request) *http.Request {
	if x.http2 {
		return r
	}
	return r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		if x.reached() {
			got.Conn.Close() // nothing can be written to it any more
			return
		}
		x.conn = got.Conn.(*appConn)
		x.before = x.conn.written.Load()
	}}))
}

// reached tells whether an app may have read some of the request.
func (x *exchange) reached() bool { return x.conn != nil && x.conn.written.Load() > x.before }

// forwarder is the ReverseProxy's transport.
type forwarder Proxy

// RoundTrip sends the request to the live worker. One that ended before it accepted the connection has not seen the
// request: the next worker gets it.
func (f *forwarder) RoundTrip(r *http.Request) (*http.Response, error) {
	x := r.Context().Value(exchangeKey{}).(*exchange)
	if r.Body != nil {
		r = r.WithContext(r.Context())
		r.Body = countedBody{r.Body, &x.sent.in}
	}
	r = x.once(r)
	for {
		t, problem, err := f.gate.enter(r.Context(), x.deadline)
		if err != nil {
			return nil, err
		}
		if problem != nil {
			return nil, problemError{problem}
		}
		x.target = t
		x.follow(t, r)
		res, err := x.client.transport(t, x.http2).RoundTrip(r)
		if err == nil && f.conf.Rewrite != nil {
			f.conf.Rewrite(t.backend, r, res)
		}
		if x.reached() && (errors.Is(err, worker.ErrGone) || errors.Is(err, net.ErrClosed)) {
			err = io.EOF // what the first attempt ended with
		}
		if !errors.Is(err, worker.ErrGone) {
			x.headOnly = err == nil && x.http2 && res.ContentLength == 0
			x.answering(res)
			return res, err
		}
		x.unseen()
		x.leave()
	}
}

// failed answers a request that the app did not.
func (p *Proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	x := r.Context().Value(exchangeKey{}).(*exchange)
	w = w.(answerWriter).ResponseWriter // what is answered now is not the app's
	var known problemError
	switch {
	case errors.As(err, &known):
		p.show(w, r, x, known.Problem, http.StatusServiceUnavailable)
	case r.Context().Err() != nil:
		p.cut(x, clientGone)
	default:
		if problem := x.death(err); problem != nil {
			p.show(w, r, x, problem, http.StatusBadGateway)
			return
		}
		if x.isCall() {
			x.conclude(w, x.outcomeOf(err))
			return
		}
		p.cut(x, "the app closed the connection without an answer: "+err.Error())
	}
}

// death returns why the worker ended if that is why the request failed with err, nil if it lives.
func (x *exchange) death(err error) *Problem {
	if x.target == nil {
		return nil
	}
	limit := deathShows
	if x.http2 {
		if stream := (streamError{}); errors.As(err, &stream) {
			return nil
		}
		limit = 2 * time.Second // the connection has ended, and a handler can only cut its stream
	}
	return x.target.death(limit)
}

func (t *target) death(limit time.Duration) *Problem {
	// The connection's end may be seen before the process's.
	select {
	case <-t.backend.Gone():
	case <-time.After(limit):
		return nil
	}
	select {
	case <-t.dropped:
		return t.problem
	case <-time.After(2 * time.Second): // a retired worker is not dropped, it is stopped
		return workerEnded
	}
}

// show answers with a problem.
func (p *Proxy) show(w http.ResponseWriter, r *http.Request, x *exchange, problem *Problem, status int) {
	if x.isCall() {
		x.conclude(w, problem.call(p.conf.App))
		return
	}
	n := problem.write(w, r, p.conf.App, status)
	x.answered(Answer{Status: status, BytesOut: n, Err: problem.Title})
}

// cut ends the client's connection as the app ended its own.
func (p *Proxy) cut(x *exchange, why string) {
	x.answered(Answer{Err: why})
	panic(http.ErrAbortHandler)
}

// answered says how a request ended that no app answered. Whoever follows it hears so at its end.
func (x *exchange) answered(a Answer) {
	if x.sent.Follower != nil {
		x.sent.own = &a
	} else if x.proxy.conf.Answered != nil {
		x.proxy.conf.Answered(a.to(x.asked, x.at))
	}
}
