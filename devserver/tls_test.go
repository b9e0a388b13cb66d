package devserver

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/localca"
)

// secureSource is source, told of its client, with a WebSocket's way of talking.
var secureSource = strings.Replace(source, `	http.HandleFunc("/dial", dial)
`, `	http.HandleFunc("/dial", dial)
	http.HandleFunc("/told", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, version, " ", r.Proto, " ", r.TLS != nil, " ", r.Header.Get("X-Forwarded-Proto"), " ", r.Host)
	})
	http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		io.Copy(c, rw)
	})
`, 1)

// secureClient is a client that trusts the site's CA.
func (s *site) secureClient(http2 bool) *http.Client {
	s.t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	tr := &http.Transport{TLSClientConfig: s.trusting(), Protocols: protocols}
	s.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func (s *site) trusting() *tls.Config {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.opts.caDir, "ca.pem"))
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(text) {
		s.t.Fatalf("the CA's certificate: %v in %q", err, text)
	}
	return &tls.Config{RootCAs: roots}
}

// TestRunTLS: an app answers HTTPS to clients of both protocols, also after a reload, is told so as production tells it, and each
// request is recorded once. An upgraded connection lives through a reload.
func TestRunTLS(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": secureSource})
	s.opts.TLS, s.opts.caDir = true, t.TempDir()
	s.up()
	waitFor(s, func(w Warning) bool { return strings.Contains(w.Text, "devserver trust") })
	host, ok := strings.CutPrefix(s.url, "https://")
	if !ok {
		t.Fatalf("the app's URL is %s", s.url)
	}
	old, err := tls.Dial("tcp", host, s.trusting())
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	fmt.Fprintf(old, "GET /echo HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", host)
	in := bufio.NewReader(old)
	if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != 101 {
		t.Fatalf("the upgrade is answered %v, %v", res, err)
	}
	first, second := s.secureClient(false), s.secureClient(true)
	for _, version := range []string{"one", "two"} {
		if version == "two" {
			s.write("main.go", strings.Replace(secureSource, `version = "one"`, `version = "two"`, 1))
			waitFor[AppReady](s, nil)
		}
		for _, c := range []*http.Client{first, second} {
			res, err := c.Get(s.url + "/told")
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if want := version + " HTTP/1.1 false https " + host; string(body) != want || err != nil {
				t.Errorf("%s /told = %q, %v; want %q", res.Proto, body, err, want)
			}
		}
		io.WriteString(old, version+"\n")
		if line, err := in.ReadString('\n'); line != version+"\n" {
			t.Errorf("the upgraded connection echoes %q, %v", line, err)
		}
	}
	old.Close()
	s.stop()
	count := map[string]int{}
	for _, r := range s.requests() {
		count[r.URL]++
	}
	if count["/told"] != 4 || count["/echo"] != 1 || len(count) != 2 {
		t.Errorf("recorded: %v; want /told four times and /echo once", count)
	}
}

// TestTLSAnew: a CA that is damaged is replaced aloud; a host that it may not vouch for is told, and served.
func TestTLSAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	s.opts.TLS, s.opts.caDir, s.opts.Addr = true, t.TempDir(), "0.0.0.0:0"
	if err := os.WriteFile(filepath.Join(s.opts.caDir, "ca-key.pem"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.up()
	waitFor(s, func(w Warning) bool {
		return strings.Contains(w.Text, "damaged") && strings.Contains(w.Text, "trusted anew: devserver trust")
	})
	if res, err := s.secureClient(true).Get(s.url); err != nil || res.StatusCode != 200 {
		t.Errorf("%s = %v, %v", s.url, res, err)
	}
}

// TestTLSRefused: where no CA can be, devserver says so and how to go on.
func TestTLSRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	s.opts.TLS, s.opts.caDir = true, filepath.Join(s.dir, "main.go", "ca")
	if err := Run(t.Context(), s.opts); err == nil || !strings.Contains(err.Error(), localca.Env) {
		t.Errorf("Run = %v, want the way out", err)
	}
}
