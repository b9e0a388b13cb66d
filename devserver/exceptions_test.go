package devserver

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// echo listens on loopback and sends back what comes, until the test ends.
func echo(t *testing.T) (port int) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			io.Copy(c, c)
			c.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-ended })
	return ln.Addr().(*net.TCPAddr).Port
}

// TestExceptions runs an app under exceptions to rule loopback: by address, and by a name that is only reported.
func TestExceptions(t *testing.T) {
	t.Parallel()
	if hosts, _ := os.ReadFile("/etc/hosts"); !strings.Contains(string(hosts), "localhost") {
		hooktest.Missing(t, "localhost is not in /etc/hosts, and no resolver shall be asked")
	}
	lifted, reported := echo(t), echo(t)
	s := newSite(t, map[string]string{"main.go": source, "devserver.yaml": fmt.Sprintf(`
exceptions:
  - {address: 127.0.0.1, ports: [%d], rules: [loopback]}
  - {host: localhost, ports: [%d], rules: [loopback], mode: report}
`, lifted, reported)})
	s.up()
	denied := fmt.Sprintf("dial tcp 127.0.0.1:%d: connect: permission denied", reported)
	for _, tt := range []struct {
		host string
		port int
		want string
	}{
		{"127.0.0.1", lifted, "<nil>"},
		{"127.0.0.1", reported, denied}, // nobody has looked localhost up
		{"localhost", reported, "<nil>"},
		{"127.0.0.1", reported, "<nil>"}, // now it is localhost's
	} {
		if got := s.get(fmt.Sprintf("/dial?addr=%s:%d", tt.host, tt.port)); got != tt.want {
			t.Errorf("a dial to %s:%d says %q, want %q", tt.host, tt.port, got, tt.want)
		}
	}
	s.stop()
	r := s.recording()
	for kind, want := range map[string]string{"connect": "- loopback loopback", "deny": "loopback"} {
		events, err := r.Events(t.Context(), record.EventFilter{Kinds: []string{kind}, Ascending: true})
		if err != nil {
			t.Fatal(err)
		}
		var rules []string
		for _, e := range events {
			if e.Error == "" || kind == "deny" { // localhost may be ::1 first, where nobody listens
				rules = append(rules, cmp.Or(e.Rule, "-"))
				if told := strings.HasSuffix(e.Detail, "is on the profile's list of exceptions to that rule: it is let through."); told != (kind == "connect" && e.Rule != "") {
					t.Errorf("a %s event by %q says %q", kind, e.Rule, e.Detail)
				}
			}
		}
		if got := strings.Join(rules, " "); got != want {
			t.Errorf("%s events carry the rules %q, want %q", kind, got, want)
		}
	}
}
