package proxy

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// errPlain is the end of a connection whose client does not speak TLS.
var errPlain = errors.New("the client does not speak TLS")

// handshakeRecord begins every TLS connection, and no request.
const handshakeRecord = 22

// plainLimit is how long a client that does not speak TLS may take to send its request and to read the advice.
const plainLimit = 5 * time.Second

// serveTLS serves a connection from outside whose client speaks TLS. What it says inside is told by its first bytes, as
// without TLS; ALPN has told the client.
func (p *Proxy) serveTLS(conn net.Conn, conf *tls.Config) {
	c := tls.Server(&belowTLS{Conn: conn}, conf)
	if err := c.HandshakeContext(p.ctx); err != nil {
		conn.Close()
		return
	}
	p.serveConn(c, "https")
}

// ServeEither is Serve for a listener some of whose clients speak TLS. Their first byte tells.
func (p *Proxy) ServeEither(ln net.Listener, conf *tls.Config) error {
	return p.accept(ln, func(c net.Conn) {
		cut := context.AfterFunc(p.ctx, func() { c.Close() })
		first, err := peek(c)
		switch {
		case !cut() || err != nil:
			c.Close()
		case first == handshakeRecord:
			p.serveTLS(c, conf)
		default:
			p.serveConn(c, "http")
		}
	})
}

// peek waits for the first byte that a client sends, and leaves it where it is.
func peek(c net.Conn) (byte, error) {
	below, ok := c.(syscall.Conn)
	if !ok {
		return 0, fmt.Errorf("no socket is known of a %T", c)
	}
	raw, err := below.SyscallConn()
	if err != nil {
		return 0, err
	}
	var first [1]byte
	var n int
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		for {
			n, _, failed = syscall.Recvfrom(int(fd), first[:], syscall.MSG_PEEK)
			if failed != syscall.EINTR {
				return failed != syscall.EAGAIN
			}
		}
	})
	if err = cmp.Or(err, failed); err == nil && n == 0 {
		err = io.EOF
	}
	return first[0], err
}

// belowTLS is what lies below a TLS connection. A client that does not speak TLS is told so in words.
type belowTLS struct {
	net.Conn
	begun bool // the first bytes have been read; the handshake does so alone
}

// Read is net.Conn's.
func (c *belowTLS) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n == 0 || c.begun {
		return n, err
	}
	c.begun = true
	if b[0] != handshakeRecord {
		c.refuse(b[:n])
		return 0, errPlain
	}
	return n, err
}

// SetLinger is net.TCPConn's: a reset reaches the client below TLS.
func (c *belowTLS) SetLinger(seconds int) error {
	if t, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return t.SetLinger(seconds)
	}
	return nil
}

// refuse answers what may be HTTP with the address to ask instead.
func (c *belowTLS) refuse(begin []byte) {
	if begin[0] < 'A' || begin[0] > 'Z' {
		return
	}
	c.SetDeadline(time.Now().Add(plainLimit))
	sent := io.MultiReader(bytes.NewReader(begin), c.Conn) // TLS has asked for the head of a record only
	url := "https://" + c.LocalAddr().String() + "/"
	r, err := http.ReadRequest(bufio.NewReader(io.LimitReader(sent, maxHead)))
	if err == nil && r.Host != "" && !strings.ContainsAny(r.Host, " \t") {
		url = "https://" + r.Host + r.URL.RequestURI()
	}
	text := fmt.Sprintf("Client sent an HTTP request to an HTTPS server.\nAsk for %s\n", url)
	fmt.Fprintf(c.Conn, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
	closeWrite(c.Conn)
	io.Copy(io.Discard, sent) // closed with something unread, the connection is reset, and the client may miss the answer
}
