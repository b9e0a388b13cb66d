package main

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"time"

	"github.com/quic-go/quic-go"
)

const protocol = "echo"

type quicConn struct{ *quic.Conn }

func init() {
	drivers["quic"] = new(quicConn)
	serve["quic"] = serveQUIC
	asked = append(asked, named{"quic.ErrTransportClosed", quic.ErrTransportClosed})
}

func (d *quicConn) open(ctx context.Context, addr string) error {
	cert, err := x509.ParseCertificate(certificate().Certificate[0])
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	config := &quic.Config{}
	if keepalive {
		config.KeepAlivePeriod = time.Second
	}
	d.Conn, err = quic.DialAddr(ctx, addr, &tls.Config{RootCAs: roots, NextProtos: []string{protocol}}, config)
	return err
}

func (d *quicConn) use(ctx context.Context) error {
	s, err := d.OpenStreamSync(ctx)
	if err != nil {
		return err
	}
	until, _ := ctx.Deadline()
	s.SetDeadline(until)
	if _, err := io.WriteString(s, "hello"); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	got, err := io.ReadAll(s)
	if err != nil {
		return err
	}
	return wrong(string(got), "hello")
}

func serveQUIC() {
	l, err := quic.ListenAddr("127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate()}, NextProtos: []string{protocol}}, nil)
	must(err)
	fmt.Println(l.Addr())
	go func() {
		untilClosed()
		l.Close()
	}()
	for {
		c, err := l.Accept(context.Background())
		if errors.Is(err, quic.ErrServerClosed) {
			return
		}
		must(err)
		go echoStreams(c)
	}
}

func echoStreams(c *quic.Conn) {
	for {
		s, err := c.AcceptStream(context.Background())
		if err != nil {
			return
		}
		go func() {
			defer s.Close()
			io.Copy(s, s)
		}()
	}
}

// certificate is the same in both halves: its key is no secret, and an Ed25519 signature has no chance in it.
func certificate() tls.Certificate {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"app.example.com"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	must(err)
	return tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: key}
}
