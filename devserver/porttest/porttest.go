// Package porttest keeps a port for a test whose servers listen on it later, again and again, or never.
package porttest

import (
	"net"
	"runtime"
	"syscall"
	"testing"
)

// Keep returns a free port of 127.0.0.1 for a program that sets SO_REUSEADDR, as servers do. Until the test's end the
// system gives it to nobody who asks for any: a socket that is bound and does not listen holds it. Only Linux lets another
// one listen beside it; elsewhere the port is free for the moment.
func Keep(tb testing.TB) int {
	tb.Helper()
	if runtime.GOOS != "linux" {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		defer ln.Close()
		return ln.Addr().(*net.TCPAddr).Port
	}
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		tb.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		tb.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		tb.Fatal(err)
	}
	return sa.(*syscall.SockaddrInet4).Port
}
