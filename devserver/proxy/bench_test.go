package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// BenchmarkThrough has one client ask the same of an app directly, through the proxy, and through what HTTP/1 took before:
// net/http's server and its ReverseProxy. It asks them in turn, and reports the ratios to the direct way.
func BenchmarkThrough(b *testing.B) {
	upload := fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", 1<<20, pattern(1<<20))
	for _, bm := range []struct{ name, request string }{
		{"small", "GET /small HTTP/1.1\r\nHost: h\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"},
		{"1 MiB down", "GET /large HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"1 MiB up", upload},
	} {
		b.Run(bm.name, func(b *testing.B) {
			ways := []struct {
				name string
				addr string
				took time.Duration
			}{{"direct", benchDirect(b), 0}, {"proxy/direct", benchProxy(b, false), 0}, {"reverseproxy/direct", benchProxy(b, true), 0}}
			var asks []func()
			for _, w := range ways {
				asks = append(asks, benchClient(b, w.addr, bm.request))
			}
			b.ResetTimer()
			for b.Loop() {
				for i, ask := range asks {
					start := time.Now()
					ask()
					ways[i].took += time.Since(start)
				}
			}
			for _, w := range ways[1:] {
				b.ReportMetric(float64(w.took)/float64(ways[0].took), w.name)
			}
			b.ReportMetric(float64(ways[0].took.Microseconds())/float64(b.N), "direct-µs/op")
		})
	}
}

var benchApp = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	if r.URL.Path == "/large" {
		w.Header().Set("Content-Length", fmt.Sprint(len(largeBody)))
		w.Write(largeBody)
		return
	}
	io.WriteString(w, "hello")
})

var largeBody = []byte(pattern(1 << 20))

func benchListen(b *testing.B) net.Listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ln.Close() })
	return ln
}

func benchDirect(b *testing.B) string {
	ln := benchListen(b)
	server := &http.Server{Handler: benchApp}
	go server.Serve(ln)
	b.Cleanup(func() { server.Close() })
	return ln.Addr().String()
}

func benchProxy(b *testing.B, before bool) string {
	p := New(Config{})
	a := newApp(b, benchApp)
	p.Use(a)
	ln := benchListen(b)
	if !before {
		go p.Serve(ln)
	} else {
		server := &http.Server{Handler: p, ConnContext: withClient, ErrorLog: silent}
		go server.Serve(clients{ln, p})
		b.Cleanup(func() { server.Close() })
	}
	b.Cleanup(func() { p.Close(b.Context()) })
	return ln.Addr().String()
}

// clients makes each connection one that ServeHTTP knows.
type clients struct {
	net.Listener
	proxy *Proxy
}

func (l clients) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return clientOf(l.proxy, c, "http"), nil
}

// benchClient returns what asks once on a connection that is kept.
func benchClient(b *testing.B, addr, request string) func() {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	br := bufio.NewReaderSize(c, 64<<10)
	return func() {
		if _, err := io.WriteString(c, request); err != nil {
			b.Fatal(err)
		}
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 {
			b.Fatal(res.Status, err)
		}
	}
}
