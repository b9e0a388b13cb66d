package http

import (
	"internal/devserver/agent"
)

// ServeHTTP is where every request of a net/http server passes: goroutines started from here on belong to it. PRI is no
// request, but the first line of a connection in HTTP/2 that golang.org/x/net/http2/h2c takes from here.
func (sh serverHandler) ServeHTTP(rw ResponseWriter, req *Request) {
	a := agent.Get()
	if a == nil || req.Method == "PRI" && req.ProtoMajor == 2 {
		sh.devserverServeHTTP(rw, req)
		return
	}
	r := a.BeginRequest(req.Method, req.RequestURI, req.RemoteAddr, req.Proto)
	done := false
	defer func() {
		status, out := devserverWritten(rw)
		r.End(status, max(req.ContentLength, 0), out, done)
	}()
	sh.devserverServeHTTP(rw, req)
	done = true
}

// devserverWritten returns the status and the size of the body that the handler has written so far.
func devserverWritten(rw ResponseWriter) (status int, n int64) {
	if w, ok := rw.(*response); ok {
		status, n = w.status, w.written
		if !w.wroteHeader {
			status = StatusOK
		}
		return status, n
	}
	return devserverWritten2(rw)
}

// roundTrip tells a reused connection which request it serves now.
func (pc *persistConn) roundTrip(req *transportRequest) (resp *Response, err error) {
	if a := agent.Get(); a != nil {
		a.Serve(pc.conn)
	}
	return pc.devserverRoundTrip(req)
}
