// Package localca is the certificate authority that devserver keeps for one user, so that browsers trust what it
// serves on this machine.
//
// The CA is made once and lives in a folder of the user's alone: ca.pem is its certificate, which programs are told to
// trust, ca-key.pem the certificate with its key. It vouches for nothing but localhost, names below it, and
// loopback addresses: whoever steals the key cannot pose as any other host. Certificates of servers are made in memory and
// never stored.
//
// Apps of one devserver that call each other by production names over TLS trust another CA, which ForRun makes.
package localca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Env names the variable that holds another folder for the CA.
const Env = "DEVSERVER_CA"

const (
	lifetime = 10 * 365 * 24 * time.Hour
	certFile = "ca.pem"
	keyFile  = "ca-key.pem"
)

// ErrNone says that no CA has been made yet.
var ErrNone = errors.New("there is no local CA yet")

// CA is the authority. It does not change, and may be used from any goroutine.
type CA struct {
	Certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	dir         string // "": it is kept nowhere
	any         bool   // it may vouch for any host
}

// Dir returns the folder of the CA: what $DEVSERVER_CA says, else devserver in the user's configuration directory. It need not exist.
func Dir() (string, error) {
	if dir := os.Getenv(Env); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the local CA: %w; name one with %s", err, Env)
	}
	return filepath.Join(dir, "devserver"), nil
}

// File is the certificate's, which other programs are told to trust.
func (c *CA) File() string { return filepath.Join(c.dir, certFile) }

// PEM is the certificate as File holds it.
func (c *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate.Raw})
}

// Fingerprint is the certificate's SHA-256, as browsers show it.
func (c *CA) Fingerprint() string {
	sum := sha256.Sum256(c.Certificate.Raw)
	return string(bytes.ReplaceAll(fmt.Appendf(nil, "% X", sum), []byte(" "), []byte(":")))
}

// Load reads the CA below dir. It returns ErrNone when there is none; another error says what is wrong with it.
func Load(dir string) (*CA, error) {
	text, err := os.ReadFile(filepath.Join(dir, keyFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("local CA: %w", err)
	}
	c, err := parse(text)
	if err != nil {
		return nil, &UnusableError{filepath.Join(dir, keyFile), err}
	}
	c.dir = dir
	return c, c.usable(time.Now())
}

// UnusableError says that a CA is there that cannot be used, and that Open makes another.
type UnusableError struct {
	File string
	Err  error
}

func (e *UnusableError) Error() string { return fmt.Sprintf("local CA: %s: %v", e.File, e.Err) }
func (e *UnusableError) Unwrap() error { return e.Err }

func parse(text []byte) (*CA, error) {
	c := new(CA)
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		var err error
		switch block.Type {
		case "CERTIFICATE":
			c.Certificate, err = x509.ParseCertificate(block.Bytes)
		case "EC PRIVATE KEY":
			c.key, err = x509.ParseECPrivateKey(block.Bytes)
		}
		if err != nil {
			return nil, fmt.Errorf("damaged: %w", err)
		}
	}
	if c.Certificate == nil || c.key == nil {
		return nil, errors.New("damaged: it holds no certificate with its key")
	}
	if !c.key.PublicKey.Equal(c.Certificate.PublicKey) || !c.Certificate.IsCA {
		return nil, errors.New("damaged: the key is not the certificate's")
	}
	if err := c.Certificate.CheckSignatureFrom(c.Certificate); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	return c, nil
}

func (c *CA) usable(now time.Time) error {
	file := filepath.Join(c.dir, keyFile)
	switch day := "2006-01-02"; {
	case now.After(c.Certificate.NotAfter):
		return &UnusableError{file, fmt.Errorf("expired on %s", c.Certificate.NotAfter.Format(day))}
	case now.Before(c.Certificate.NotBefore):
		return &UnusableError{file, fmt.Errorf("valid from %s on, and this machine's clock says %s", c.Certificate.NotBefore.Format(day), now.Format(day))}
	}
	return nil
}

// Open returns the CA below dir, and makes it when there is none. One that cannot be used is replaced; remade then says
// what was wrong with it, since the new one has to be trusted anew.
func Open(dir string) (c *CA, remade error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, explain(err)
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, nil, explain(err)
	}
	defer unlock()
	c, err = Load(dir)
	var unusable *UnusableError
	switch {
	case errors.As(err, &unusable):
		remade = err
	case err == nil:
		return c, nil, explain(c.keep())
	case !errors.Is(err, ErrNone):
		return nil, nil, explain(err)
	}
	if c, err = create(dir, time.Now()); err != nil {
		return nil, nil, explain(err)
	}
	return c, remade, explain(c.keep())
}

// explain adds the way out.
func explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; let devserver write there, or name another folder with %s", err, Env)
}

// ForRun makes a CA that may vouch for any host. Only this process has its key, and only programs that are told to trust it do.
func ForRun() (*CA, error) {
	c, err := newCA(time.Now(), func(template *x509.Certificate) {
		template.Subject.CommonName = "devserver CA of one run"
	})
	if err == nil {
		c.any = true
	}
	return c, err
}

// create makes a CA to keep.
func create(dir string, now time.Time) (*CA, error) {
	// Some of those who check constraints know no address constraint without a name constraint, so both are there; they
	// are critical, so that who does not know them refuses the certificate.
	c, err := newCA(now, func(template *x509.Certificate) {
		template.PermittedDNSDomainsCritical = true
		template.PermittedDNSDomains = []string{"localhost"}
		template.PermittedIPRanges = loopback
	})
	if err == nil {
		c.dir = dir
	}
	return c, err
}

// newCA makes a CA from a certificate that change has changed.
func newCA(now time.Time, change func(*x509.Certificate)) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{Organization: []string{"devserver local CA"}, OrganizationalUnit: []string{host}, CommonName: "devserver local CA"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(lifetime),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &CA{Certificate: cert, key: key}, err
}

// loopback are the addresses that the CA may vouch for.
var loopback = []*net.IPNet{
	{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
	{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
}

// serial is a certificate's number: 120 random bits, as RFC 5280 wants them unlike each other.
func serial() *big.Int {
	var b [15]byte
	rand.Read(b[:])
	return new(big.Int).SetBytes(b[:])
}

// keep writes both files, where they are not there as they should be.
func (c *CA) keep() error {
	der, err := x509.MarshalECPrivateKey(c.key)
	if err != nil {
		return err
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	for name, text := range map[string][]byte{keyFile: append(c.PEM(), secret...), certFile: c.PEM()} {
		if err := keepFile(filepath.Join(c.dir, name), text); err != nil {
			return err
		}
	}
	return nil
}

// keepFile makes sure that the file holds text and is the user's alone. It never holds half of it.
func keepFile(path string, text []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return os.Chmod(path, 0o600)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-") // readable by its owner only
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
