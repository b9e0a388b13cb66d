package devserver

import (
	"net"
	"runtime"
	"syscall"
	"testing"
)

// reserved returns an address on loopback on which a test may listen, again and again or never: until its end the system
// gives the port to nobody who asks for any, because a socket is bound to it that does not listen. Only Linux lets another
// one listen beside it; elsewhere the port is free for the moment.
func reserved(t testing.TB) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		return ln.Addr().String()
	}
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	addr, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: addr.(*syscall.SockaddrInet4).Port}).String()
}

// TestReserved: the address can be listened on twice in turn, and is not given to others meanwhile.
func TestReserved(t *testing.T) {
	t.Parallel()
	addr := reserved(t)
	for range 2 {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
	}
}
