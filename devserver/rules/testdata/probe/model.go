package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
)

func init() {
	// model is what the tutorials say of sockets: a listener on $PORT, and two connections to it at once.
	ways["model"] = func([]string) {
		l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
		must(err)
		fmt.Println("bound to its port:", l.Addr().(*net.TCPAddr).Port != 0 && l.Addr().String() == "127.0.0.1:"+os.Getenv("PORT"))
		one, first := pairOf(l)
		two, second := pairOf(l)
		fmt.Println("the system chose the clients' ports:", port(one) != 0 && port(one) != port(l))
		fmt.Println("accepted on the listener's port:", first.LocalAddr().String() == l.Addr().String(), second.LocalAddr().String() == l.Addr().String())
		fmt.Println("each end knows the other:", first.RemoteAddr().String() == one.LocalAddr().String(), one.RemoteAddr().String() == first.LocalAddr().String())
		fmt.Println("two connections, two pairs of endpoints:", one.LocalAddr().String() != two.LocalAddr().String(), one.RemoteAddr().String() == two.RemoteAddr().String())
		fmt.Println("both sides read and write:", talks(one, first), talks(first, one), talks(two, second), talks(second, two))
		for _, c := range []io.Closer{one, two, first, second, l} {
			c.Close()
		}
	}
	// tls speaks TLS to args[0]; args[1] is the file of the certificate to trust.
	ways["tls"] = func(args []string) {
		pem, err := os.ReadFile(args[1])
		must(err)
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		c, err := tls.Dial("tcp", args[0], &tls.Config{RootCAs: pool})
		must(err)
		fmt.Println("handshake", c.ConnectionState().HandshakeComplete, c.ConnectionState().ServerName, c.RemoteAddr())
		io.WriteString(c, "GET / HTTP/1.0\r\nHost: example.com\r\n\r\n")
		answer, err := io.ReadAll(c)
		fmt.Printf("answer %.12s %v\n", answer, err)
		say("close", c.Close())
	}
}

func pairOf(l net.Listener) (client, accepted net.Conn) {
	client, err := net.Dial("tcp", l.Addr().String())
	must(err)
	accepted, err = l.Accept()
	must(err)
	return client, accepted
}

func port(of any) int {
	if l, ok := of.(net.Listener); ok {
		return l.Addr().(*net.TCPAddr).Port
	}
	return of.(net.Conn).LocalAddr().(*net.TCPAddr).Port
}

func talks(from, to net.Conn) bool {
	io.WriteString(from, "hello")
	buf := make([]byte, 5)
	_, err := io.ReadFull(to, buf)
	return err == nil && string(buf) == "hello"
}
