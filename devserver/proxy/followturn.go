package proxy

import "time"

// heard is what a turn's follower is told of it. The link sets what it knows of the answer before the answer is over.
type heard struct {
	follower Follower // nil: nobody follows, or no worker has the request
	status   int      // 0: the app has not answered, or not in HTTP
	out      int64    // bytes of the answer's body
	cut      string   // why the answer is not whole
	own      *Answer  // what the proxy said instead of the app
}

// follow begins to follow a request that the turn's target gets now.
func (t *turn) follow(p *Proxy) {
	if p.conf.Follow != nil {
		t.heard.follower = p.conf.Follow(t.target.backend, Sent{
			At: time.Now(), Method: t.req.Method, URL: t.req.RequestURI, RemoteAddr: t.req.RemoteAddr, Proto: t.req.Proto,
		})
	}
}

// unseen says that the target is not to be followed any more.
func (t *turn) unseen() {
	if t.heard.follower != nil {
		t.heard.follower.Unseen()
		t.heard.follower = nil
	}
}

// answering takes in the head of the app's answer.
func (t *turn) answering(status int) {
	t.heard.status = status
	if t.heard.follower != nil {
		t.heard.follower.Answered()
	}
}

// followed says how the request ended, if a worker had it: request and answer are over.
func (t *turn) followed() {
	h := &t.heard
	if h.follower == nil {
		return
	}
	a := Answer{Status: h.status, BytesOut: h.out, Err: h.cut}
	if h.own != nil {
		a = *h.own
	}
	a.BytesIn = t.body.data
	h.follower.Ended(a.to(t.req, t.at))
	h.follower = nil
}
