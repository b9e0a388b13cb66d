//go:build !go1.27 && !nethttpomithttp2

package http

func devserverWritten2(rw ResponseWriter) (status int, n int64) {
	if w, ok := rw.(*http2responseWriter); ok && w.rws != nil {
		status, n = w.rws.status, w.rws.wroteBytes
		if !w.rws.wroteHeader {
			status = StatusOK
		}
	}
	return status, n
}
