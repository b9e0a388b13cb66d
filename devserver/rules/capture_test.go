package rules

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// capturing has a run keep what goes over its sockets.
func capturing(c sandbox.Capture) func(*wire.Config) {
	return func(cfg *wire.Config) { cfg.Capture = c }
}

var redacted = []string{"authorization", "cookie", "set-cookie", "x-mine"}

// webSite serves a page that sets a cookie, with TLS or without, and returns its address and a file with its certificate.
func webSite(t *testing.T, secure, http2 bool) (addr, cert string) {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s3cr3t-answ3r"})
		fmt.Fprintf(w, "%d bytes with %s", len(body), r.Header.Get("Authorization")[:6])
	}))
	t.Cleanup(srv.Close)
	if !secure {
		srv.Start()
		return srv.Listener.Addr().String(), ""
	}
	srv.EnableHTTP2 = http2
	srv.StartTLS()
	cert = filepath.Join(t.TempDir(), "cert.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}
	if err := os.WriteFile(cert, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return srv.Listener.Addr().String(), cert
}

// streams puts the payloads of each kind in their order, and fails where one does not follow the one before.
func streams(t *testing.T, events []sandbox.Event) map[sandbox.Kind]string {
	t.Helper()
	all := map[sandbox.Kind]string{}
	ends := map[string]int64{}
	for _, e := range events {
		if _, _, ok := e.Kind.Payload(); !ok {
			continue
		}
		way := fmt.Sprint(e.Socket, " ", e.Kind)
		if e.Bytes != ends[way] {
			t.Errorf("socket %d, %v: a payload at %d, want it at %d", e.Socket, e.Kind, e.Bytes, ends[way])
		}
		ends[way] = e.Bytes + int64(len(e.Detail))
		all[e.Kind] += e.Detail
	}
	return all
}

// wantNowhere fails when a file below dir holds the words.
func wantNowhere(t *testing.T, dir, words string) {
	t.Helper()
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		// The journal's text is cut every 56 bytes: a part that is short enough is whole somewhere.
		for at := 0; at+6 <= len(words); at++ {
			if bytes.Contains(b, []byte(words[at:at+6])) {
				t.Errorf("%s holds %q of %q", path, words[at:at+6], words)
			}
		}
		return nil
	})
}

func TestCaptureHTTP(t *testing.T) {
	t.Parallel()
	addr, _ := webSite(t, false, false)
	const prod = "api.example.com:80"
	var dir string
	got := start(t, "probe", run{
		Args: []string{"fetch", "", "", "http://api.example.com/first", "http://api.example.com/second"}, Standins: standin(prod, addr),
		Config: func(c *wire.Config) {
			dir = c.JournalDir
			c.Capture = sandbox.Capture{Limit: 1 << 20, Redact: redacted}
		},
	})
	wantLines(t, got, "HTTP/1.1 200 40 bytes with Bearer true", "HTTP/1.1 200 41 bytes with Bearer true")
	all := streams(t, got.Events)
	for _, want := range []string{"POST /first HTTP/1.1\r\n", "POST /second HTTP/1.1\r\n", "Authorization:**", "the body of http://api.example.com/first"} {
		if !strings.Contains(all[sandbox.KindWireSent], want) {
			t.Errorf("sent: no %q in %q", want, all[sandbox.KindWireSent])
		}
	}
	for _, want := range []string{"HTTP/1.1 200 OK\r\n", "Set-Cookie:**", "40 bytes with Bearer"} {
		if !strings.Contains(all[sandbox.KindWireReceived], want) {
			t.Errorf("received: no %q in %q", want, all[sandbox.KindWireReceived])
		}
	}
	if all[sandbox.KindTLSSent]+all[sandbox.KindTLSReceived] != "" {
		t.Error("plaintext of TLS without TLS")
	}
	wantNowhere(t, dir, "s3cr3t-t0k3n")
	wantNowhere(t, dir, "s3cr3t-c00k1e")
	wantNowhere(t, dir, "s3cr3t-answ3r")
	wantNowhere(t, dir, "s3cr3t-0wn")
	wantJoined(t, got.Events)
}

// wantJoined fails when the bytes of an operation are not those that its event counts.
func wantJoined(t *testing.T, events []sandbox.Event) {
	t.Helper()
	type operation struct {
		socket uint64
		sent   bool
		at     int64
	}
	bytes := map[operation]int64{}
	for _, e := range events {
		switch e.Kind {
		case sandbox.KindWireSent, sandbox.KindWireReceived:
			bytes[operation{e.Socket, e.Kind == sandbox.KindWireSent, e.At}] += int64(len(e.Detail))
		case sandbox.KindSend, sandbox.KindReceive:
			op := operation{e.Socket, e.Kind == sandbox.KindSend, e.At}
			if bytes[op] != e.Bytes {
				t.Errorf("%v of %d bytes on socket %d: %d bytes captured", e.Kind, e.Bytes, e.Socket, bytes[op])
			}
			delete(bytes, op)
		}
	}
	if len(bytes) > 0 {
		t.Errorf("bytes of %d operations without an event", len(bytes))
	}
}

func TestCaptureTLS(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"http1": false, "http2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, cert := webSite(t, true, http2)
			var dir string
			env := []string{}
			if http2 {
				env = append(env, "PROBE_HTTP2=1")
			}
			keys := filepath.Join(t.TempDir(), "keys.txt")
			got := start(t, "probe", run{
				Args: []string{"fetch", cert, "", "https://example.com/tls"}, Standins: standin("example.com:443", addr), Env: env,
				Config: func(c *wire.Config) {
					dir = c.JournalDir
					c.Capture, c.KeyLog = sandbox.Capture{Limit: 1 << 20, Redact: redacted}, keys
				},
			})
			proto, body := "HTTP/1.1", "POST /tls HTTP/1.1\r\n"
			if http2 {
				proto, body = "HTTP/2.0", "PRI * HTTP/2.0\r\n"
			}
			wantLines(t, got, proto+" 200 35 bytes with Bearer true")
			all := streams(t, got.Events)
			if sent := all[sandbox.KindTLSSent]; !strings.Contains(sent, body) || !strings.Contains(sent, "the body of https://example.com/tls") {
				t.Errorf("sent: %q", sent)
			}
			if received := all[sandbox.KindTLSReceived]; !strings.Contains(received, "35 bytes with Bearer") {
				t.Errorf("received: %q", received)
			}
			if wire := all[sandbox.KindWireSent]; !strings.HasPrefix(wire, "\x16\x03\x01") || strings.Contains(wire, "the body") {
				t.Errorf("the wire holds %q", wire)
			}
			for _, e := range got.Events {
				if _, _, ok := e.Kind.Payload(); ok && e.Socket == 0 {
					t.Error("a payload of no socket")
				}
			}
			wantNowhere(t, dir, "s3cr3t-t0k3n")
			wantNowhere(t, dir, "s3cr3t-answ3r")
			wantJoined(t, got.Events)
			wantKeys(t, keys, all[sandbox.KindWireSent])
		})
	}
}

// wantKeys fails when the file is no key log of TLS 1.3 for the connection that sent this.
func wantKeys(t *testing.T, file, sent string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(file)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v; want mode 0600", file, st.Mode(), err)
	}
	const random = 11 // in a ClientHello behind the headers of the record and of the message, and the version
	client := fmt.Sprintf("%x", sent[random:random+32])
	line := regexp.MustCompile(`^(CLIENT|SERVER)_(HANDSHAKE_TRAFFIC_SECRET|TRAFFIC_SECRET_0) ([0-9a-f]{64}) [0-9a-f]{64,96}$`)
	all := lines(string(text))
	for _, l := range all {
		if m := line.FindStringSubmatch(l); m == nil || m[3] != client {
			t.Errorf("%q is no line for the connection %s", l, client)
		}
	}
	if len(all) != 4 {
		t.Errorf("%d lines, want 4", len(all))
	}
}

// TestKeyLog: it needs no capture, it leaves the program's own key log alone, and it stops no connection.
func TestKeyLog(t *testing.T) {
	t.Parallel()
	addr, cert := webSite(t, true, false)
	dir := t.TempDir()
	own, keys := filepath.Join(dir, "own"), filepath.Join(dir, "keys")
	fetch := func(own, keys string) result {
		return start(t, "probe", run{
			Args: []string{"fetch", cert, own, "https://example.com/"}, Standins: standin("example.com:443", addr),
			Config: func(c *wire.Config) { c.KeyLog = keys },
		})
	}
	fetch(own, keys)
	if text, err := os.ReadFile(own); err != nil || len(lines(string(text))) != 4 {
		t.Errorf("the program's own key log: %q, %v", text, err)
	}
	if _, err := os.Stat(keys); err == nil {
		t.Error("keys of a connection with a key log of its own are in ours")
	}
	for n := range 2 {
		got := fetch("", keys)
		if text, err := os.ReadFile(keys); err != nil || len(lines(string(text))) != 4*(n+1) {
			t.Errorf("after %d connections: %q, %v", n+1, text, err)
		}
		if all := streams(t, got.Events); len(all) > 0 {
			t.Errorf("captured without being asked: %q", all)
		}
	}
	got := fetch("", filepath.Join(dir, "missing", "keys"))
	wantLines(t, got, "HTTP/1.1 200 32 bytes with Bearer true")
	if !strings.Contains(got.Stderr, "missing/keys: no such file or directory; keys are missing there; choose another file with --keylog") ||
		strings.Count(got.Stderr, "key log") != 1 {
		t.Errorf("said %q", got.Stderr)
	}
}

func TestCaptureNone(t *testing.T) {
	t.Parallel()
	addr, cert := webSite(t, true, false)
	got := start(t, "probe", run{Args: []string{"fetch", cert, "", "https://example.com/"}, Standins: standin("example.com:443", addr)})
	if all := streams(t, got.Events); len(all) > 0 {
		t.Errorf("captured without being asked: %q", all)
	}
}

// TestCaptureLimit: of what is sent as one file, the kernel copies what is beyond the limit.
func TestCaptureLimit(t *testing.T) {
	t.Parallel()
	received := make(chan int64, 1)
	addr := serve(t, func(c net.Conn) {
		n, _ := io.Copy(io.Discard, c)
		received <- n
	})
	file := filepath.Join(t.TempDir(), "big")
	content := strings.Repeat("0123456789", 50_000)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	got := start(t, "probe", run{
		Args: []string{"copyfile", "files.example.com:80", file}, Standins: standin("files.example.com:80", addr),
		Config: capturing(sandbox.Capture{Limit: 100_000}),
	})
	wantLines(t, got, "500000")
	if n := <-received; n != 500_000 {
		t.Errorf("the peer got %d bytes", n)
	}
	if sent := streams(t, got.Events)[sandbox.KindWireSent]; sent != content[:100_000] {
		t.Errorf("%d bytes captured, not the first 100000", len(sent))
	}
}

// TestCapturePieces: a write of several buffers is one operation, a datagram is one payload.
func TestCapturePieces(t *testing.T) {
	t.Parallel()
	got := start(t, "probe", run{
		Args: []string{"pieces", "a.example.com:7", "b.example.com:7"}, Config: capturing(sandbox.Capture{Limit: 1 << 20}),
		Standins: append(standin("a.example.com:7", echo(t)), standin("b.example.com:7", echoUDP(t))...),
	})
	wantLines(t, got, "six")
	all := streams(t, got.Events)
	if s := all[sandbox.KindWireSent]; s != "abconetwosix" {
		t.Errorf("sent %q", s)
	}
	if s := all[sandbox.KindWireReceived]; s != "abconetwosix" {
		t.Errorf("received %q", s)
	}
	wantJoined(t, got.Events)
}

// TestCaptureTogether: the order of what is captured is the order on the wire, and each operation has its own.
func TestCaptureTogether(t *testing.T) {
	t.Parallel()
	got := start(t, "probe", run{
		Args: []string{"together", "a.example.com:7"}, Config: capturing(sandbox.Capture{Limit: 4 << 20}),
		Standins: standin("a.example.com:7", echo(t)),
	})
	all := streams(t, got.Events)
	if sent, received := all[sandbox.KindWireSent], all[sandbox.KindWireReceived]; sent != received || len(sent) != 4*(100+100*99*100/2) {
		t.Errorf("%d bytes sent, %d received from an echo, or in another order", len(sent), len(received))
	}
	wantJoined(t, got.Events)
}
