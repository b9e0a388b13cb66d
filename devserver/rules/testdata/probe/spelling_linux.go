package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"unsafe"
)

// name is a struct sockaddr_in of that family, with room behind it.
func name(family uint16, text string) *[256]byte {
	a := netip.MustParseAddrPort(text)
	var b [256]byte
	binary.NativeEndian.PutUint16(b[:], family)
	binary.BigEndian.PutUint16(b[2:], a.Port())
	copy(b[4:], a.Addr().AsSlice())
	return &b
}

// sayErrno is say of a system call that was made by its number.
func sayErrno(step string, errno syscall.Errno) {
	if errno == 0 {
		say(step, nil)
		return
	}
	say(step, errno)
}

// message sends x in one sendmsg to a name of that size.
func message(fd int, to *[256]byte, size uint32) syscall.Errno {
	x := byte('x')
	v := syscall.Iovec{Base: &x, Len: 1}
	h := syscall.Msghdr{Name: &to[0], Namelen: size, Iov: &v, Iovlen: 1}
	_, _, errno := syscall.Syscall(syscall.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&h)), 0)
	return errno
}

func init() {
	// spelled names one destination in each way in which the kernel reads it.
	ways["spelled"] = func(args []string) {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
		must(err)
		plain, unspec := name(syscall.AF_INET, args[0]), name(syscall.AF_UNSPEC, args[0])
		x := byte('x')
		for _, to := range []*[256]byte{plain, unspec} {
			_, _, errno := syscall.Syscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&x)), 1, 0, uintptr(unsafe.Pointer(to)), 16)
			sayErrno("sendto", errno)
			sayErrno("sendmsg", message(fd, to, 16))
			sayErrno("sendmsg with room", message(fd, to, 256))
		}
		buf := make([]byte, 100)
		for range args[1:] {
			n, from, err := syscall.Recvfrom(fd, buf, 0)
			say(fmt.Sprint("recvfrom ", n), err)
			if in, ok := from.(*syscall.SockaddrInet4); ok {
				fmt.Println("from", netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port)))
			}
		}
		_, _, errno := syscall.Syscall(syscall.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(new([16]byte))), 16)
		sayErrno("disconnect", errno)
		_, _, errno = syscall.Syscall(syscall.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(name(syscall.AF_UNSPEC, "0.0.0.0:4711"))), 16)
		sayErrno("bind", errno)
		syscall.Close(fd)
	}
	// spelled6 sends to ::1 by an address without its last field, which the kernel takes too.
	ways["spelled6"] = func(args []string) {
		fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_DGRAM, 0)
		must(err)
		var to [256]byte
		binary.NativeEndian.PutUint16(to[:], syscall.AF_INET6)
		binary.BigEndian.PutUint16(to[2:], netip.MustParseAddrPort(args[0]).Port())
		to[23] = 1
		x := byte('x')
		_, _, errno := syscall.Syscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&x)), 1, 0, uintptr(unsafe.Pointer(&to)), 24)
		sayErrno("sendto", errno)
		sayErrno("sendmsg", message(fd, &to, 24))
		_, _, errno = syscall.Syscall(syscall.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to)), 24)
		sayErrno("connect", errno)
	}
	// zoned sends to ::1 with and without a zone.
	ways["zoned"] = func(args []string) {
		a := netip.MustParseAddrPort(args[0])
		_, err := net.Dial("udp", fmt.Sprintf("[::1%%lo]:%d", a.Port()))
		say("dial", err)
		c, err := net.ListenPacket("udp6", "[::]:0")
		must(err)
		for _, zone := range []string{"", "lo"} {
			_, err = c.WriteTo([]byte("x"), &net.UDPAddr{IP: a.Addr().AsSlice(), Port: int(a.Port()), Zone: zone})
			if op, ok := err.(*net.OpError); ok {
				err = op.Err // its own address is another one each time
			}
			say("writeto "+zone, err)
		}
		fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_DGRAM, 0)
		must(err)
		for _, zone := range []uint32{0, 1} {
			say(fmt.Sprint("sendto ", zone), syscall.Sendto(fd, []byte("x"), 0, &syscall.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port()), ZoneId: zone}))
		}
	}
	// protocols makes datagram and stream sockets that are neither UDP nor TCP.
	ways["protocols"] = func([]string) {
		for _, of := range []struct {
			name         string
			typ, protocl int
		}{{"udp", syscall.SOCK_DGRAM, syscall.IPPROTO_UDP}, {"tcp", syscall.SOCK_STREAM, syscall.IPPROTO_TCP}, {"icmp", syscall.SOCK_DGRAM, syscall.IPPROTO_ICMP}} {
			fd, err := syscall.Socket(syscall.AF_INET, of.typ, of.protocl)
			say(of.name, err)
			if err == nil {
				syscall.Close(fd)
			}
		}
	}
	// bigcontrol sends a socket over a pair, behind much else.
	ways["bigcontrol"] = func(args []string) {
		pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		must(err)
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
		must(err)
		// The kernel passes over messages of other levels.
		filler := make([]byte, syscall.CmsgSpace(66000))
		h := (*syscall.Cmsghdr)(unsafe.Pointer(&filler[0]))
		h.Level, h.Type = 4711, 1
		h.SetLen(syscall.CmsgLen(66000))
		say("rights", syscall.Sendmsg(pair[0], []byte("x"), append(filler, syscall.UnixRights(fd)...), nil, 0))
	}
}
