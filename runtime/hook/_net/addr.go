//go:build unix

package net

import (
	"net/netip"
	"strconv"
	"syscall"
)

// devserverAddrPort returns the address of an internet socket. An address without an IP is the wildcard of its
// kind, as the system reads it; what is no internet address is the zero value.
func devserverAddrPort(a Addr) netip.AddrPort {
	var ip IP
	var zone string
	var port int
	switch a := a.(type) {
	case *TCPAddr:
		if a == nil {
			return netip.AddrPort{}
		}
		ip, zone, port = a.IP, a.Zone, a.Port
	case *UDPAddr:
		if a == nil {
			return netip.AddrPort{}
		}
		ip, zone, port = a.IP, a.Zone, a.Port
	case *IPAddr:
		if a == nil {
			return netip.AddrPort{}
		}
		ip, zone = a.IP, a.Zone
	default:
		return netip.AddrPort{}
	}
	addr, ok := netip.AddrFromSlice(ip)
	if !ok {
		addr = netip.IPv4Unspecified()
	}
	return netip.AddrPortFrom(addr.Unmap().WithZone(zone), uint16(port))
}

// devserverPath returns the path of a unix socket, "" for any other.
func devserverPath(a Addr) string {
	if u, ok := a.(*UnixAddr); ok && u != nil {
		return u.Name
	}
	return ""
}

// devserverSockaddr returns to as an address of like's type.
func devserverSockaddr(like sockaddr, to netip.AddrPort) sockaddr {
	switch like.(type) {
	case *UDPAddr:
		return UDPAddrFromAddrPort(to)
	case *IPAddr:
		return &IPAddr{IP: to.Addr().AsSlice(), Zone: to.Addr().Zone()}
	}
	return TCPAddrFromAddrPort(to)
}

// devserverFromSyscall returns the address in sa, the zero value when it is none of the internet.
func devserverFromSyscall(sa syscall.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		if sa != nil {
			return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
		}
	case *syscall.SockaddrInet6:
		if sa != nil {
			addr := netip.AddrFrom16(sa.Addr)
			if sa.ZoneId != 0 {
				addr = addr.WithZone(strconv.FormatUint(uint64(sa.ZoneId), 10))
			}
			return netip.AddrPortFrom(addr.Unmap(), uint16(sa.Port))
		}
	}
	return netip.AddrPort{}
}

// devserverTo returns to as a destination that a descriptor of family can send to.
func devserverTo(family int, to netip.AddrPort) (syscall.Sockaddr, error) {
	return ipToSockaddr(family, to.Addr().AsSlice(), int(to.Port()), to.Addr().Zone())
}
