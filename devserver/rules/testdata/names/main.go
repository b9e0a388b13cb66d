// Names looks names up and dials them, one argument after the other, with the resolver that Go takes by default.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// steps are what an argument's first word may be; args are its other words.
var steps = map[string]func(args []string) (string, error){
	"dial": dial,
	"get": func(args []string) (string, error) {
		resp, err := http.Get(args[0])
		if err != nil {
			return "", err
		}
		resp.Body.Close()
		return resp.Status, nil
	},
	"host": func(args []string) (string, error) {
		addrs, err := net.LookupHost(args[0])
		return strings.Join(addrs, " "), err
	},
	"ip": func(args []string) (string, error) {
		ips, err := net.LookupIP(args[0])
		return fmt.Sprint(ips), err
	},
	"netip": func(args []string) (string, error) {
		addrs, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip4", args[0])
		return fmt.Sprint(addrs), err
	},
	"tcpaddr": func(args []string) (string, error) {
		a, err := net.ResolveTCPAddr("tcp", args[0])
		return fmt.Sprint(a), err
	},
	"udpaddr": func(args []string) (string, error) {
		a, err := net.ResolveUDPAddr("udp", args[0])
		return fmt.Sprint(a), err
	},
	// own asks a name server by a resolver whose connections the program makes itself.
	"own": func(args []string) (string, error) {
		r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, args[0])
		}}
		addrs, err := r.LookupHost(context.Background(), args[1])
		return strings.Join(addrs, " "), err
	},
	// prefer is the resolver in Go with the machine's name server, whatever the default is.
	"prefer": func(args []string) (string, error) {
		addrs, err := (&net.Resolver{PreferGo: true}).LookupHost(context.Background(), args[0])
		return strings.Join(addrs, " "), err
	},
}

// dial connects, says hello, and waits for the peer's answer, so that the peer has seen it.
func dial(args []string) (string, error) {
	c, err := net.Dial(args[0], args[1])
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, "hello"); err != nil {
		return "", err
	}
	buf := make([]byte, 100)
	n, err := c.Read(buf)
	return fmt.Sprintf("%s from %s", buf[:n], c.RemoteAddr()), err
}

func main() {
	for _, arg := range os.Args[1:] {
		words := strings.Fields(arg)
		what, err := steps[words[0]](words[1:])
		if err == nil {
			fmt.Println("ok " + what)
			continue
		}
		var op *net.OpError
		var dns *net.DNSError
		fmt.Printf("[%v] OpError %t, EACCES %t, ECONNREFUSED %t, not found %t\n", err, errors.As(err, &op), errors.Is(err, syscall.EACCES),
			errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &dns) && dns.IsNotFound)
	}
}
