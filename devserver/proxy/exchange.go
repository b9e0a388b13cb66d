package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
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
	at       time.Time
	deadline time.Time // until when it waits for a worker
	http2    bool      // the app is spoken to in HTTP/2
	target   *target   // which has it; nil: none yet
}

type exchangeKey struct{}

func newExchange(p *Proxy, r *http.Request) *exchange {
	now := time.Now()
	return &exchange{
		proxy: p, at: now, deadline: now.Add(p.conf.WaitLimit),
		client: r.Context().Value(clientKey{}).(*client),
		// Only gRPC needs HTTP/2 all the way, and its servers speak it without TLS; other apps may not.
		http2: r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc"),
	}
}

// request is r with x in its context.
func (x *exchange) request(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
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

// forwarder is the ReverseProxy's transport.
type forwarder Proxy

// RoundTrip sends the request to the live worker. One that ended before it accepted the connection has not seen the
// request: the next worker gets it.
func (f *forwarder) RoundTrip(r *http.Request) (*http.Response, error) {
	x := r.Context().Value(exchangeKey{}).(*exchange)
	if r.Body != nil { // an attempt that fails closes it; ReverseProxy does so in the end
		r = r.WithContext(r.Context())
		r.Body = io.NopCloser(r.Body)
	}
	for {
		t, problem, err := f.gate.enter(r.Context(), x.deadline)
		if err != nil {
			return nil, err
		}
		if problem != nil {
			return nil, problemError{problem}
		}
		x.target = t
		res, err := x.client.transport(t, x.http2).RoundTrip(r)
		if err == nil && f.conf.Rewrite != nil {
			f.conf.Rewrite(t.backend, r, res)
		}
		if !errors.Is(err, worker.ErrGone) {
			return res, err
		}
		x.leave()
	}
}

// failed answers a request that the app did not.
func (p *Proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	x := r.Context().Value(exchangeKey{}).(*exchange)
	var known problemError
	switch {
	case errors.As(err, &known):
		p.show(w, r, x, known.Problem, http.StatusServiceUnavailable)
	case r.Context().Err() != nil:
		p.cut(r, x, "the client went away")
	default:
		if problem := x.death(); problem != nil {
			p.show(w, r, x, problem, http.StatusBadGateway)
			return
		}
		p.cut(r, x, "the app closed the connection without an answer: "+err.Error())
	}
}

// death returns why the worker ended if that is why the request failed, nil if it lives.
func (x *exchange) death() *Problem {
	if x.target == nil {
		return nil
	}
	return x.target.death()
}

func (t *target) death() *Problem {
	// The connection's end may be seen before the process's.
	select {
	case <-t.backend.Gone():
	case <-time.After(deathShows):
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
	n := problem.write(w, r, p.conf.App, status)
	p.answered(r, x, Answer{Status: status, BytesOut: n, Err: problem.Title})
}

// cut ends the client's connection as the app ended its own.
func (p *Proxy) cut(r *http.Request, x *exchange, why string) {
	p.answered(r, x, Answer{Err: why})
	panic(http.ErrAbortHandler)
}

func (p *Proxy) answered(r *http.Request, x *exchange, a Answer) {
	if p.conf.Answered == nil {
		return
	}
	a.At, a.Duration = x.at, time.Since(x.at)
	a.Method, a.URL, a.RemoteAddr = r.Method, r.RequestURI, r.RemoteAddr
	p.conf.Answered(a)
}
