package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// supported are the options that production has.
var supported = []struct {
	name       string
	level, opt int
	value      int
}{
	{"SO_KEEPALIVE", syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1},
	{"SO_DEBUG", syscall.SOL_SOCKET, syscall.SO_DEBUG, 0},
	{"TCP_NODELAY", syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1},
	{"SO_OOBINLINE", syscall.SOL_SOCKET, syscall.SO_OOBINLINE, 1},
	{"SO_SNDBUF", syscall.SOL_SOCKET, syscall.SO_SNDBUF, 20000},
	{"SO_RCVBUF", syscall.SOL_SOCKET, syscall.SO_RCVBUF, 30000},
	{"SO_REUSEADDR", syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1},
}

// refused are some of those that it has not.
var refused = []struct {
	name       string
	level, opt int
}{
	{"SO_DONTROUTE", syscall.SOL_SOCKET, syscall.SO_DONTROUTE},
	{"SO_BROADCAST", syscall.SOL_SOCKET, syscall.SO_BROADCAST},
	{"IP_TOS", syscall.IPPROTO_IP, syscall.IP_TOS},
	{"IP_TTL", syscall.IPPROTO_IP, syscall.IP_TTL},
	{"TCP_MAXSEG", syscall.IPPROTO_TCP, syscall.TCP_MAXSEG},
	{"TCP_CORK", syscall.IPPROTO_TCP, syscall.TCP_CORK},
	{"TCP_KEEPIDLE", syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE},
	{"TCP_USER_TIMEOUT", syscall.IPPROTO_TCP, 18},
	{"4711", syscall.IPPROTO_TCP, 4711},
}

func connected(addr string) (*net.TCPConn, syscall.RawConn) {
	c, err := net.Dial("tcp", addr)
	must(err)
	raw, err := c.(*net.TCPConn).SyscallConn()
	must(err)
	return c.(*net.TCPConn), raw
}

func init() {
	// options sets and gets options by the methods of package net and by system calls.
	ways["options"] = func(args []string) {
		c, raw := connected(args[0])
		say("SetNoDelay", c.SetNoDelay(false))
		say("SetKeepAlive", c.SetKeepAlive(true))
		say("SetLinger", c.SetLinger(7))
		say("SetReadBuffer", c.SetReadBuffer(40000))
		say("SetWriteBuffer", c.SetWriteBuffer(50000))
		say("SetKeepAlivePeriod", c.SetKeepAlivePeriod(time.Minute))
		say("SetKeepAliveConfig", c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true}))
		raw.Control(func(fd uintptr) { byCalls(int(fd)) })
		say("close", c.Close())
	}
	ways["getoptions"] = func(args []string) {
		c, raw := connected(args[0])
		raw.Control(func(fd uintptr) {
			n, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TYPE)
			fmt.Println("SO_TYPE", n == syscall.SOCK_STREAM, err)
			n, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
			fmt.Println("SO_ERROR", n, err)
			say("set SO_TYPE", syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TYPE, 1))
		})
		c.Close()
	}
	ways["join"] = func([]string) {
		c, err := net.ListenPacket("udp4", ":0")
		must(err)
		raw, err := c.(*net.UDPConn).SyscallConn()
		must(err)
		raw.Control(func(fd uintptr) {
			say("join", syscall.SetsockoptIPMreq(int(fd), syscall.IPPROTO_IP, syscall.IP_ADD_MEMBERSHIP, &syscall.IPMreq{Multiaddr: [4]byte{224, 0, 0, 251}}))
			say("datagram", syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_RECVTOS, 1))
		})
		_, err = net.ListenMulticastUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353})
		say("listenmulticast", err)
	}
}

func byCalls(fd int) {
	for _, o := range supported {
		err := syscall.SetsockoptInt(fd, o.level, o.opt, o.value)
		n, got := syscall.GetsockoptInt(fd, o.level, o.opt)
		fmt.Println(o.name, err, n, got)
	}
	err := syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1, Linger: 3})
	fmt.Println("SO_LINGER", err)
	for _, o := range refused {
		_, err := syscall.GetsockoptInt(fd, o.level, o.opt)
		fmt.Println(o.name, syscall.SetsockoptInt(fd, o.level, o.opt, 1), err)
	}
}

func init() {
	// slow waits for an answer longer than production lets it, and then uses the connection again.
	ways["slow"] = func(args []string) {
		c, err := net.Dial(args[0], args[1])
		must(err)
		if len(args) > 2 {
			c.SetReadDeadline(time.Now().Add(time.Hour))
		}
		waiting(func() { _, err = c.Read(make([]byte, 10)) })
		say("read", err)
		if len(args) > 2 && args[2] == "row" {
			row("deadline read", err)
		}
		if err != nil {
			fmt.Println("timeout", err.(net.Error).Timeout())
		}
		_, err = c.Write([]byte("again"))
		say("write", err)
		buf := make([]byte, 10)
		n, err := io.ReadFull(c, buf[:5])
		fmt.Printf("read %q %v\n", buf[:n], err)
		say("close", c.Close())
		io.Copy(io.Discard, os.Stdin) // the agent answers the test's command until then
	}
	// full writes until nobody takes more.
	ways["full"] = func(args []string) {
		c, err := net.Dial("tcp", args[0])
		must(err)
		n := 0
		waiting(func() { n, err = c.Write(make([]byte, 64<<20)) })
		fmt.Println("some", n > 0 && n < 64<<20)
		say("write", err)
		io.Copy(io.Discard, os.Stdin)
	}
}

func init() {
	// letout lets a connection's descriptor out in each way there is.
	ways["letout"] = func(args []string) {
		c, raw := connected(args[0])
		_, err := c.File()
		say("file", err)
		raw.Control(func(fd uintptr) {
			_, err := syscall.Dup(int(fd))
			say("dup", err)
			say("dup3", syscall.Dup3(int(fd), 200, 0))
			_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_DUPFD_CLOEXEC, 100)
			say("fcntl", errno)
			_, _, errno = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
			fmt.Println("flags", errno)
			_, err = syscall.ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2, fd}})
			say("child", err)
			pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
			say("socketpair", err)
			if err == nil {
				say("rights", syscall.Sendmsg(pair[0], []byte("x"), syscall.UnixRights(int(fd)), nil, 0))
			}
		})
		say("close", c.Close())
	}
	// duplicate uses a connection by further numbers of its descriptor.
	ways["duplicate"] = func(args []string) {
		c, raw := connected(args[0])
		f, err := c.File()
		say("file", err)
		n, err := f.Write([]byte("file"))
		fmt.Println("file write", n, err)
		raw.Control(func(fd uintptr) {
			second, err := syscall.Dup(int(fd))
			say("dup", err)
			n, err := syscall.Write(second, []byte("dup"))
			fmt.Println("dup write", n, err)
			syscall.Close(second)
		})
		f.Close()
		buf := make([]byte, 7)
		_, err = io.ReadFull(c, buf)
		fmt.Printf("read %q %v\n", buf, err)
		say("close", c.Close())
	}
	// inherited uses the socket that it was started with as descriptor 3.
	ways["inherited"] = func(args []string) {
		buf := make([]byte, 10)
		_, err := syscall.Read(3, buf)
		say("read", err)
		_, err = syscall.Write(3, []byte("x"))
		say("write", err)
		f := os.NewFile(3, "inherited")
		_, err = net.FileConn(f)
		say("fileconn", err)
		_, err = f.Write([]byte("y"))
		say("file", err)
	}
	// received takes a socket over a unix connection that production does not have, where that rule is off.
	ways["received"] = func(args []string) {
		u, err := net.Dial("unix", args[0])
		must(err)
		buf, oob := make([]byte, 10), make([]byte, 100)
		_, oobn, _, _, err := u.(*net.UnixConn).ReadMsgUnix(buf, oob)
		say("readmsg", err)
		if err != nil {
			return
		}
		msgs, err := syscall.ParseSocketControlMessage(oob[:oobn])
		must(err)
		fds, err := syscall.ParseUnixRights(&msgs[0])
		must(err)
		n, err := syscall.Write(fds[0], []byte("taken"))
		fmt.Println("write", n, err)
		bufio.NewScanner(os.Stdin).Scan()
	}
}
