package delve

import (
	"bufio"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// dieWithUs has dlv let go of its process when we are killed.
func dieWithUs(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	a.Pdeathsig = syscall.SIGINT
	return a
}

// sameUser tells whether a client on this machine is the user who runs us: who reaches a debugger can run code as its user.
// dlv itself makes sure of that too, but sees us and not the client. A client elsewhere was let in with the address.
func sameUser(c net.Conn) bool {
	remote, local := addrPort(c.RemoteAddr()), addrPort(c.LocalAddr())
	if !remote.Addr().IsLoopback() && remote.Addr() != local.Addr() {
		return true
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue
		}
		uid, ok := owner(bufio.NewScanner(f), remote, local)
		f.Close()
		if ok {
			return uid == os.Getuid()
		}
	}
	return false
}

func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	p := t.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// owner finds the user of a connection in one of the kernel's tables (proc_pid_net(5)): fields 1 and 2 are its addresses, 7
// is the user's id.
func owner(table *bufio.Scanner, local, remote netip.AddrPort) (uid int, ok bool) {
	for table.Scan() {
		f := strings.Fields(table.Text())
		if len(f) < 8 || tableAddr(f[1]) != local || tableAddr(f[2]) != remote {
			continue
		}
		uid, err := strconv.Atoi(f[7])
		return uid, err == nil
	}
	return 0, false
}

// tableAddr reads an address of these tables: each four bytes stand there as a number of the machine, little endian on all that
// Delve runs on. It is the zero AddrPort when s is none.
func tableAddr(s string) netip.AddrPort {
	host, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	n, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || len(b)%4 != 0 {
		return netip.AddrPort{}
	}
	for i := 0; i < len(b); i += 4 {
		b[i], b[i+1], b[i+2], b[i+3] = b[i+3], b[i+2], b[i+1], b[i]
	}
	ip, ok := netip.AddrFromSlice(b)
	if !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(n))
}
