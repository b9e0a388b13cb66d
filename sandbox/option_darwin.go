package sandbox

import "syscall"

// systemOptions are further options of macOS by name.
var systemOptions = map[option]string{
	{syscall.IPPROTO_TCP, syscall.TCP_KEEPALIVE}:        "TCP_KEEPALIVE",
	{syscall.IPPROTO_TCP, 0x101}:                        "TCP_KEEPINTVL",
	{syscall.IPPROTO_TCP, 0x102}:                        "TCP_KEEPCNT",
	{syscall.SOL_SOCKET, syscall.SO_REUSEPORT}:          "SO_REUSEPORT",
	{syscall.SOL_SOCKET, syscall.SO_NOSIGPIPE}:          "SO_NOSIGPIPE",
	{syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN}:         "SO_ACCEPTCONN",
	{syscall.IPPROTO_IPV6, 36}:                          "IPV6_TCLASS",
	{syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_HOPS}: "IPV6_MULTICAST_HOPS",
}

// systemReads are macOS's further options that say what a socket is: none.
var systemReads map[option]string

// systemJoins are macOS's further ways to join a multicast group.
var systemJoins = map[option]string{
	{syscall.IPPROTO_IP, 70}:   "IP_ADD_SOURCE_MEMBERSHIP",
	{syscall.IPPROTO_IP, 80}:   "MCAST_JOIN_GROUP",
	{syscall.IPPROTO_IPV6, 80}: "MCAST_JOIN_GROUP",
	{syscall.IPPROTO_IP, 82}:   "MCAST_JOIN_SOURCE_GROUP",
	{syscall.IPPROTO_IPV6, 82}: "MCAST_JOIN_SOURCE_GROUP",
}

// datagramOptions are what QUIC and DNS libraries set on a UDP socket to hear more about each datagram from their own
// kernel: see those of Linux.
var datagramOptions = map[option]string{
	{syscall.IPPROTO_IP, 28}:                     "IP_DONTFRAG",
	{syscall.IPPROTO_IPV6, 62}:                   "IPV6_DONTFRAG",
	{syscall.IPPROTO_IP, 27}:                     "IP_RECVTOS",
	{syscall.IPPROTO_IPV6, 35}:                   "IPV6_RECVTCLASS",
	{syscall.IPPROTO_IP, 26}:                     "IP_PKTINFO",
	{syscall.IPPROTO_IPV6, 61}:                   "IPV6_RECVPKTINFO",
	{syscall.IPPROTO_IP, syscall.IP_RECVTTL}:     "IP_RECVTTL",
	{syscall.IPPROTO_IP, syscall.IP_RECVDSTADDR}: "IP_RECVDSTADDR",
	{syscall.IPPROTO_IPV6, 37}:                   "IPV6_RECVHOPLIMIT",
}
