package peer

import (
	"io"
	"net"
)

// echo sends back what it gets (RFC 862), and its end after the client's.
func echo(_ *Server, c net.Conn) {
	p := patient{c}
	io.Copy(p, struct{ io.Reader }{p})
}
