package porttest

import (
	"fmt"
	"net"
	"testing"
)

// TestKeep: the port can be listened on again and again, of 127.0.0.1 and of all addresses.
func TestKeep(t *testing.T) {
	t.Parallel()
	port := Keep(t)
	for _, host := range []string{"127.0.0.1", "", "127.0.0.1"} {
		ln, err := net.Listen("tcp", fmt.Sprint(host, ":", port))
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
	}
}
