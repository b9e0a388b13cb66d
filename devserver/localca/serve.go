package localca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	leafLifetime = 90 * 24 * time.Hour
	renewBefore  = 30 * 24 * time.Hour
	maxNames     = 100 // for which certificates are kept
)

// Covers tells whether the CA of a user may vouch for a host, a name or an address.
func Covers(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func (c *CA) covers(host string) bool { return c.any || Covers(host) }

// Config is how a server answers TLS: HTTP/2 and HTTP/1.1, with a certificate for localhost, *.localhost, loopback addresses and whatever
// other name a client asks for that the CA covers. hosts are more that it is for; those that the CA does not cover are left out.
func (c *CA) Config(hosts ...string) *tls.Config {
	s := &server{ca: c, hosts: hosts, made: map[string]*tls.Certificate{}, now: time.Now}
	return &tls.Config{GetCertificate: s.certificate, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}
}

// server makes the certificates of one server.
type server struct {
	ca    *CA
	hosts []string
	now   func() time.Time

	mu   sync.Mutex
	made map[string]*tls.Certificate // by the name asked for, "": none that needs one of its own; guarded by mu
}

func (s *server) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	// Most clients do not let a wildcard stand for all names of a top-level domain, so each gets its own.
	name := strings.ToLower(hello.ServerName)
	if name == "localhost" || !s.ca.covers(name) || len(name) > 253 {
		name = ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	made := s.made[name]
	if made != nil && (s.now().Before(made.Leaf.NotAfter.Add(-renewBefore)) || made.Leaf.NotAfter.Equal(s.ca.Certificate.NotAfter)) {
		return made, nil
	}
	if len(s.made) >= maxNames {
		clear(s.made)
	}
	hosts := s.hosts
	if name != "" {
		hosts = append([]string{name}, hosts...)
	}
	made, err := s.ca.leaf(s.now(), hosts)
	if err == nil {
		s.made[name] = made
	}
	return made, err
}

// leaf makes a server's certificate.
func (c *CA) leaf(now time.Time, hosts []string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{Organization: []string{"devserver"}, CommonName: "localhost"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(leafLifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if template.NotAfter.After(c.Certificate.NotAfter) {
		template.NotAfter = c.Certificate.NotAfter
	}
	for _, host := range append([]string{"localhost", "*.localhost", "127.0.0.1", "::1"}, hosts...) {
		if ip := net.ParseIP(host); !c.covers(host) {
			continue
		} else if ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.Certificate, &key.PublicKey, c.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der, c.Certificate.Raw}, PrivateKey: key, Leaf: leaf}, err
}
