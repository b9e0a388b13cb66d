package devserver

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// TestHolder: whoever has the port is named, by whichever of its addresses it is in the way.
func TestHolder(t *testing.T) {
	t.Parallel()
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("process %d (%s)", os.Getpid(), strings.TrimSpace(string(comm)))
	for _, tt := range []struct{ network, taken, asked string }{
		{"tcp4", "127.0.0.1", "127.0.0.1"},
		{"tcp4", "0.0.0.0", "127.0.0.1"},
		{"tcp4", "127.0.0.1", ""},
		{"tcp", "", "127.0.0.1"},
	} {
		ln, err := net.Listen(tt.network, net.JoinHostPort(tt.taken, "0"))
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		addr := net.JoinHostPort(tt.asked, port)
		if got := holder(addr); got != want {
			t.Errorf("%s:%s is taken; holder(%s) = %q, want %q", tt.taken, port, addr, got, want)
		}
		if _, err := listen("shop", addr, "--addr"); err == nil || !strings.Contains(err.Error(), "is taken by "+want+"; choose another with --addr") {
			t.Errorf("listen on %s: %v", addr, err)
		}
		ln.Close()
	}
	if got := holder("nonsense"); got != "" {
		t.Errorf("holder of nonsense = %q", got)
	}
}

func FuzzListening(f *testing.F) {
	f.Add("  sl  local_address rem_address   st\n 0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1\n")
	f.Add("0: 00000000000000000000000001000000:1F90 0:0 0A 0 0 0 0 0 7 1\n0: 0100007:1F90 0 0A 0 0 0 0 0 7 1\n0: x 0 0A 0 0 0 0 0 0\n")
	f.Fuzz(func(t *testing.T, table string) {
		for _, link := range listening(table, netip.MustParseAddrPort("127.0.0.1:8080")) {
			if !strings.Contains(table, strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")) {
				t.Errorf("%q is not in the table", link)
			}
		}
	})
}
