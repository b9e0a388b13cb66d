package main

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// stream makes a socket of the program's own.
func stream() int {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(err)
	return fd
}

// at is a port of all addresses.
func at(port string) *syscall.SockaddrInet4 {
	n, err := strconv.Atoi(port)
	must(err)
	return &syscall.SockaddrInet4{Port: n}
}

func init() {
	// patient listens on a port where it listens already, and once more when it does not.
	ways["patient"] = func(args []string) {
		l, err := net.Listen("tcp", ":"+args[0])
		must(err)
		fd := stream()
		say("bind", syscall.Bind(fd, at(args[0])))
		say("listen", syscall.Listen(fd, 1))
		must(l.Close())
		say("again", syscall.Listen(fd, 1))
	}
	// strayed binds a socket to a port, tries so once more, and connects it.
	ways["strayed"] = func(args []string) {
		fd := stream()
		must(syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
		say("bind", syscall.Bind(fd, at(args[0])))
		say("again", syscall.Bind(fd, at(args[0])))
		to := netip.MustParseAddrPort(args[1])
		say("connect", syscall.Connect(fd, &syscall.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}))
	}
	// over asks a listener that is closed for a duplicate.
	ways["over"] = func(args []string) {
		l, err := net.Listen("tcp", "127.0.0.1:"+args[0])
		must(err)
		must(l.Close())
		_, err = l.(*net.TCPListener).File()
		say("file", err)
	}
	// unseen closes a listener's duplicate behind the hooks, and connects what has its number then.
	ways["unseen"] = func(args []string) {
		l, err := net.Listen("tcp", ":"+args[0])
		must(err)
		f, err := l.(*net.TCPListener).File()
		must(err)
		fd := int(f.Fd())
		_, _, errno := syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0)
		fmt.Println("closed", errno == 0, stream() == fd)
		say("connect", syscall.Connect(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 1}))
		runtime.KeepAlive(f)
	}
	// late closes its listener while it waits for a connection.
	ways["late"] = func(args []string) {
		fd := stream()
		must(syscall.Bind(fd, at(args[0])))
		must(syscall.Listen(fd, 1))
		thread, done := make(chan int), make(chan error)
		go func() {
			runtime.LockOSThread()
			thread <- syscall.Gettid()
			conn, _, err := syscall.Accept(fd)
			if err == nil {
				_, err = syscall.Write(conn, []byte("x"))
			}
			done <- err
		}()
		file := fmt.Sprintf("/proc/self/task/%d/syscall", <-thread)
		receives := fmt.Sprintf("%d %#x ", syscall.SYS_RECVMSG, fd)
		for doing := ""; !strings.HasPrefix(doing, receives); {
			b, err := os.ReadFile(file)
			must(err)
			doing = string(b)
		}
		say("close", syscall.Close(fd))
		say("accept", <-done)
		bufio.NewScanner(os.Stdin).Scan()
	}
}
