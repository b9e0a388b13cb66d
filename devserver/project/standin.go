package project

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Standin is a local peer that serves a production address while developing.
type Standin struct {
	Host    string     // production's host name in lower case, or a literal address; "": Local may be reached as it is
	Port    uint16     // production's port; 0 with Host ""
	Address netip.Addr // what Host resolves to in production; invalid when not given
	Local   string     // loopback address with port; "" with Builtin and App
	Builtin string     // echo, whois or smtp: a peer that devserver serves itself
	App     string     // the name of an app of the same devserver
	Label   string     // what the recording says: 127.0.0.1:5432, builtin:whois or app:billing
}

// Builtins are the peers that devserver serves itself.
var Builtins = []string{"echo", "whois", "smtp"}

// builtinList is Builtins for a person.
func builtinList() string { return "builtin:" + strings.Join(Builtins, ", builtin:") }

// noAddress tells whether local names what devserver serves, not an address: it must stand in for something.
func noAddress(local string) bool {
	return strings.HasPrefix(local, "builtin:") || strings.HasPrefix(local, "app:")
}

// Production returns host:port of what is stood in for, "" when Local is to be reached as it is.
func (s Standin) Production() string {
	if s.Host == "" {
		return ""
	}
	return joinHostPort(s.Host, s.Port)
}

// ParseStandin reads a --standin flag: [PROD=]LOCAL, both host:port, LOCAL on this machine, builtin:NAME or
// app:NAME.
func ParseStandin(s string) (Standin, error) {
	production, local, both := strings.Cut(s, "=")
	if !both {
		production, local = "", s
	}
	st, err := newStandin(production, "", local)
	switch {
	case err == nil && both && production == "":
		err = fmt.Errorf("nothing before the =")
	case err != nil && !both:
		err = fmt.Errorf("%w; a production address goes before: db.example.com:5432=127.0.0.1:5432", err)
	case err == nil && !both && noAddress(local):
		err = fmt.Errorf("%s stands in for nothing; write HOST:PORT=%s", s, s)
	}
	if err != nil {
		return Standin{}, fmt.Errorf("--standin %s: %w", s, err)
	}
	return st, nil
}

// newStandin checks the three texts that say what a stand-in is; address may be empty, production too.
func newStandin(production, address, local string) (Standin, error) {
	var s Standin
	if err := s.setLocal(local); err != nil {
		return s, err
	}
	if production == "" {
		return s, nil
	}
	host, port, err := splitHostPort(production)
	if err != nil {
		return s, fmt.Errorf("production address: %w", err)
	}
	if s.Host, err = productionHost(host); err != nil {
		return s, err
	}
	s.Port = port
	return s, s.setAddress(address)
}

func (s *Standin) setLocal(local string) error {
	if name, ok := strings.CutPrefix(local, "builtin:"); ok {
		if !slices.Contains(Builtins, name) {
			return fmt.Errorf("no built-in peer %q; there are %s", name, builtinList())
		}
		s.Builtin, s.Label = name, local
		return nil
	}
	if name, ok := strings.CutPrefix(local, "app:"); ok {
		if name == "" {
			return fmt.Errorf("%q names no app; write app:NAME, as the app is called in devserver.yaml or as its folder is", local)
		}
		s.App, s.Label = name, local
		return nil
	}
	const want = "127.0.0.1:5432, [::1]:5432, localhost:5432, builtin:NAME or app:NAME"
	host, port, err := splitHostPort(local)
	if err != nil {
		return fmt.Errorf("local address: %w; write something like %s", err, want)
	}
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.Unmap().IsLoopback() || addr.Zone() != "" {
		return fmt.Errorf("local address %q is not on this machine; write something like %s", local, want)
	}
	s.Local = netip.AddrPortFrom(addr.Unmap(), port).String()
	s.Label = s.Local
	return nil
}

func (s *Standin) setAddress(address string) error {
	literal, literalErr := netip.ParseAddr(s.Host)
	if address == "" {
		return nil
	}
	addr, err := netip.ParseAddr(address)
	switch {
	case err != nil || addr.Zone() != "":
		return fmt.Errorf("address %q is no IP address; write what %s resolves to in production, without a port", address, s.Host)
	case literalErr == nil && literal != addr.Unmap():
		return fmt.Errorf("address %s is another one than the production address %s; leave it out", addr, s.Host)
	}
	s.Address = addr.Unmap()
	return nil
}

// productionHost returns host as it is compared: a name in lower case without its last dot, or an address.
func productionHost(host string) (string, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" {
			return "", fmt.Errorf("production address %q: a zone (%%%s) means nothing outside this machine", host, addr.Zone())
		}
		return addr.Unmap().String(), nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	bad := strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' || r > 127)
	})
	if name == "" || len(name) > 253 || bad >= 0 || strings.Contains(name, "..") || name[0] == '.' {
		return "", fmt.Errorf("production address: %q is neither a host name nor an address", host)
	}
	return name, nil
}

// splitHostPort splits host:port; the port is a number from 1 to 65535. Package net would also take names of
// services, and of this machine at that.
func splitHostPort(s string) (string, uint16, error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.HasSuffix(s, "]") {
		return "", 0, fmt.Errorf("%q has no port (host:port)", s)
	}
	host, text := s[:i], s[i+1:]
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	} else if strings.Contains(host, ":") {
		return "", 0, fmt.Errorf("%q: an IPv6 address needs brackets: [::1]:5432", s)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return "", 0, fmt.Errorf("%q: port %q is no number from 1 to 65535", s, text)
	}
	if host == "" {
		return "", 0, fmt.Errorf("%q has no host (host:port)", s)
	}
	return host, uint16(port), nil
}

func joinHostPort(host string, port uint16) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s:%d", host, port)
}

// key is what may stand only once in a list: the production address, or the local one to be reached as it is.
func (s Standin) key() string {
	if s.Host == "" {
		return "=" + s.Local
	}
	return s.Production()
}

// MergeStandins returns those of the config with those of the flags, which win for the same production address. A
// host that two of them resolve differently is an error.
func MergeStandins(config, flags []Standin) ([]Standin, error) {
	var all []Standin
	for _, s := range append(slices.Clone(config), flags...) {
		if i := slices.IndexFunc(all, func(o Standin) bool { return o.key() == s.key() }); i < 0 {
			all = append(all, s)
		} else {
			if !s.Address.IsValid() {
				s.Address = all[i].Address // a flag cannot say it
			}
			all[i] = s
		}
	}
	return all, oneAddress(all)
}

// oneAddress gives all stand-ins of a host the address that one of them says.
func oneAddress(all []Standin) error {
	known := make(map[string]netip.Addr)
	for _, s := range all {
		a := known[s.Host]
		if a.IsValid() && s.Address.IsValid() && a != s.Address {
			return fmt.Errorf("stand-ins: %s has the address %s and the address %s; give it once", s.Host, a, s.Address)
		}
		if s.Address.IsValid() {
			known[s.Host] = s.Address
		}
	}
	for i := range all {
		if all[i].Host != "" {
			all[i].Address = known[all[i].Host]
		}
	}
	return nil
}
