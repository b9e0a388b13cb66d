package devserver

import (
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/localca"
)

// tlsConfig is how an app's clients speak TLS, nil when they do not.
func (s *supervisor) tlsConfig(p *plannedApp) (*tls.Config, error) {
	if !p.settings.tls {
		return nil, nil
	}
	if err := s.openCA(); err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(p.addr)
	if err != nil || host == "" {
		return s.ca.Config(), nil
	}
	if ip := net.ParseIP(host); !localca.Covers(host) && !ip.IsUnspecified() {
		s.notices.warnf("the local CA vouches for localhost and loopback addresses only: clients that ask %s for %s are warned; on this machine ask for localhost", p.name, host)
	}
	return s.ca.Config(host), nil
}

// openCA opens the local CA, or makes it.
func (s *supervisor) openCA() error {
	if s.ca != nil {
		return nil
	}
	dir, err := s.opts.caDir, error(nil)
	if dir == "" {
		dir, err = localca.Dir()
	}
	if err != nil {
		return err
	}
	_, before := localca.Load(dir)
	ca, remade, err := localca.Open(dir)
	if err != nil {
		return err
	}
	switch {
	case remade != nil:
		s.notices.warnf("%v; a new local CA is made, which has to be trusted anew: devserver trust", remade)
	case errors.Is(before, localca.ErrNone):
		s.notices.warnf("a local CA is made for --tls, %s; browsers warn until they trust it: devserver trust", ca.File())
	}
	s.ca = ca
	return nil
}

// LocalCA is the certificate authority behind --tls, as it is.
type LocalCA struct {
	Dir         string
	File        string // its certificate
	Made        bool   // the rest is known
	Problem     string // why it cannot be used; the next --tls makes another. "": it can
	Begin, End  time.Time
	Fingerprint string // SHA-256
	PEM         []byte
	Trusted     bool // by this machine's own store
}

// FindLocalCA looks at the local CA and changes nothing.
func FindLocalCA() (*LocalCA, error) {
	dir, err := localca.Dir()
	if err != nil {
		return nil, err
	}
	found := &LocalCA{Dir: dir}
	ca, err := localca.Load(dir)
	var unusable *localca.UnusableError
	switch {
	case errors.Is(err, localca.ErrNone):
		return found, nil
	case errors.As(err, &unusable):
		found.Problem = err.Error()
		return found, nil
	case err != nil:
		return nil, err
	}
	found.Made, found.File, found.PEM, found.Fingerprint = true, ca.File(), ca.PEM(), ca.Fingerprint()
	found.Begin, found.End = ca.Certificate.NotBefore, ca.Certificate.NotAfter
	found.Trusted = ca.Trusted() == nil
	return found, nil
}
