package sandbox

import "syscall"

// systemOptions are further options of Linux by name. The first ones are known to production's protocol
// (socket_service.proto) and never allowed.
var systemOptions = map[option]string{
	{syscall.IPPROTO_TCP, syscall.TCP_CORK}:         "TCP_CORK",
	{syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE}:     "TCP_KEEPIDLE",
	{syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL}:    "TCP_KEEPINTVL",
	{syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT}:      "TCP_KEEPCNT",
	{syscall.IPPROTO_TCP, syscall.TCP_SYNCNT}:       "TCP_SYNCNT",
	{syscall.IPPROTO_TCP, syscall.TCP_LINGER2}:      "TCP_LINGER2",
	{syscall.IPPROTO_TCP, syscall.TCP_DEFER_ACCEPT}: "TCP_DEFER_ACCEPT",
	{syscall.IPPROTO_TCP, syscall.TCP_WINDOW_CLAMP}: "TCP_WINDOW_CLAMP",
	{syscall.IPPROTO_TCP, syscall.TCP_INFO}:         "TCP_INFO",
	{syscall.IPPROTO_TCP, syscall.TCP_QUICKACK}:     "TCP_QUICKACK",

	{syscall.IPPROTO_TCP, 18}:                           "TCP_USER_TIMEOUT",
	{syscall.SOL_SOCKET, 15}:                            "SO_REUSEPORT",
	{syscall.SOL_SOCKET, syscall.SO_BINDTODEVICE}:       "SO_BINDTODEVICE",
	{syscall.SOL_SOCKET, syscall.SO_MARK}:               "SO_MARK",
	{syscall.SOL_SOCKET, syscall.SO_PRIORITY}:           "SO_PRIORITY",
	{syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN}:         "SO_ACCEPTCONN",
	{syscall.SOL_SOCKET, syscall.SO_RCVLOWAT}:           "SO_RCVLOWAT",
	{syscall.SOL_SOCKET, syscall.SO_SNDLOWAT}:           "SO_SNDLOWAT",
	{syscall.SOL_SOCKET, syscall.SO_TIMESTAMP}:          "SO_TIMESTAMP",
	{syscall.IPPROTO_IPV6, 67}:                          "IPV6_TCLASS",
	{syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_HOPS}: "IPV6_MULTICAST_HOPS",
}

// systemReads are Linux's further options that say what a socket is, as SO_TYPE does. golang.org/x/sys asks for
// SO_PROTOCOL whenever it reads an address.
var systemReads = map[option]string{
	{syscall.SOL_SOCKET, syscall.SO_PROTOCOL}: "SO_PROTOCOL",
	{syscall.SOL_SOCKET, syscall.SO_DOMAIN}:   "SO_DOMAIN",
}

// systemJoins are Linux's further ways to join a multicast group.
var systemJoins = map[option]string{
	{syscall.IPPROTO_IP, syscall.IP_ADD_SOURCE_MEMBERSHIP}: "IP_ADD_SOURCE_MEMBERSHIP",
	{syscall.IPPROTO_IP, 42}:                               "MCAST_JOIN_GROUP",
	{syscall.IPPROTO_IPV6, 42}:                             "MCAST_JOIN_GROUP",
	{syscall.IPPROTO_IP, 46}:                               "MCAST_JOIN_SOURCE_GROUP",
	{syscall.IPPROTO_IPV6, 46}:                             "MCAST_JOIN_SOURCE_GROUP",
}

// datagramOptions are what QUIC and DNS libraries set on a UDP socket to hear more about each datagram from their own
// kernel, to send many at once, and to find the largest that passes. Production has none of them, for no kernel is below its sockets.
// quic-go does not start where the first two are refused, and the packets that leave are UDP all the same; so on UDP
// sockets these are reported, never denied.
var datagramOptions = map[option]string{
	{syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER}:     "IP_MTU_DISCOVER",
	{syscall.IPPROTO_IPV6, syscall.IPV6_MTU_DISCOVER}: "IPV6_MTU_DISCOVER",
	{syscall.IPPROTO_IP, syscall.IP_RECVTOS}:          "IP_RECVTOS",
	{syscall.IPPROTO_IPV6, 66}:                        "IPV6_RECVTCLASS",
	{syscall.IPPROTO_IP, syscall.IP_PKTINFO}:          "IP_PKTINFO",
	{syscall.IPPROTO_IPV6, syscall.IPV6_RECVPKTINFO}:  "IPV6_RECVPKTINFO",
	{syscall.IPPROTO_IP, syscall.IP_RECVTTL}:          "IP_RECVTTL",
	{syscall.IPPROTO_IPV6, 51}:                        "IPV6_RECVHOPLIMIT",
	{syscall.IPPROTO_UDP, 103}:                        "UDP_SEGMENT",
	{syscall.IPPROTO_UDP, 104}:                        "UDP_GRO",
	{syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE}:      "SO_RCVBUFFORCE",
	{syscall.SOL_SOCKET, syscall.SO_SNDBUFFORCE}:      "SO_SNDBUFFORCE",
}
