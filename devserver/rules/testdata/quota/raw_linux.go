package main

import (
	"net/netip"
	"syscall"
)

func init() {
	// raw makes the system calls itself: a connection with one write and one read.
	steps["raw"] = func(_ *program, args []string) (string, error) {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		if err != nil {
			return "socket ", err
		}
		defer syscall.Close(fd)
		if err := syscall.Connect(fd, inet4(args[0])); err != nil {
			return "connect ", err
		}
		if _, err := syscall.Write(fd, []byte("hello\n")); err != nil {
			return "write ", err
		}
		if _, err := syscall.Read(fd, make([]byte, 6)); err != nil {
			return "read ", err
		}
		return "", nil
	}
	// rawpacket binds a socket and sends two datagrams.
	steps["rawpacket"] = func(_ *program, args []string) (string, error) {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
		if err != nil {
			return "socket ", err
		}
		defer syscall.Close(fd)
		if err := syscall.Bind(fd, &syscall.SockaddrInet4{}); err != nil {
			return "bind ", err
		}
		if err := syscall.Sendto(fd, []byte("four"), 0, inet4(args[0])); err != nil {
			return "sendto ", err
		}
		if _, err := syscall.SendmsgN(fd, []byte("sixsix"), nil, inet4(args[0]), 0); err != nil {
			return "sendmsg ", err
		}
		for range 2 {
			if _, _, err := syscall.Recvfrom(fd, make([]byte, 100), 0); err != nil {
				return "recvfrom ", err
			}
		}
		return "", nil
	}
	// rawsend sends a datagram through a system call on a socket of package net.
	steps["rawsend"] = func(p *program, args []string) (string, error) {
		conn, err := p.packet.(syscall.Conn).SyscallConn()
		must(err)
		var sent error
		must(conn.Control(func(fd uintptr) { sent = syscall.Sendto(int(fd), []byte("hello"), 0, inet4(args[0])) }))
		return "", sent
	}
}

func inet4(addr string) *syscall.SockaddrInet4 {
	a := netip.MustParseAddrPort(addr)
	return &syscall.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
}
