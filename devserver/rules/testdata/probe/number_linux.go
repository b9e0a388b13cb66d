package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// byNumber connects a descriptor of the program's own.
func byNumber(addr string) int {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	must(err)
	a := netip.MustParseAddrPort(addr)
	must(syscall.Connect(fd, &syscall.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}))
	return fd
}

func init() {
	// reused holds a connection by its second number, and another one by its first.
	ways["reused"] = func(args []string) {
		in := bufio.NewScanner(os.Stdin)
		fd := byNumber(args[0])
		second, err := syscall.Dup(fd)
		must(err)
		syscall.Close(fd)
		other := byNumber(args[1])
		fmt.Println("the number again", other == fd)
		in.Scan()
		_, err = syscall.Write(other, []byte("x"))
		say("write", err)
		in.Scan()
		_, err = syscall.Write(other, []byte("x"))
		say("write", err)
		_, err = syscall.Write(second, []byte("x"))
		say("write to the second number", err)
	}
	// returned closes the duplicate of a connection, and goes on with the connection.
	ways["returned"] = func(args []string) {
		c, _ := connected(args[0])
		f, err := c.File()
		say("file", err)
		say("close the file", f.Close())
		bufio.NewScanner(os.Stdin).Scan()
		_, err = c.Write([]byte("x"))
		say("write", err)
		say("close", c.Close())
	}
	// kept closes a connection and goes on with its duplicate.
	ways["kept"] = func(args []string) {
		c, _ := connected(args[0])
		f, err := c.File()
		say("file", err)
		say("close", c.Close())
		_, err = f.Write([]byte("x"))
		say("write", err)
		bufio.NewScanner(os.Stdin).Scan()
		_, err = f.Write([]byte("x"))
		say("write", err)
		say("close the file", f.Close())
	}
	// replaced puts a file in the place of a connection.
	ways["replaced"] = func(args []string) {
		fd := byNumber(args[0])
		null, err := syscall.Open("/dev/null", syscall.O_WRONLY, 0)
		must(err)
		say("dup3", syscall.Dup3(null, fd, 0))
		n, err := syscall.Write(fd, []byte("into the file"))
		fmt.Println("write", n, err)
		say("dup3 of nothing", syscall.Dup3(1000, byNumber(args[0]), 0))
	}
	// held is inside Control while standard input is open, and uses the descriptor then.
	ways["held"] = func(args []string) {
		c, raw := connected(args[0])
		say("control", raw.Control(func(fd uintptr) {
			fmt.Println("open")
			io.Copy(io.Discard, os.Stdin)
			_, err := syscall.Write(int(fd), []byte("x"))
			say("write inside", err)
		}))
		_, err := c.Write([]byte("x"))
		say("write", err)
		say("close", c.Close())
		say("close again", c.Close())
	}
	// handed reads from the socket that it was started with as descriptor 4.
	ways["handed"] = func([]string) {
		syscall.SetNonblock(4, false)
		_, err := syscall.Write(4, []byte("x"))
		say("write", err)
		fmt.Println("open")
		_, err = syscall.Read(4, make([]byte, 1))
		say("read", err)
		bufio.NewScanner(os.Stdin).Scan()
	}
	// listener takes over the listener that it was started with as descriptor 4.
	ways["listener"] = func([]string) {
		l, err := net.FileListener(os.NewFile(4, "listener"))
		if err != nil {
			say("listener", err)
			return
		}
		var c net.Conn
		waiting(func() { c, err = l.Accept() })
		say("accept", err)
		if err == nil {
			_, err = c.Write([]byte("x"))
			say("write", err)
		}
	}
}
