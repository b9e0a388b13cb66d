package main

import (
	"context"
	"net/netip"

	"github.com/miekg/dns"
)

func init() {
	drivers["dns"] = new(dnsClient)
	drivers["dnsconn"] = new(dnsConn)
}

func question() *dns.Msg { return new(dns.Msg).SetQuestion("www.example.com.", dns.TypeA) }

func answered(m *dns.Msg, err error) error {
	if err != nil {
		return err
	}
	if len(m.Answer) != 1 {
		return wrong(len(m.Answer), 1)
	}
	a, _ := netip.AddrFromSlice(m.Answer[0].(*dns.A).A)
	return wrong(a.Unmap(), netip.MustParseAddr("93.184.216.34"))
}

// dnsClient asks over a socket of its own each time.
type dnsClient struct{ addr string }

func (d *dnsClient) open(_ context.Context, addr string) error {
	d.addr = addr
	return nil
}

func (d *dnsClient) use(ctx context.Context) error {
	m, _, err := new(dns.Client).ExchangeContext(ctx, question(), d.addr)
	return answered(m, err)
}

// dnsConn keeps one socket.
type dnsConn struct{ *dns.Conn }

func (d *dnsConn) open(ctx context.Context, addr string) (err error) {
	d.Conn, err = new(dns.Client).DialContext(ctx, addr)
	return err
}

func (d *dnsConn) use(ctx context.Context) error {
	m, _, err := new(dns.Client).ExchangeWithConnContext(ctx, question(), d.Conn)
	return answered(m, err)
}
