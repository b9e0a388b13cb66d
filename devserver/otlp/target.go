package otlp

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Target is a store that speaks OTLP/HTTP.
type Target struct {
	url    *url.URL
	header http.Header
}

// Example is a target as one writes it: where a collector on this machine listens by default.
const Example = "http://localhost:4318"

// ParseTarget reads a store's address, and headers as NAME=VALUE. A path is kept: below it are /v1/traces and the others.
func ParseTarget(address string, headers []string) (*Target, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is no URL; write it as in --otlp %s", address, Example)
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, fmt.Errorf("%q is not an http or https URL with a host; write it as in --otlp %s", address, Example)
	case u.Fragment != "", u.RawQuery != "":
		return nil, fmt.Errorf("%q: a query or a fragment leads nowhere here; write it as in --otlp %s", u.Redacted(), Example)
	}
	for _, signal := range []string{tracesPath, logsPath, metricsPath} {
		if base, ok := strings.CutSuffix(strings.TrimRight(u.Path, "/"), signal); ok {
			short := *u
			short.Path, short.RawPath = base, ""
			return nil, fmt.Errorf("%q already ends in %s; name what is in front of it: --otlp %s", u.Redacted(), signal, short.Redacted())
		}
	}
	t := &Target{url: u, header: http.Header{}}
	for _, h := range headers {
		if err := t.addHeader(h); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// String is the address, without a password.
func (t *Target) String() string { return t.url.Redacted() }

func (t *Target) addHeader(h string) error {
	const form = "write NAME=VALUE, as in --otlp-header x-api-key=secret"
	name, value, ok := strings.Cut(h, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch { // the value may be a secret: no message shows it
	case !ok:
		return fmt.Errorf("header without a value; %s", form)
	case !isToken(name):
		return fmt.Errorf("%q is no name of a header; %s", name, form)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return fmt.Errorf("header %s: the value holds a control character; %s", name, form)
	}
	switch http.CanonicalHeaderKey(name) {
	case "Content-Type", "Content-Encoding", "Content-Length", "Transfer-Encoding", "Connection", "Host":
		return fmt.Errorf("header %s is devserver's to set; leave it out", name)
	}
	t.header.Add(name, value)
	return nil
}

// isToken: what RFC 9110, 5.6.2 allows in a name.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}
