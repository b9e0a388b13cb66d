package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// NewToken makes a token for Config.Token: 192 random bits as 32 letters that a URL carries unescaped.
func NewToken() string {
	b := make([]byte, 24)
	rand.Read(b) // never fails: it ends the process rather than return weak bytes
	return base64.RawURLEncoding.EncodeToString(b)
}

// LoopbackHosts are the Host values of a console that listens on loopback at this port. More names, if there are any, are the
// first.
func LoopbackHosts(port int, more ...string) []string {
	var hosts []string
	for _, name := range append(more, "127.0.0.1", "localhost", "::1") {
		hosts = append(hosts, net.JoinHostPort(name, strconv.Itoa(port)))
		if port == 80 { // which browsers leave out
			hosts = append(hosts, strings.TrimSuffix(net.JoinHostPort(name, ""), ":"))
		}
	}
	return hosts
}

// secrets are the token and what is derived from it, so that neither a page's source nor a cookie (which every port
// of the same host is sent, the user's app too) gives the token away.
type secrets struct {
	token  string
	form   string // in the forms of our own pages
	cookie string // of a browser that has shown the token once
}

func newSecrets(token string) secrets {
	derive := func(use string) string {
		mac := hmac.New(sha256.New, []byte(token))
		mac.Write([]byte("devserver console " + use))
		return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:24])
	}
	return secrets{token: token, form: derive("form"), cookie: derive("cookie")}
}

// same compares in a time that does not depend on where the two differ.
func same(got, want string) bool {
	g, w := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return hmac.Equal(g[:], w[:])
}

// bearer returns the token of the Authorization header; ok tells whether there is such a header at all.
func bearer(r *http.Request) (token string, ok bool) {
	header := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", header != ""
	}
	return strings.TrimSpace(token), true
}
