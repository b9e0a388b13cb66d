package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"syscall"
)

func init() {
	// stack hands memory of small stacks to system calls: what judges those makes the stack grow, and so move.
	ways["stack"] = func(args []string) {
		a := netip.MustParseAddrPort(args[0])
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
		must(err)
		wrong := 0
		for i := range 300 {
			done := make(chan bool)
			go func() { done <- exchange(fd, a, byte(i)) }()
			if !<-done {
				wrong++
			}
		}
		fmt.Println("wrong", wrong)
		must(syscall.Close(fd))
	}
}

func exchange(fd int, to netip.AddrPort, fill byte) bool {
	var out, in [300]byte
	for i := range out {
		out[i] = fill
	}
	sa := syscall.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}
	if fill%2 == 0 {
		_, err := syscall.SendmsgN(fd, out[:], nil, &sa, 0)
		must(err)
	} else {
		must(syscall.Sendto(fd, out[:], 0, &sa))
	}
	n, from, err := syscall.Recvfrom(fd, in[:], 0)
	must(err)
	f, ok := from.(*syscall.SockaddrInet4)
	return ok && f.Port == sa.Port && f.Addr == sa.Addr && n == len(in) && bytes.Equal(in[:], out[:])
}
