//go:build unix

package net

import (
	"context"
	"internal/devserver/agent"
	"net/netip"
)

// resolveAddrList turns what is dialled or listened on into addresses. What is dialled is judged here first, while
// its text is still there and before any resolver sees it.
func (r *Resolver) resolveAddrList(ctx context.Context, op, network, addr string, hint Addr) (addrList, error) {
	if a := agent.Get(); a != nil && op == "dial" && !agent.Trusted() && devserverInternet(network) {
		if err := a.Box.Text(network, addr, a.Origin()); err != nil {
			return addrList{&devserverDenied{network, addr, err}}, nil
		}
	}
	return r.devserverResolveAddrList(ctx, op, network, addr, hint)
}

func devserverInternet(network string) bool {
	switch network {
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
		return true
	}
	return false
}

// devserverDenied stands for an address that was denied by its text, until the dial fails with it.
type devserverDenied struct {
	network, address string
	err              error
}

func (d *devserverDenied) Network() string { return d.network }
func (d *devserverDenied) String() string  { return d.address }

// dialSingle is the one place that knows both the name that was dialled and the address that is tried.
func (sd *sysDialer) dialSingle(ctx context.Context, ra Addr) (c Conn, err error) {
	if d, ok := ra.(*devserverDenied); ok {
		return nil, &OpError{Op: "dial", Net: sd.network, Source: sd.LocalAddr, Addr: d, Err: d.err}
	}
	if agent.Get() != nil && !agent.Trusted() {
		if host, _, err := SplitHostPort(sd.address); err == nil {
			if _, err := netip.ParseAddr(host); err != nil {
				ctx = context.WithValue(ctx, devserverHostKey{}, host)
			}
		}
	}
	return sd.devserverDialSingle(ctx, ra)
}

// dial reaches a name server. Those sockets are the system's, as in production; the program's own Resolver.Dial is
// user code and judged as such.
func (r *Resolver) dial(ctx context.Context, network, server string) (Conn, error) {
	if agent.Get() == nil || r != nil && r.Dial != nil {
		return r.devserverDial(ctx, network, server)
	}
	agent.Trust()
	defer agent.Distrust()
	return r.devserverDial(ctx, network, server)
}

func (r *Resolver) lookupIPAddr(ctx context.Context, network, host string) ([]IPAddr, error) {
	a := agent.Get()
	if a == nil || host == "" || agent.Trusted() {
		return r.devserverLookupIPAddr(ctx, network, host)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return r.devserverLookupIPAddr(ctx, network, host)
	}
	if addrs, ok := a.Box.StandinHost(host); ok {
		a.Resolved(host, addrs, a.Now(), nil)
		return devserverIPAddrs(addrs), nil
	}
	start := a.Now()
	ips, err := r.devserverLookupIPAddr(ctx, network, host)
	err = devserverNameError(a, err)
	addrs := make([]netip.Addr, 0, len(ips))
	for _, ip := range ips {
		if addr, ok := netip.AddrFromSlice(ip.IP); ok {
			addrs = append(addrs, addr.Unmap().WithZone(ip.Zone))
		}
	}
	a.Resolved(host, addrs, start, err)
	return ips, err
}

func (r *Resolver) lookupHost(ctx context.Context, host string) (addrs []string, err error) {
	a := agent.Get()
	if a == nil || agent.Trusted() {
		return r.devserverLookupHost(ctx, host)
	}
	if ips, ok := a.Box.StandinHost(host); ok {
		a.Resolved(host, ips, a.Now(), nil)
		for _, ip := range ips {
			addrs = append(addrs, ip.String())
		}
		return addrs, nil
	}
	start := a.Now()
	addrs, err = r.devserverLookupHost(ctx, host)
	err = devserverNameError(a, err)
	ips := make([]netip.Addr, 0, len(addrs))
	for _, s := range addrs {
		if ip, err := netip.ParseAddr(s); err == nil {
			ips = append(ips, ip)
		}
	}
	a.Resolved(host, ips, start, err)
	return addrs, err
}

// devserverNameError puts production's words in the place of the resolver's, where the policy asks for them. It stays a
// *DNSError that tells the same.
func devserverNameError(a *agent.Agent, err error) error {
	text := a.Box.NameText()
	dns, ok := err.(*DNSError)
	if text == "" || !ok || !dns.IsNotFound {
		return err
	}
	own := *dns
	own.Err = text
	return &own
}

func devserverIPAddrs(addrs []netip.Addr) []IPAddr {
	ips := make([]IPAddr, 0, len(addrs))
	for _, a := range addrs {
		ips = append(ips, IPAddr{IP: IP(a.AsSlice()).To16()})
	}
	return ips
}
