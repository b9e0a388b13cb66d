package agent

import (
	"net/netip"
	"syscall"
)

// What the system says of a descriptor.

func isStream(fd int) bool {
	t, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	return err == nil && t == syscall.SOCK_STREAM
}

func localAddr(fd int) netip.AddrPort {
	sa, err := syscall.Getsockname(fd)
	return addrPort(sa, err)
}

func peerAddr(fd int) netip.AddrPort {
	sa, err := syscall.Getpeername(fd)
	return addrPort(sa, err)
}

func addrPort(sa syscall.Sockaddr, err error) netip.AddrPort {
	if err != nil {
		return netip.AddrPort{}
	}
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// networkAt asks the system what a descriptor is, "" for what the rules do not speak of.
func networkAt(fd int) string {
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		return ""
	}
	typ, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil {
		return ""
	}
	switch sa.(type) {
	case *syscall.SockaddrInet4:
		return networkName("4", typ)
	case *syscall.SockaddrInet6:
		return networkName("6", typ)
	case *syscall.SockaddrUnix:
		return "unix"
	}
	return ""
}

// networkName is the network of an internet socket of a type; family is 4, 6 or nothing.
func networkName(family string, typ int) string {
	switch typ {
	case syscall.SOCK_STREAM:
		return "tcp" + family
	case syscall.SOCK_DGRAM:
		return "udp" + family
	}
	return "ip" + family
}
