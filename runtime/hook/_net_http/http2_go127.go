//go:build go1.27 && !nethttpomithttp2

package http

import "net/http/internal/http2"

func devserverWritten2(rw ResponseWriter) (status int, n int64) {
	if w, ok := rw.(http2ResponseWriter); ok {
		return http2.DevserverWritten(w.ResponseWriter)
	}
	return 0, 0
}
