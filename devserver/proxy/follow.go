package proxy

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Sent is a request on its way to an app, as the app gets it.
type Sent struct {
	At         time.Time
	Method     string
	URL        string // what the app's server calls RequestURI
	RemoteAddr string // of the client, as the app sees it
	Proto      string // in which the app is spoken to, "HTTP/2.0"
}

// A Follower hears how one request fares that was sent to a worker. Its methods are called one after another: Unseen
// alone, or Answered, if the app has answered, and then Ended.
type Follower interface {
	// Unseen says that the worker ended before it accepted the connection. The next one is sent the request anew.
	Unseen()
	// Answered says that the head of the app's answer is here.
	Answered()
	// Ended says how it ended.
	Ended(Answer)
}

// followed is what an exchange knows of the request that a worker has.
type followed struct {
	Follower              // nil: nobody follows, or no worker has the request
	in, out  atomic.Int64 // bytes of the bodies
	res      *http.Response
	whole    bool   // the app's answer has been read to its end
	failure  string // why the app's answer could not be read
	own      *Answer
}

// follow begins to follow a request that t gets now.
func (x *exchange) follow(t *target, r *http.Request) {
	if x.proxy.conf.Follow == nil {
		return
	}
	s := Sent{At: time.Now(), Method: r.Method, URL: r.URL.RequestURI(), RemoteAddr: x.client.RemoteAddr().String(), Proto: "HTTP/1.1"}
	if x.http2 {
		s.Proto = "HTTP/2.0"
	}
	x.sent.Follower = x.proxy.conf.Follow(t.backend, s)
}

// unseen says that t is not to be followed any more.
func (x *exchange) unseen() {
	if x.sent.Follower != nil {
		x.sent.Unseen()
		x.sent.Follower = nil
	}
}

// answering takes in the head of the app's answer, and reads its body with the client.
func (x *exchange) answering(res *http.Response) {
	if res == nil {
		return
	}
	x.sent.res = res
	if x.sent.Follower != nil {
		x.sent.Answered()
	}
	if res.StatusCode == http.StatusSwitchingProtocols { // its body is the connection
		x.sent.whole = true
		return
	}
	res.Body = &followedBody{res.Body, x}
}

// ended says how the request ended, if a worker had it.
func (x *exchange) ended() {
	f := &x.sent
	if f.Follower == nil {
		return
	}
	a := Answer{}
	switch {
	case f.own != nil:
		a = *f.own
	case f.res != nil:
		a.Status, a.BytesOut = f.res.StatusCode, f.out.Load()
		if a.Err = f.failure; !f.whole && a.Err == "" {
			a.Err = clientGone
		} else if a.Err == "" {
			a.Err = grpcFailure(f.res)
		}
	}
	a.BytesIn = f.in.Load()
	f.Ended(a.to(x.asked, x.at))
}

// clientGone is the error of a request whose client did not wait for the answer's end.
const clientGone = "the client went away"

// countedBody counts what the app's transport reads of a request's body. An attempt that fails closes it; ReverseProxy
// does so in the end.
type countedBody struct {
	io.Reader
	n *atomic.Int64
}

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.n.Add(int64(n))
	return n, err
}

func (b countedBody) Close() error { return nil }

// followedBody is the body of an app's answer.
type followedBody struct {
	io.ReadCloser
	x *exchange
}

func (b *followedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	f := &b.x.sent
	f.out.Add(int64(n))
	switch {
	case err == io.EOF:
		f.whole = true
	case err != nil && b.x.asked.Context().Err() == nil:
		if b.x.isCall() && isGRPC(f.res.Header) {
			f.res.Trailer = b.x.outcomeOf(err)
			f.whole, err = true, io.EOF
			break
		}
		f.failure = "the app cut its answer short: " + err.Error()
	}
	return n, err
}
