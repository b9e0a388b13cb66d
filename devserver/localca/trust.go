package localca

import "crypto/x509"

// Trusted tells whether this machine's own store of CAs has this one: what Go, curl and most programs ask. Firefox, Java and Node
// have stores of their own. The error is nil when it has.
func (c *CA) Trusted() error {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return err
	}
	_, err = c.Certificate.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err
}
