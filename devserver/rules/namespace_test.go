//go:build linux

package rules

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
)

// alone runs the test in a network and a file system of its own, and reports whether this is there. Nothing that is
// sent there leaves it, to whatever address. Elsewhere it runs the test there by a process of its own, and returns false.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv("RULES_ALONE") == t.Name() {
		return true
	}
	if _, err := exec.LookPath("ip"); err != nil {
		hooktest.Missing(t, "ip (iproute2) is not installed")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=8m")
	cmd.Env = append(os.Environ(), "RULES_ALONE="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		hooktest.Missing(t, "no right to make a network namespace: "+err.Error())
	}
	err := cmd.Wait()
	switch said := out.String(); {
	case err != nil:
		t.Errorf("in a namespace: %v\n%s", err, said)
	case strings.Contains(said, "--- SKIP"):
		t.Skip(said)
	case !strings.Contains(said, "--- PASS: "+t.Name()+" "):
		t.Errorf("in a namespace, the test did not run:\n%s", said)
	}
	return false
}

// furnish gives the namespace its loopback interface, with addrs on it, and the files that resolvers read.
func furnish(t *testing.T, addrs []netip.Addr) {
	t.Helper()
	batch := "link set lo up\n"
	for _, a := range addrs {
		if a = a.Unmap(); a.Is4() && !a.IsLoopback() && !a.IsUnspecified() {
			batch += "addr add " + a.String() + "/32 dev lo\n"
		} else if a.Is6() && !a.IsLoopback() {
			batch += "addr add " + a.String() + "/128 dev lo nodad\n"
		}
	}
	ip := exec.Command("ip", "-batch", "-")
	ip.Stdin = strings.NewReader(batch)
	if out, err := ip.CombinedOutput(); err != nil {
		t.Fatalf("ip: %v\n%s", err, out)
	}
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal("mount: ", err)
	}
	for file, text := range map[string]string{
		"resolv.conf": "nameserver 127.0.0.1\nsearch .\noptions timeout:5 attempts:2\n", "hosts": "", "nsswitch.conf": "hosts: files dns\n",
	} {
		own := filepath.Join(t.TempDir(), file)
		if err := os.WriteFile(own, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount(own, "/etc/"+file, "", syscall.MS_BIND, ""); err != nil {
			hooktest.Missing(t, "/etc/"+file+" cannot be replaced: "+err.Error())
		}
	}
}

// A visitors' book holds which addresses of the namespace were reached.
type visitors struct {
	mu   sync.Mutex
	seen []string // network and address, without the test's own
	own  chan string
}

// ownVisit is what the test itself says to a listener, to learn that all before it was seen.
const ownVisit = "own visit"

func (v *visitors) enter(network string, local net.Addr, said string) {
	at := netip.MustParseAddrPort(local.String())
	addr := network + " " + netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port()).String()
	if said == ownVisit {
		v.own <- addr
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen = append(v.seen, addr)
}

// tcp listens on a port of all addresses.
func (v *visitors) tcp(t *testing.T, port string) {
	t.Helper()
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 1000)
			n, _ := c.Read(buf)
			v.enter("tcp", c.LocalAddr(), string(buf[:n]))
			if strings.HasPrefix(string(buf[:n]), "GET ") {
				c.Write([]byte("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"))
			} else {
				c.Write([]byte("welcome"))
			}
			c.Close()
		}
	}()
}

// udp listens on an address.
func (v *visitors) udp(t *testing.T, addr string) {
	t.Helper()
	c, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 1000)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			v.enter("udp", c.LocalAddr(), string(buf[:n]))
			c.WriteTo([]byte("welcome"), from)
		}
	}()
}

// since returns who was reached at these addresses, and begins a new page. A listener sees its visitors in the order in
// which they came, so all are in the book when the test's own visit is.
func (v *visitors) since(t *testing.T, network string, addrs ...string) []string {
	t.Helper()
	for _, addr := range addrs {
		c, err := net.Dial(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(ownVisit)); err != nil {
			t.Fatal(err)
		}
		<-v.own
		c.Close()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := v.seen
	v.seen = nil
	return seen
}
