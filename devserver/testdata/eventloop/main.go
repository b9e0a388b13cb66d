// Eventloop serves $PORT with system calls of its own, in the way that $WAY names. It answers with the client's address, and with what
// its listener says of itself.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
)

const version = "one"

var said []string

func main() {
	port, err := strconv.Atoi(os.Getenv("PORT"))
	must(err)
	switch way := os.Getenv("WAY"); way {
	case "file": // as github.com/cloudwego/netpoll does it
		l, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
		must(err)
		f, err := l.(*net.TCPListener).File()
		must(err)
		fd := int(f.Fd())
		must(syscall.SetNonblock(fd, true))
		ask(fd)
		loop(fd)
	case "control": // as google.golang.org/grpc does it: package net accepts, and its user asks the descriptor
		c := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) { must(syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, 15, 1)) }) // SO_REUSEPORT
		}}
		l, err := c.Listen(context.Background(), "tcp", ":"+os.Getenv("PORT"))
		must(err)
		raw, err := l.(*net.TCPListener).SyscallConn()
		must(err)
		must(raw.Control(func(fd uintptr) { ask(int(fd)) }))
		must(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, answer(r.RemoteAddr)) })))
	case "number":
		l, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
		must(err)
		raw, err := l.(*net.TCPListener).SyscallConn()
		must(err)
		number := 0
		must(raw.Control(func(fd uintptr) { number = int(fd) }))
		ask(number)
		loop(number)
		l.Close()
	case "loop": // as github.com/panjf2000/gnet does it
		fd := listen(syscall.AF_INET6, &syscall.SockaddrInet6{Port: port})
		must(syscall.SetNonblock(fd, true))
		ask(fd)
		second(syscall.AF_INET6, &syscall.SockaddrInet6{Port: port})
		loop(fd)
	case "blocking":
		fd := listen(syscall.AF_INET, &syscall.SockaddrInet4{Port: port})
		ask(fd)
		for {
			take(fd)
		}
	case "listener": // as github.com/valyala/tcplisten does it
		fd := listen(syscall.AF_INET, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
		ask(fd)
		f := os.NewFile(uintptr(fd), "listener")
		l, err := net.FileListener(f)
		must(err)
		must(f.Close())
		said = append(said, "address "+l.Addr().String())
		must(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, answer(r.RemoteAddr)) })))
	default:
		panic("WAY=" + way)
	}
}

func listen(family int, at syscall.Sockaddr) int {
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(err)
	must(syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	must(syscall.Bind(fd, at))
	must(syscall.Listen(fd, 128))
	return fd
}

// ask asks the listener what it is, and does to it what is harmless to a listener.
func ask(fd int) {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	say("type", kind == syscall.SOCK_STREAM, err)
	listens, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	say("listens", listens, err)
	say("option", syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_DEFER_ACCEPT, 1))
	say("again", syscall.Listen(fd, 1))
	_, err = syscall.Read(fd, make([]byte, 1024))
	say("read", err)
	other, err := syscall.Dup(fd)
	say("dup", err)
	say("close", syscall.Close(other))
}

// second tries to listen where somebody listens, and does so once more with another socket.
func second(family int, at syscall.Sockaddr) {
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(err)
	must(syscall.Bind(fd, at))
	say("second", syscall.Listen(fd, 128))
	must(syscall.Close(fd))
}

func say(what ...any) { said = append(said, strings.TrimSuffix(fmt.Sprintln(what...), "\n")) }

// loop waits for connections with epoll, whose calls no hook sees.
func loop(fd int) {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	must(err)
	must(syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}))
	for {
		n, err := syscall.EpollWait(poll, make([]syscall.EpollEvent, 8), -1)
		if err != syscall.EINTR {
			must(err)
		}
		for range n {
			take(fd)
		}
	}
}

// take accepts a connection and answers on it.
func take(fd int) {
	conn, from, err := syscall.Accept4(fd, syscall.SOCK_CLOEXEC)
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return
	}
	must(err)
	go func() {
		defer syscall.Close(conn)
		var asked []byte
		for buf := make([]byte, 1024); !strings.Contains(string(asked), "\r\n\r\n"); {
			n, err := syscall.Read(conn, buf)
			if err != nil || n == 0 {
				return
			}
			asked = append(asked, buf[:n]...)
		}
		text := answer(client(from))
		syscall.Write(conn, []byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: "+strconv.Itoa(len(text))+"\r\n\r\n"+text))
	}()
}

func client(at syscall.Sockaddr) string {
	switch at := at.(type) {
	case *syscall.SockaddrInet4:
		return net.JoinHostPort(net.IP(at.Addr[:]).String(), strconv.Itoa(at.Port))
	case *syscall.SockaddrInet6:
		return net.JoinHostPort(net.IP(at.Addr[:]).String(), strconv.Itoa(at.Port))
	}
	return fmt.Sprintf("%T", at)
}

func answer(client string) string {
	return version + " for " + client + "\n" + strings.Join(said, "\n") + "\n"
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
