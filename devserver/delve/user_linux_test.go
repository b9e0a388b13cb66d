package delve

import (
	"bufio"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// TestOwner: the user of a connection is that of the line in the kernel's table that has the client's address first.
func TestOwner(t *testing.T) {
	t.Parallel()
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0929 00000000:0000 0A 00000000:00000000 00:00000000 00000000     7        0 1 1 0
   1: 0100007F:0929 0100007F:C350 01 00000000:00000000 00:00000000 00000000     7        0 2 1 0
   2: 0100007F:C350 0100007F:0929 01 00000000:00000000 00:00000000 00000000  1000        0 3 1 0
   3: 00000000000000000000000001000000:C351 00000000000000000000000001000000:0929 01 00000000:00000000 00:00000000 00000000 1001 0 4 1 0
   4: 0000000000000000FFFF00000100007F:C352 0000000000000000FFFF00000100007F:0929 01 00000000:00000000 00:00000000 00000000 1002 0 5 1 0
   5: short
   6: 0100007F 0100007F:0929 01 00000000:00000000 00:00000000 00000000 none 0 5 1 0
`
	for _, tt := range []struct {
		local, remote string
		uid           int
		ok            bool
	}{
		{"127.0.0.1:50000", "127.0.0.1:2345", 1000, true},
		{"127.0.0.1:2345", "127.0.0.1:50000", 7, true},
		{"[::1]:50001", "[::1]:2345", 1001, true},
		{"127.0.0.1:50002", "127.0.0.1:2345", 1002, true},
		{"127.0.0.1:50003", "127.0.0.1:2345", 0, false},
	} {
		uid, ok := owner(bufio.NewScanner(strings.NewReader(table)), netip.MustParseAddrPort(tt.local), netip.MustParseAddrPort(tt.remote))
		if uid != tt.uid || ok != tt.ok {
			t.Errorf("owner(%s, %s) = %d, %v; want %d, %v", tt.local, tt.remote, uid, ok, tt.uid, tt.ok)
		}
	}
}

// TestSameUser: this process's own connection is its user's, by IPv4 and IPv6.
func TestSameUser(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		ln, err := net.Listen("tcp", addr)
		if err != nil && strings.Contains(addr, "::1") {
			t.Logf("no IPv6 here: %v", err)
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		accepted, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		if !sameUser(accepted) {
			t.Errorf("a connection of user %d to %s is said to be another's", os.Getuid(), addr)
		}
	}
}

func FuzzTableAddr(f *testing.F) {
	for _, s := range []string{"0100007F:0929", "00000000000000000000000001000000:C351", "", ":", "zz:1", "01:1", "0100007F:10000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { tableAddr(s) })
}
