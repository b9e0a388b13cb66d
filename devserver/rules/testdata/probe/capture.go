package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
)

func init() {
	ways["fetch"] = fetch
	ways["copyfile"] = copyFile
	ways["pieces"] = pieces
	ways["together"] = together
}

// fetch asks for each URL, with secrets in headers, and prints the answer. The first argument is a file with the
// certificate to trust, the second one where the program's own key log goes; "" is none.
func fetch(args []string) {
	config := new(tls.Config)
	if args[0] != "" {
		pem, err := os.ReadFile(args[0])
		must(err)
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(pem)
	}
	if args[1] != "" {
		f, err := os.Create(args[1])
		must(err)
		defer f.Close()
		config.KeyLogWriter = f
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: os.Getenv("PROBE_HTTP2") != ""}
	client := &http.Client{Transport: transport}
	for _, url := range args[2:] {
		req, err := http.NewRequest("POST", url, strings.NewReader("the body of "+url))
		must(err)
		req.Header.Set("Authorization", "Bearer s3cr3t-t0k3n")
		req.Header.Set("X-Mine", "s3cr3t-0wn")
		req.AddCookie(&http.Cookie{Name: "session", Value: "s3cr3t-c00k1e"})
		res, err := client.Do(req)
		must(err)
		body, err := io.ReadAll(res.Body)
		must(err)
		res.Body.Close()
		fmt.Println(res.Proto, res.StatusCode, string(body), res.Header.Get("Set-Cookie") != "")
	}
	transport.CloseIdleConnections()
}

// copyFile sends a file as io.Copy does it, to ADDRESS.
func copyFile(args []string) {
	c, err := net.Dial("tcp", args[0])
	must(err)
	f, err := os.Open(args[1])
	must(err)
	n, err := io.Copy(c, f)
	must(err)
	must(c.Close())
	fmt.Println(n)
}

// pieces sends "abc" as one write of several buffers over TCP to the first address, and datagrams to the second.
func pieces(args []string) {
	c, err := net.Dial("tcp", args[0])
	must(err)
	buffers := net.Buffers{[]byte("a"), nil, []byte("bc")}
	_, err = buffers.WriteTo(c)
	must(err)
	got := make([]byte, 3)
	_, err = io.ReadFull(c, got)
	must(err)
	u, err := net.Dial("udp", args[1])
	must(err)
	for _, text := range []string{"one", "two"} {
		_, err = u.Write([]byte(text))
		must(err)
		_, err = u.Read(got)
		must(err)
	}
	p, err := net.ListenPacket("udp", "")
	must(err)
	to, err := net.ResolveUDPAddr("udp", args[1])
	must(err)
	_, err = p.WriteTo([]byte("six"), to)
	must(err)
	_, _, err = p.ReadFrom(got)
	must(err)
	fmt.Println(string(got))
}

// together has goroutines write on one connection to an echo at the same time while others read.
func together(args []string) {
	c, err := new(net.Dialer).DialContext(context.Background(), "tcp", args[0])
	must(err)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 100 {
				_, err := c.Write([]byte(strings.Repeat(string(rune('a'+g)), 1+i*100)))
				must(err)
			}
		}()
	}
	go func() {
		wg.Wait()
		c.(*net.TCPConn).CloseWrite()
	}()
	n, err := io.Copy(io.Discard, c)
	must(err)
	fmt.Println(n)
}
