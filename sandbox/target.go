package sandbox

import (
	"net/netip"
	"strings"
)

// A Target is what an address text names.
type Target struct {
	Host string     // as written, without brackets; "" is the local system
	Addr netip.Addr // when Host is a literal, with its zone; invalid otherwise
	Port uint16     // 0 when the text has none that is valid
}

// text is a Target with what is wrong about it.
type text struct {
	Target
	flaw string // why this is no address and port, "" when it is one
	odd  bool   // the port is Port to some readers only: a service name, spaces, a number beyond 32 bits
}

// The transports, and "" for every other network.
const (
	tcp = "tcp"
	udp = "udp"
)

// transport returns tcp, udp, or "" for a network that production does not have.
func transport(network string) string {
	switch network {
	case "tcp", "tcp4", "tcp6":
		return tcp
	case "udp", "udp4", "udp6":
		return udp
	}
	return ""
}

// fits reports whether the address is of the family that the network asks for.
func fits(network string, a netip.Addr) bool {
	switch {
	case strings.HasSuffix(network, "4"):
		return a.Unmap().Is4()
	case strings.HasSuffix(network, "6"):
		return !a.Unmap().Is4()
	}
	return true
}

// readText takes apart what a program wrote. It is stricter than the readers of the machine: what one of them takes
// for an address and another for a name is no address here.
func readText(network, address string) text {
	host, port, bracketed, flaw := splitHostPort(address)
	t := text{Target: Target{Host: host}, flaw: flaw}
	if flaw != "" {
		return t
	}
	if t.Port, t.odd, t.flaw = readPort(port); t.flaw != "" && !t.odd {
		return t
	}
	if host == "" {
		return t
	}
	addr, err := netip.ParseAddr(host)
	switch {
	case err == nil && !fits(network, addr):
		t.flaw, t.odd = "the address is not of the family that "+network+" asks for", false
	case err == nil:
		t.Addr = addr
	case bracketed:
		t.flaw, t.odd = "the brackets hold no IP address", false
	default:
		if f := nameFlaw(host); f != "" {
			t.flaw, t.odd = f, false
		}
	}
	return t
}

func splitHostPort(s string) (host, port string, bracketed bool, flaw string) {
	colon := strings.LastIndexByte(s, ':')
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		switch {
		case end < 0:
			return s, "", false, "a bracket is not closed"
		case end+1 == len(s):
			return s, "", false, "the port is missing"
		case end+1 != colon:
			return s, "", false, "between the bracket and the port must be one colon"
		}
		host, bracketed = s[1:end], true
	} else {
		switch {
		case colon < 0:
			return s, "", false, "the port is missing"
		case strings.IndexByte(s, ':') != colon:
			return s, "", false, "an IPv6 address needs brackets and a port"
		}
		host = s[:colon]
	}
	port = s[colon+1:]
	if strings.ContainsAny(host, "[]") || strings.ContainsAny(port, "[]") {
		return s, "", false, "a bracket is out of place"
	}
	return host, port, bracketed, ""
}

// readPort reads a port as everything on a machine that reads ports might: for the resolver of Go 2^32+25 is 25,
// and for a service file smtp and mail are.
func readPort(s string) (port uint16, odd bool, flaw string) {
	flaw = "the port is not a number from 1 to 65535"
	t := strings.TrimSpace(s)
	odd = t != s
	switch strings.ToLower(t) {
	case "smtp", "mail":
		return 25, true, flaw
	case "ftp":
		return 21, true, flaw
	}
	digits := strings.TrimLeft(strings.TrimPrefix(t, "+"), "0")
	if digits == "" || len(digits) > 10 || !allDigits(digits) {
		return 0, false, flaw
	}
	var n uint64
	for _, d := range []byte(digits) {
		n = n*10 + uint64(d-'0')
	}
	switch {
	case n <= 65535 && !odd:
		return uint16(n), false, ""
	case uint32(n) <= 65535:
		return uint16(n), true, flaw
	}
	return 0, false, flaw
}

// nameFlaw returns why host, which is no literal, is no DNS name either, "" when it is one.
func nameFlaw(host string) string {
	name := strings.TrimSuffix(host, ".")
	if len(name) > 253 {
		return "the name is longer than 253 bytes"
	}
	last := ""
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return "a part of the name is empty or longer than 63 bytes"
		}
		for _, c := range []byte(label) {
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
				return "the host is neither an IP address nor a DNS name"
			}
		}
		last = label
	}
	// No top-level domain is a number, but C's inet_aton takes 127.1, 0x7f.1 and 2130706433 for addresses.
	number := strings.TrimLeft(last, "-")
	if allDigits(number) || len(number) > 1 && number[0] == '0' && number[1]|0x20 == 'x' {
		return "the host is a broken IPv4 address"
	}
	return ""
}

func allDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
