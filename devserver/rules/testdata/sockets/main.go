// Sockets uses golang.org/x/net and golang.org/x/sys below package net, one way for each first argument, and prints
// what came of it.
package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

func main() {
	switch args := os.Args[2:]; os.Args[1] {
	case "batch":
		batch(args[0], args[1])
	case "stream":
		stream(args[0])
	case "datagram":
		datagram(args[0], args[1])
	}
}

// batch sends to allowed, and then with one message to denied among them.
func batch(allowed, denied string) {
	c, err := net.ListenPacket("udp4", ":0")
	must(err)
	p := ipv4.NewPacketConn(c)
	to, err := net.ResolveUDPAddr("udp4", allowed)
	must(err)
	elsewhere := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(denied))
	n, err := send(p, to, to, to)
	fmt.Println("all", n, err)
	receive(p, 3)
	n, err = send(p, to, to, elsewhere, to)
	fmt.Println("third denied", n, err)
	receive(p, n)
	n, err = send(p, elsewhere, to)
	var op *net.OpError
	fmt.Printf("first denied %d OpError %t, EACCES %t\n", n, errors.As(err, &op), errors.Is(err, unix.EACCES))
	c.Close()
}

// send sends each message in two pieces of 3 and 2 bytes, from memory of the stack.
func send(p *ipv4.PacketConn, to ...net.Addr) (int, error) {
	piece := [5]byte{'h', 'e', 'l', 'l', 'o'}
	ms := make([]ipv4.Message, len(to))
	for i := range ms {
		ms[i] = ipv4.Message{Buffers: [][]byte{piece[:3], piece[3:]}, Addr: to[i]}
	}
	n, err := p.WriteBatch(ms, 0)
	for i := range max(n, 0) {
		if ms[i].N != 5 {
			fmt.Println("message", i, "of", ms[i].N, "bytes")
		}
	}
	return n, err
}

func receive(p *ipv4.PacketConn, n int) {
	for n > 0 {
		ms := make([]ipv4.Message, n)
		for i := range ms {
			ms[i].Buffers = [][]byte{make([]byte, 100)}
		}
		got, err := p.ReadBatch(ms, 0)
		must(err)
		for _, m := range ms[:got] {
			fmt.Printf("got %q from %v\n", m.Buffers[0][:m.N], m.Addr)
		}
		n -= got
	}
}

func stream(addr string) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	must(err)
	err = unix.Connect(fd, sockaddr(addr))
	fmt.Println("connect", denial(err))
	if err == nil {
		n, err := unix.Write(fd, []byte("hello"))
		fmt.Println("write", n, err)
		buf := make([]byte, 5)
		n, err = unix.Read(fd, buf)
		fmt.Println("read", n, err)
		n, err = unix.Writev(fd, [][]byte{[]byte("he"), []byte("llo")})
		fmt.Println("writev", n, err)
		n, err = unix.Readv(fd, [][]byte{buf[:2], buf[2:]})
		fmt.Println("readv", n, err)
		fmt.Println("shutdown", unix.Shutdown(fd, unix.SHUT_WR))
		n, err = unix.Read(fd, buf)
		fmt.Println("end", n, err)
	}
	fmt.Println("close", unix.Close(fd))
}

func datagram(allowed, denied string) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	must(err)
	fmt.Println("bind", denial(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})))
	fmt.Println("bind any", denial(unix.Bind(fd, &unix.SockaddrInet4{})))
	for _, addr := range []string{allowed, denied} {
		to := sockaddr(addr)
		fmt.Println("sendto", denial(unix.Sendto(fd, []byte("1"), 0, to)))
		fmt.Println("sendmsg", denial(unix.Sendmsg(fd, []byte("22"), nil, to, 0)))
		n, err := unix.SendmsgBuffers(fd, [][]byte{[]byte("33"), nil, []byte("3")}, nil, to, 0)
		fmt.Println("sendmsg buffers", n, denial(err))
	}
	buf := make([]byte, 100)
	n, from, err := unix.Recvfrom(fd, buf, 0)
	fmt.Println("recvfrom", n, text(from), err)
	for range 2 {
		n, _, _, from, err := unix.Recvmsg(fd, buf, nil, 0)
		fmt.Println("recvmsg", n, text(from), err)
	}
	fmt.Println("close", unix.Close(fd))
}

func sockaddr(addr string) *unix.SockaddrInet4 {
	a := netip.MustParseAddrPort(addr)
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
}

func text(sa unix.Sockaddr) string {
	a, ok := sa.(*unix.SockaddrInet4)
	if !ok {
		return fmt.Sprintf("%T", sa)
	}
	return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)).String()
}

// denial shortens an error to what the program can tell from it.
func denial(err error) string {
	if err == nil {
		return "ok"
	}
	return err.Error()
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
