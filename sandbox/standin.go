package sandbox

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A Standin is a peer on this machine that serves a production address while developing. Rules judge the production
// address and the program sees it; the bytes go to the stand-in.
type Standin struct {
	Host    string     `json:"host,omitempty"`   // production's name or literal address; "": Local may be reached as it is
	Port    uint16     `json:"port,omitempty"`   // production's port
	Address netip.Addr `json:"address,omitzero"` // what Host resolves to in production; invalid: it is not known here
	Local   string     `json:"local"`            // host:port to go to, a loopback address
	Label   string     `json:"label,omitempty"`  // what the recording says; "" is Local
}

// A Route is where a connection or datagram really goes, and what the program sees.
type Route struct {
	Addr    netip.AddrPort // where to
	Prod    netip.AddrPort // what the program sees as the peer
	Standin bool           // a stand-in serves it
}

type peer struct {
	local netip.AddrPort
	label string
}

type endpoint struct {
	host string
	port uint16
}

// standins are all stand-ins of a process. They do not change.
type standins struct {
	byName map[endpoint]*peer
	byAddr map[netip.AddrPort]*peer
	bare   map[netip.AddrPort]string // label of what may be reached as it is
	addrs  map[string][]netip.Addr   // what a stand-in's name resolves to
	hosts  map[netip.Addr]string     // the way back
	lent   netip.Addr                // the last address lent to a name whose own is not known
}

// lendable is where names get an address from whose own is not known. Nothing on the internet has one of these.
var lendable = netip.MustParsePrefix("240.0.0.0/4")

func newStandins(list []Standin) (*standins, error) {
	s := &standins{
		byName: make(map[endpoint]*peer), byAddr: make(map[netip.AddrPort]*peer), bare: make(map[netip.AddrPort]string),
		addrs: make(map[string][]netip.Addr), hosts: make(map[netip.Addr]string), lent: lendable.Addr(),
	}
	for i, one := range list {
		if err := s.add(one); err != nil {
			return nil, errors.New("stand-in " + strconv.Itoa(i+1) + ": " + err.Error())
		}
	}
	for _, one := range list {
		if one.Host != "" {
			s.lend(foldHost(one.Host))
		}
	}
	return s, nil
}

func (s *standins) add(one Standin) error {
	locals, err := readLocal(one.Local)
	if err != nil {
		return err
	}
	label := one.Label
	if label == "" {
		label = one.Local
	}
	if one.Host == "" {
		for _, l := range locals {
			s.bare[l] = label
		}
		return nil
	}
	if one.Port == 0 {
		return errors.New(quote(one.Host) + " needs a port")
	}
	p := &peer{locals[0], label}
	if a, err := netip.ParseAddr(one.Host); err == nil {
		s.byAddr[netip.AddrPortFrom(plain(a), one.Port)] = p
		return nil
	}
	host := foldHost(one.Host)
	if flaw := nameFlaw(host); flaw != "" {
		return errors.New(quote(one.Host) + ": " + flaw)
	}
	s.byName[endpoint{host, one.Port}] = p
	if one.Address.IsValid() {
		a := plain(one.Address)
		s.name(host, a)
		if _, taken := s.byAddr[netip.AddrPortFrom(a, one.Port)]; !taken {
			s.byAddr[netip.AddrPortFrom(a, one.Port)] = p
		}
	}
	return nil
}

// lend gives a name an address of its own when no entry knows its real one.
func (s *standins) lend(host string) {
	if _, err := netip.ParseAddr(host); err == nil || len(s.addrs[host]) > 0 {
		return
	}
	s.lent = s.lent.Next()
	s.name(host, s.lent)
}

func (s *standins) name(host string, a netip.Addr) {
	if !slices.Contains(s.addrs[host], a) {
		s.addrs[host] = append(s.addrs[host], a)
	}
	if _, taken := s.hosts[a]; !taken {
		s.hosts[a] = host
	}
}

// isLent reports whether a stands for a name whose own address is not known; such an address is public by table.
func (s *standins) isLent(a netip.Addr) bool { return lendable.Contains(a) && s.hosts[a] != "" }

// readLocal reads host:port of a loopback address; localhost is both of them.
func readLocal(text string) ([]netip.AddrPort, error) {
	if port, ok := strings.CutPrefix(strings.ToLower(text), "localhost:"); ok {
		n, _, flaw := readPort(port)
		if flaw != "" {
			return nil, errors.New(quote(text) + ": " + flaw)
		}
		return []netip.AddrPort{
			netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), n), netip.AddrPortFrom(netip.IPv6Loopback(), n),
		}, nil
	}
	ap, err := netip.ParseAddrPort(text)
	if err != nil || ap.Port() == 0 || !ap.Addr().Unmap().IsLoopback() {
		return nil, errors.New(quote(text) + " is not host:port of a loopback address such as 127.0.0.1:5432")
	}
	return []netip.AddrPort{netip.AddrPortFrom(plain(ap.Addr()), ap.Port())}, nil
}
