package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newTrust() *cobra.Command {
	var asPEM bool
	c := &cobra.Command{
		Use:   "trust [flags]",
		Short: "how to trust the local CA of run --tls, and how to undo that",
		Long: `trust tells where the certificate authority of run --tls is, whether this machine trusts it,
and the commands that have browsers and other programs trust it, or not any more. It changes
nothing itself. The CA is made by the first run --tls, once for each user; it may vouch for
localhost, names below it and loopback addresses, and for no other host.`,
		Example: `  devserver trust
  devserver trust --pem > ca.pem`,
		Args: between(0, 0, "trust takes none"),
		RunE: func(c *cobra.Command, _ []string) error {
			ca, err := devserver.FindLocalCA()
			if err != nil {
				return err
			}
			if asPEM {
				return printPEM(c.OutOrStdout(), ca)
			}
			return showTrust(c.OutOrStdout(), ca)
		},
	}
	c.Flags().BoolVar(&asPEM, "pem", false, "print the certificate and nothing else")
	return c
}

func printPEM(w io.Writer, ca *devserver.LocalCA) error {
	switch {
	case ca.Problem != "":
		return errors.New(ca.Problem + "; the next devserver run --tls makes another")
	case !ca.Made:
		return errors.New("there is no local CA yet; devserver run --tls makes it")
	}
	_, err := w.Write(ca.PEM)
	return err
}

// showTrust tells all about the CA.
func showTrust(w io.Writer, ca *devserver.LocalCA) error {
	p := newPalette(w)
	if !ca.Made {
		what := "There is no local CA yet; devserver run --tls makes it"
		if ca.Problem != "" {
			what = p.bad.Render(clean(ca.Problem)) + "\nThe next devserver run --tls makes another"
		}
		_, err := fmt.Fprintf(w, "%s, in %s.\n", what, clean(ca.Dir))
		return err
	}
	state := p.warn.Render("This machine's own store does not trust it.")
	if ca.Trusted {
		state = p.ok.Render("This machine's own store trusts it.")
	}
	const day = "2006-01-02"
	var b strings.Builder
	fmt.Fprintf(&b, "Local CA  %s\n", p.strong.Render(clean(ca.File)))
	fmt.Fprintf(&b, "  valid     %s to %s\n", ca.Begin.Format(day), ca.End.Format(day))
	fmt.Fprintf(&b, "  SHA-256   %s\n", ca.Fingerprint)
	fmt.Fprintf(&b, "  vouches   for localhost, names below it, and loopback addresses\n\n")
	fmt.Fprintf(&b, "%s Chromium on Linux, Firefox and Node look elsewhere.\n", state)
	file := shellWord(ca.File)
	for _, t := range trusters {
		fmt.Fprintf(&b, "\n%s\n", p.strong.Render(t.who))
		fmt.Fprintf(&b, "  trust    %s\n", strings.ReplaceAll(t.trust, "FILE", file))
		fmt.Fprintf(&b, "  untrust  %s\n", strings.ReplaceAll(t.untrust, "FILE", file))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// trusters are the programs that one may want to trust the CA, each with its commands. FILE stands for the certificate.
var trusters = []struct{ who, trust, untrust string }{
	{"Debian, Ubuntu: curl, Go, Python and most programs",
		"sudo cp FILE /usr/local/share/ca-certificates/devserver.crt && sudo update-ca-certificates",
		"sudo rm /usr/local/share/ca-certificates/devserver.crt && sudo update-ca-certificates --fresh"},
	{"Fedora, RHEL: curl, Go, Python and most programs",
		"sudo cp FILE /etc/pki/ca-trust/source/anchors/devserver.pem && sudo update-ca-trust",
		"sudo rm /etc/pki/ca-trust/source/anchors/devserver.pem && sudo update-ca-trust"},
	{"macOS: Safari, Chrome, curl and Go",
		`security add-trusted-cert -r trustRoot -k "$HOME/Library/Keychains/login.keychain-db" FILE`,
		"security remove-trusted-cert FILE"},
	{"Chromium and Chrome on Linux (certutil is in libnss3-tools or nss-tools)",
		`mkdir -p "$HOME/.pki/nssdb" && certutil -d "sql:$HOME/.pki/nssdb" -A -t C,, -n devserver -i FILE`,
		`certutil -d "sql:$HOME/.pki/nssdb" -D -n devserver`},
	{"Firefox: Settings, Privacy & Security, View Certificates, Authorities, Import; or, with PROFILE from about:profiles",
		"certutil -d sql:PROFILE -A -t C,, -n devserver -i FILE",
		"certutil -d sql:PROFILE -D -n devserver"},
	{"curl, one call",
		"curl --cacert FILE https://localhost:8080/",
		"leave --cacert out"},
	{"Go on Linux, one program (the machine's own CAs do not count in it)",
		"SSL_CERT_FILE=FILE go run ./client",
		"leave SSL_CERT_FILE out"},
	{"Node, one program",
		"NODE_EXTRA_CA_CERTS=FILE node client.js",
		"leave NODE_EXTRA_CA_CERTS out"},
}
