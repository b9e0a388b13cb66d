package rules

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// TestModel holds what the tutorials teach of sockets: what a listener, an accepted socket, a client and a connection are.
func TestModel(t *testing.T) {
	t.Parallel()
	r := asking(t, run{})
	r.Args = []string{"model"}
	got := start(t, "probe", r)
	wantLines(t, got, "bound to its port: true", "the system chose the clients' ports: true", "accepted on the listener's port: true true",
		"each end knows the other: true true", "two connections, two pairs of endpoints: true true", "both sides read and write: true true true true")
	if denied := got.of(sandbox.KindDeny); len(denied) > 0 {
		t.Errorf("denials %+v, want none", denied)
	}
}

// TestTLS speaks TLS over a judged socket to a stand-in that has a certificate for production's name.
func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	t.Cleanup(server.Close)
	cert := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	s := standin("example.com:443", server.Listener.Addr().String())
	s[0].Address = netip.MustParseAddr("93.184.216.34")
	got := start(t, "probe", run{Args: []string{"tls", "example.com:443", cert}, Standins: s})
	wantLines(t, got, "handshake true example.com 93.184.216.34:443", "answer HTTP/1.0 200 <nil>", "close: ok")
}
