package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/localca"
)

// serveTLS is a proxy that speaks TLS, and how its clients are to.
func serveTLS(t *testing.T, c Config) (*front, *tls.Config) {
	t.Helper()
	ca, _, err := localca.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := serveBy(t, c, func(p *Proxy, ln net.Listener) error { return p.ServeTLS(ln, ca.Config()) })
	f.url = "https://" + f.addr
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	return f, &tls.Config{RootCAs: roots}
}

// told answers with what the app is told of the client.
func told(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %d %s", r.Proto, r.Header.Get("X-Forwarded-Proto"), len(body), r.Header.Get("X-Forwarded-Host"))
}

// TestTLS: clients of HTTP/1.1 and HTTP/2 are served over TLS, calls in HTTP/2 all the way, and the app is told.
func TestTLS(t *testing.T) {
	t.Parallel()
	f, conf := serveTLS(t, Config{})
	f.Use(newApp(t, http.HandlerFunc(told)))
	for _, tt := range []struct {
		http2            bool
		kind, want, host string
	}{
		{false, "text/plain", "HTTP/1.1 https 9", "127.0.0.1"},
		{true, "text/plain", "HTTP/1.1 https 9", "127.0.0.1"},
		{true, "application/grpc", "HTTP/2.0 https 9", "127.0.0.1"},
		{false, "text/plain", "HTTP/1.1 https 9", "localhost"},
		{true, "text/plain", "HTTP/1.1 https 9", "shop.localhost"},
	} {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(!tt.http2)
		protocols.SetHTTP2(tt.http2)
		tr := &http.Transport{Protocols: protocols, TLSClientConfig: conf.Clone(), DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, f.addr)
		}}
		defer tr.CloseIdleConnections()
		host := net.JoinHostPort(tt.host, "8443")
		res, err := (&http.Client{Transport: tr}).Post("https://"+host+"/", tt.kind, strings.NewReader("some body"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if want := tt.want + " " + host; string(body) != want || err != nil || res.ProtoMajor == 2 != tt.http2 {
			t.Errorf("%+v: %s %q, %v; want %q", tt, res.Proto, body, err, want)
		}
	}
}

// TestEither: one listener serves clients of HTTP and HTTPS, under whatever name; one that says nothing is cut at the end.
func TestEither(t *testing.T) {
	t.Parallel()
	ca, err := localca.ForRun()
	if err != nil {
		t.Fatal(err)
	}
	f := serveBy(t, Config{}, func(p *Proxy, ln net.Listener) error { return p.ServeEither(ln, ca.Config("192.0.2.7")) })
	f.Use(newApp(t, http.HandlerFunc(told)))
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	silent, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, tt := range []struct{ scheme, host, protocol, kind, want string }{
		{"http", "billing.example.com", "1", "text/plain", "HTTP/1.1 http 9"},
		{"http", "billing.example.com", "h2c", "application/grpc", "HTTP/2.0 http 9"},
		{"https", "billing.example.com", "1", "text/plain", "HTTP/1.1 https 9"},
		{"https", "billing.example.com", "2", "application/grpc", "HTTP/2.0 https 9"},
		{"https", "192.0.2.7", "2", "text/plain", "HTTP/1.1 https 9"},
	} {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(tt.protocol == "1")
		protocols.SetHTTP2(tt.protocol == "2")
		protocols.SetUnencryptedHTTP2(tt.protocol == "h2c")
		tr := &http.Transport{Protocols: protocols, TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, f.addr)
		}}
		defer tr.CloseIdleConnections()
		res, err := (&http.Client{Transport: tr}).Post(tt.scheme+"://"+tt.host+"/", tt.kind, strings.NewReader("some body"))
		if err != nil {
			t.Fatalf("%+v: %v", tt, err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if want := tt.want + " " + tt.host; string(body) != want || err != nil {
			t.Errorf("%+v: %q, %v; want %q", tt, body, err, want)
		}
	}
	f.Close(t.Context())
	silent.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := silent.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a client that says nothing: %d, %v; want its end", n, err)
	}
}

// TestTLSLarge: much passes both ways at once, and a client that only ends what it sends gets its answer.
func TestTLSLarge(t *testing.T) {
	t.Parallel()
	f, conf := serveTLS(t, Config{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		io.Copy(w, r.Body)
	})))
	const size = 20 << 20
	for _, http2 := range []bool{false, true} {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(!http2)
		protocols.SetHTTP2(http2)
		tr := &http.Transport{Protocols: protocols, TLSClientConfig: conf.Clone()}
		res, err := (&http.Client{Transport: tr}).Post(f.url, "text/plain", io.LimitReader(zeros{}, size))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if n != size || err != nil {
			t.Errorf("HTTP/2 %v: %d bytes come back, %v; want %d", http2, n, err, size)
		}
		tr.CloseIdleConnections()
	}
	c, err := tls.Dial("tcp", f.addr, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
	c.CloseWrite()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); string(body) != "abc" || err != nil {
		t.Errorf("after it has ended what it sends, a client gets %q, %v", body, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestTLSUpgrade: an upgraded connection passes both ways, the client first and the app first.
func TestTLSUpgrade(t *testing.T) {
	t.Parallel()
	f, conf := serveTLS(t, Config{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst\n")
		io.Copy(c, rw)
	})))
	conf.NextProtos = []string{"http/1.1"}
	c, err := tls.Dial("tcp", f.addr, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if p := c.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
		t.Errorf("ALPN agrees on %q", p)
	}
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	in := bufio.NewReader(c)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != 101 {
		t.Fatalf("the upgrade is answered %v, %v", res, err)
	}
	if line, err := in.ReadString('\n'); line != "first\n" {
		t.Errorf("the app's first words are %q, %v", line, err)
	}
	for _, text := range []string{"ping\n", "pong\n"} {
		io.WriteString(c, text)
		if line, err := in.ReadString('\n'); line != text {
			t.Errorf("the echo of %q is %q, %v", text, line, err)
		}
	}
	c.CloseWrite()
	if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
		t.Errorf("at the end come %q, %v", rest, err)
	}
}

// TestPlainOnTLS: whoever does not speak TLS is told what to ask instead; what is no HTTP is cut.
func TestPlainOnTLS(t *testing.T) {
	t.Parallel()
	f, _ := serveTLS(t, Config{})
	f.Use(newApp(t, says("never")))
	for _, tt := range []struct{ send, want string }{
		{"GET /a?b=c HTTP/1.1\r\nHost: localhost:8080\r\n\r\n", "Ask for https://localhost:8080/a?b=c\n"},
		{"POST / HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 1000000\r\n\r\nabc", "Ask for https://localhost:8080/\n"},
		{"GET / HTTP/1.0\r\n\r\n", "Ask for https://" + f.addr + "/\n"},
		{"QUIT\r\n", "Ask for https://" + f.addr + "/\n"},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "Ask for https://" + f.addr + "/\n"},
		{"\x00\x01\x02", ""},
		{"\x16hello, this is no handshake", ""},
		{"", ""},
	} {
		c, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(30 * time.Second))
		io.WriteString(c, tt.send)
		c.(*net.TCPConn).CloseWrite()
		got, _ := io.ReadAll(c)
		c.Close()
		if tt.want == "" && !strings.Contains(string(got), "HTTP") {
			continue
		}
		if text := string(got); !strings.HasPrefix(text, "HTTP/1.1 400 Bad Request\r\n") || !strings.Contains(text, "HTTP request to an HTTPS server") || !strings.HasSuffix(text, tt.want) {
			t.Errorf("%q is answered %q, want %q", tt.send, got, tt.want)
		}
	}
}

// TestTLSClose: a client in the middle of its handshake does not hold up the end.
func TestTLSClose(t *testing.T) {
	t.Parallel()
	f, _ := serveTLS(t, Config{})
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write([]byte{handshakeRecord})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.Close(ctx)
	c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.ReadAll(c); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error(err)
	}
}

// TestTLSReset: an answer that the app cut with a reset is cut so for the client.
func TestTLSReset(t *testing.T) {
	t.Parallel()
	f, conf := serveTLS(t, Config{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		c.(handed).Conn.(*net.TCPConn).SetLinger(0)
		c.Close()
	})))
	c, err := tls.Dial("tcp", f.addr, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if _, err := io.ReadAll(c); err == nil {
		t.Error("the client sees a clean end")
	}
}
