package main

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

func init() {
	// connect uses system calls only.
	ways["connect"] = func(args []string) {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		say("socket", err)
		if err != nil {
			return
		}
		a := netip.MustParseAddrPort(args[0])
		err = syscall.Connect(fd, &syscall.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())})
		say("connect", err)
		if err == nil {
			n, err := syscall.Write(fd, []byte("hello\n"))
			fmt.Println("write", n, err)
			n, err = syscall.Read(fd, make([]byte, 100))
			fmt.Println("read", n, err)
		}
		say("close", syscall.Close(fd))
	}
	ways["bind"] = func(args []string) {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
		must(err)
		say("bind 127.0.0.1", syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
		say("bind 0.0.0.0", syscall.Bind(fd, &syscall.SockaddrInet4{}))
		a := netip.MustParseAddrPort(args[0])
		to := &syscall.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
		say("sendto", syscall.Sendto(fd, []byte("four"), 0, to))
		_, err = syscall.SendmsgN(fd, []byte("sixsix"), nil, to, 0)
		say("sendmsg", err)
		for range 2 {
			n, _, err := syscall.Recvfrom(fd, make([]byte, 100), 0)
			fmt.Println("recvfrom", n, err)
		}
		b := netip.MustParseAddrPort(args[1])
		to = &syscall.SockaddrInet4{Addr: b.Addr().As4(), Port: int(b.Port())}
		say("sendto elsewhere", syscall.Sendto(fd, []byte("four"), 0, to))
		_, err = syscall.SendmsgN(fd, []byte("sixsix"), nil, to, 0)
		say("sendmsg elsewhere", err)
		syscall.Close(fd)
		raw, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_RAW, syscall.IPPROTO_ICMP)
		say("raw socket", err)
		if err == nil {
			syscall.Close(raw)
		}
		_, err = net.InterfaceAddrs() // asks the kernel over netlink, which is no network
		say("interfaces", err)
	}
	// serve listens on a port, and on none, by system calls.
	ways["serve"] = func(args []string) {
		port, err := strconv.Atoi(args[0])
		must(err)
		serve("IPv4", syscall.AF_INET, &syscall.SockaddrInet4{Port: port})
		serve("IPv6", syscall.AF_INET6, &syscall.SockaddrInet6{Port: port})
		serve("one", syscall.AF_INET, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
		serve("another", syscall.AF_INET, &syscall.SockaddrInet4{Port: port + 1})
	}
	// control uses the descriptor of a connection that package net made.
	ways["control"] = func(args []string) {
		c, err := net.ListenPacket("udp4", ":0")
		must(err)
		rc, err := c.(*net.UDPConn).SyscallConn()
		must(err)
		a := netip.MustParseAddrPort(args[0])
		var kept uintptr
		rc.Control(func(fd uintptr) {
			kept = fd
			say("sendto inside", syscall.Sendto(int(fd), []byte("four"), 0, &syscall.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}))
		})
		say("sendto after", syscall.Sendto(int(kept), []byte("four"), 0, &syscall.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}))
		_, err = c.WriteTo([]byte("four"), net.UDPAddrFromAddrPort(a))
		say("writeto", err)
		say("close", c.Close())
	}
}

// serve tells where a listener is that was bound to an address.
func serve(name string, family int, at syscall.Sockaddr) {
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	must(err)
	defer syscall.Close(fd)
	must(syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	if err = syscall.Bind(fd, at); err == nil {
		err = syscall.Listen(fd, 1)
	}
	say(name, err)
	if err != nil {
		return
	}
	is, err := syscall.Getsockname(fd)
	must(err)
	switch is := is.(type) {
	case *syscall.SockaddrInet4:
		fmt.Println(netip.AddrFrom4(is.Addr))
	case *syscall.SockaddrInet6:
		fmt.Println(netip.AddrFrom16(is.Addr))
	}
}
