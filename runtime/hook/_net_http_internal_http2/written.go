//go:build go1.27

package http2

// DevserverWritten returns the status and the size of the body that a handler has written so far.
func DevserverWritten(w *ResponseWriter) (status int, n int64) {
	if w == nil || w.rws == nil {
		return 0, 0
	}
	if !w.rws.wroteHeader {
		return 200, w.rws.wroteBytes
	}
	return w.rws.status, w.rws.wroteBytes
}
