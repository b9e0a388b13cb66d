package devserver

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// holder names the process that listens on a TCP address, "process 4711 (postgres)", as far as this user may know it; "" for
// one that cannot be found.
func holder(addr string) string {
	wanted, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return ""
	}
	var sockets []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err == nil {
			sockets = append(sockets, listening(string(text), wanted.AddrPort())...)
		}
	}
	pid := owner(sockets)
	if pid == "" {
		return ""
	}
	name, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
	if err != nil { // it has just ended
		return ""
	}
	return fmt.Sprintf("process %s (%s)", pid, strings.ToValidUTF8(strings.TrimSpace(string(name)), "?"))
}

// listening returns what the descriptors of listeners that are in the way of addr link to, from a table as
// proc_pid_net(5) describes it.
func listening(table string, addr netip.AddrPort) (links []string) {
	const listen = "0A"
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 10 || f[3] != listen {
			continue
		}
		local, ok := tableAddr(f[1])
		if !ok || local.Port() != addr.Port() {
			continue
		}
		if local.Addr() == addr.Addr().Unmap() || local.Addr().IsUnspecified() || !addr.Addr().IsValid() || addr.Addr().IsUnspecified() {
			links = append(links, "socket:["+f[9]+"]")
		}
	}
	return links
}

// tableAddr reads 0100007F:1F90: an address as words in the machine's order, here little-endian as on all that Go's
// patched copy is made for, and a port.
func tableAddr(text string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	if err != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	ip, ok := netip.AddrFromSlice(raw)
	n, err := strconv.ParseUint(port, 16, 16)
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)), ok && err == nil
}

// owner returns the id of a process that has one of the sockets open, "" when none that this user may look into has.
func owner(links []string) string {
	if len(links) == 0 {
		return ""
	}
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range fds {
		if link, err := os.Readlink(fd); err == nil && slices.Contains(links, link) {
			return strings.Split(fd, "/")[2]
		}
	}
	return ""
}
