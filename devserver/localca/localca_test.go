package localca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *CA {
	t.Helper()
	c, remade, err := Open(dir)
	if err != nil || remade != nil {
		t.Fatalf("Open = %v, %v", remade, err)
	}
	return c
}

// TestOpen: the CA is made once, for its user alone, and also when several ask at once.
func TestOpen(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "config", "devserver")
	if _, err := Load(dir); !errors.Is(err, ErrNone) {
		t.Errorf("Load = %v before there is one", err)
	}
	var all [8]*CA
	var wait sync.WaitGroup
	for i := range all {
		wait.Go(func() { all[i] = open(t, dir) })
	}
	wait.Wait()
	for _, c := range all {
		if !bytes.Equal(c.PEM(), all[0].PEM()) {
			t.Error("two CAs were made")
		}
	}
	for name, mode := range map[string]os.FileMode{".": 0o700, certFile: 0o600, keyFile: 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want mode %v", name, info.Mode(), err, mode)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".tmp-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if text, err := os.ReadFile(all[0].File()); err != nil || !bytes.Equal(text, all[0].PEM()) {
		t.Errorf("%s holds %q, %v", all[0].File(), text, err)
	}
	if life := time.Until(all[0].Certificate.NotAfter); life < 3649*24*time.Hour {
		t.Errorf("it lives for %v", life)
	}
	if f := all[0].Fingerprint(); len(f) != 32*3-1 || strings.Count(f, ":") != 31 {
		t.Errorf("fingerprint %q", f)
	}
	os.Remove(all[0].File())
	os.Chmod(filepath.Join(dir, keyFile), 0o644)
	open(t, dir)
	if _, err := os.Stat(all[0].File()); err != nil {
		t.Errorf("the certificate is not written anew: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key stays open to others: %v, %v", info.Mode(), err)
	}
}

// TestUnusable: a CA that is damaged or expired is replaced, and what was wrong is said.
func TestUnusable(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(filepath.Join(open(t, t.TempDir()).dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	cert, key, _ := bytes.Cut(good, []byte("-----BEGIN EC"))
	key = append([]byte("-----BEGIN EC"), key...)
	other, err := os.ReadFile(filepath.Join(open(t, t.TempDir()).dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	_, otherKey, _ := bytes.Cut(other, []byte("-----BEGIN EC"))
	flipped := bytes.Clone(good)
	flipped[200] ^= 1
	expired := t.TempDir()
	old, err := create(expired, time.Now().Add(-lifetime-time.Hour))
	if err == nil {
		err = old.keep()
	}
	if err != nil {
		t.Fatal(err)
	}
	past, _ := os.ReadFile(filepath.Join(expired, keyFile))
	early := t.TempDir()
	if c, err := create(early, time.Now().Add(48*time.Hour)); err != nil || c.keep() != nil {
		t.Fatal(err)
	}
	future, _ := os.ReadFile(filepath.Join(early, keyFile))
	for name, tt := range map[string]struct {
		text []byte
		want string
	}{
		"empty":         {nil, "no certificate with its key"},
		"no PEM":        {[]byte("hello"), "no certificate with its key"},
		"certificate":   {cert, "no certificate with its key"},
		"key":           {key, "no certificate with its key"},
		"half":          {good[:len(good)/2], "damaged"},
		"another's key": {append(bytes.Clone(cert), append([]byte("-----BEGIN EC"), otherKey...)...), "the key is not the certificate's"},
		"a flipped bit": {flipped, "damaged"},
		"expired":       {past, "expired on"},
		"not yet valid": {future, "this machine's clock says"},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, keyFile)
		if err := os.WriteFile(file, tt.text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(dir)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: Load = %v, want %q and the file", name, err, tt.want)
		}
		c, remade, err := Open(dir)
		if err != nil || remade == nil || !strings.Contains(remade.Error(), tt.want) {
			t.Errorf("%s: Open = %v, %v; want a new one and %q", name, remade, err, tt.want)
			continue
		}
		if again := open(t, dir); !bytes.Equal(again.PEM(), c.PEM()) {
			t.Errorf("%s: the new one is not kept", name)
		}
	}
}

// TestNowhere: a folder that cannot be is an error with a way out.
func TestNowhere(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(filepath.Join(file, "x")); err == nil || !strings.Contains(err.Error(), Env) {
		t.Errorf("Open below a file = %v, want the way out", err)
	}
}

// ask is a client's hello for a name; the certificate is verified as Go's clients do.
func ask(t *testing.T, c *CA, config *tls.Config, sni, host string) error {
	t.Helper()
	cert, err := config.GetCertificate(&tls.ClientHelloInfo{ServerName: sni})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(c.Certificate)
	_, err = cert.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots})
	return err
}

// TestCertificates: for which hosts a server's certificate is good.
func TestCertificates(t *testing.T) {
	t.Parallel()
	c := open(t, t.TempDir())
	config := c.Config("127.0.0.2", "192.0.2.1", "example.com")
	for _, tt := range []struct {
		sni, host string
		ok        bool
	}{
		{"localhost", "localhost", true},
		{"", "127.0.0.1", true},
		{"", "::1", true},
		{"", "127.0.0.2", true},
		{"", "127.0.0.3", false},
		{"shop.localhost", "shop.localhost", true},
		{"a.shop.localhost", "a.shop.localhost", true},
		{"SHOP.localhost", "shop.localhost", true},
		{"example.com", "example.com", false}, // the CA may not
		{"", "192.0.2.1", false},
		{"notlocalhost", "notlocalhost", false},
		{strings.Repeat("a.", 200) + "localhost", "localhost", true},
	} {
		if err := ask(t, c, config, tt.sni, tt.host); (err == nil) != tt.ok {
			t.Errorf("a client that asks %q for %q: %v, want ok: %v", tt.sni, tt.host, err, tt.ok)
		}
	}
	if life := must(config.GetCertificate(&tls.ClientHelloInfo{})).Leaf; life.NotAfter.Sub(life.NotBefore) > 398*24*time.Hour {
		t.Errorf("a certificate lives for %v; Apple's programs take none of more than 398 days", life.NotAfter.Sub(life.NotBefore))
	}
}

// TestForRun: the CA of a run vouches for any name that is asked for and for the addresses that it was told, and is kept nowhere.
func TestForRun(t *testing.T) {
	t.Parallel()
	c, err := ForRun()
	if err != nil {
		t.Fatal(err)
	}
	config := c.Config("93.184.216.34")
	for _, tt := range []struct {
		sni, host string
		ok        bool
	}{
		{"billing.example.com", "billing.example.com", true},
		{"Billing.Example.com", "billing.example.com", true},
		{"", "93.184.216.34", true},
		{"", "93.184.216.35", false},
		{"localhost", "localhost", true},
		{"billing.example.com", "orders.example.com", false},
		{strings.Repeat("a.", 200) + "com", "localhost", true},
	} {
		if err := ask(t, c, config, tt.sni, tt.host); (err == nil) != tt.ok {
			t.Errorf("a client that asks %q for %q: %v, want ok: %v", tt.sni, tt.host, err, tt.ok)
		}
	}
	if other, err := ForRun(); err != nil || other.Fingerprint() == c.Fingerprint() {
		t.Errorf("two runs have one CA, or %v", err)
	}
}

func must(c *tls.Certificate, err error) *tls.Certificate {
	if err != nil {
		panic(err)
	}
	return c
}

// TestConstraint: what somebody with the key signs for another host is refused.
func TestConstraint(t *testing.T) {
	t.Parallel()
	c := open(t, t.TempDir())
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for host, ok := range map[string]bool{"localhost": true, "x.localhost": true, "example.com": false, "localhost.example.com": false, "10.0.0.1": false, "127.0.0.1": true} {
		template := &x509.Certificate{SerialNumber: serial(), NotAfter: time.Now().Add(time.Hour)}
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = []string{host}
		}
		der, err := x509.CreateCertificate(rand.Reader, template, c.Certificate, &key.PublicKey, c.key)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(c.Certificate)
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); (err == nil) != ok {
			t.Errorf("a certificate for %s: %v, want ok: %v", host, err, ok)
		}
	}
}

// TestRenewed: a server that runs for months makes its certificates anew before they end, and keeps them until then.
func TestRenewed(t *testing.T) {
	t.Parallel()
	c := open(t, t.TempDir())
	now := time.Now()
	s := &server{ca: c, made: map[string]*tls.Certificate{}, now: func() time.Time { return now }}
	first := must(s.certificate(&tls.ClientHelloInfo{}))
	for _, tt := range []struct {
		days int
		same bool
	}{{0, true}, {59, true}, {61, false}, {3640, false}} {
		now = time.Now().Add(time.Duration(tt.days) * 24 * time.Hour)
		if got := must(s.certificate(&tls.ClientHelloInfo{})); (got == first) != tt.same {
			t.Errorf("after %d days it is the same: %v, want %v", tt.days, got == first, tt.same)
		}
	}
	if last := must(s.certificate(&tls.ClientHelloInfo{})); last.Leaf.NotAfter.After(c.Certificate.NotAfter) || last != must(s.certificate(&tls.ClientHelloInfo{})) {
		t.Error("at the CA's end the certificate outlives it, or is made for each client")
	}
	for i := range 3 * maxNames {
		must(s.certificate(&tls.ClientHelloInfo{ServerName: strings.Repeat("a", i%60+1) + strings.Repeat("b", i/60) + ".localhost"}))
	}
	if len(s.made) > maxNames {
		t.Errorf("%d certificates are kept", len(s.made))
	}
}

// TestTrusted: nobody has been told to trust a CA made a moment ago.
func TestTrusted(t *testing.T) {
	t.Parallel()
	if err := open(t, t.TempDir()).Trusted(); err == nil {
		t.Error("the machine trusts it")
	}
}

// FuzzParse: whatever the file holds, it is a CA or an error.
func FuzzParse(f *testing.F) {
	dir := f.TempDir()
	c, err := create(dir, time.Now())
	if err == nil {
		err = c.keep()
	}
	if err != nil {
		f.Fatal(err)
	}
	good, _ := os.ReadFile(filepath.Join(dir, keyFile))
	f.Add(good)
	f.Add(good[:len(good)-60])
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, err := parse(text); err == nil && (c.Certificate == nil || c.key == nil) {
			t.Errorf("parse(%q) is neither", text)
		}
	})
}
