//go:build nethttpomithttp2

package http

func devserverWritten2(rw ResponseWriter) (status int, n int64) { return 0, 0 }
