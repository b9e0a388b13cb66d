package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// cookieName is that of the cookie by which a browser remembers that it has shown the token.
const cookieName = "devserver_console"

// guard asks three questions before any page, script or stream is served. The console shows what the user's program
// sends and can close its connections, and any web page that the user visits may try to reach it:
//
//  1. Is the Host one of ours? A name that an attacker owns can be made to resolve to 127.0.0.1 after the
//     browser has loaded his page from it (DNS rebinding); the Host header still says that name then.
//  2. Is the reader known? Only asked when other machines reach the console.
//  3. Does a change come from our own pages, or with the token? See mayChange.
type guard struct {
	hosts   []string // lower case
	open    bool     // other machines reach us: every request needs the token
	secrets secrets
	deny    func(http.ResponseWriter, *http.Request, error)
	next    http.Handler
}

// contentPolicy lets the console load its own files and nothing else; not even an inline style.
const contentPolicy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", contentPolicy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Referrer-Policy", "same-origin") // no-referrer would make our own forms' Origin "null"
	header.Set("Cache-Control", "no-store")
	if !g.knownHost(r.Host) {
		g.deny(w, r, problemf(http.StatusMisdirectedRequest, "Unknown host",
			"This console does not answer for the host %q. A page elsewhere may be trying to reach it through a name of its own. "+
				"Open it as http://%s.", r.Host, g.hosts[0]))
		return
	}
	if g.open && !strings.HasPrefix(r.URL.Path, "/static/") && !g.admit(w, r) { // the page that asks for the token has a style too
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if err := g.mayChange(r); err != nil {
			g.deny(w, r, err)
			return
		}
	}
	g.next.ServeHTTP(w, r)
}

// knownHost also takes an address literal when other machines reach us: which of the machine's addresses they use is
// not known here, and rebinding needs a name.
func (g *guard) knownHost(host string) bool {
	host = strings.ToLower(host)
	if slices.Contains(g.hosts, host) {
		return true
	}
	if !g.open {
		return false
	}
	if _, err := netip.ParseAddrPort(host); err == nil {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// admit asks for the token when other machines reach us: in the Authorization header, in the cookie, or once as ?token=,
// which is answered with the cookie and the same address without the token, so that it stays out of the history.
func (g *guard) admit(w http.ResponseWriter, r *http.Request) bool {
	if token, ok := bearer(r); ok {
		if same(token, g.secrets.token) {
			return true
		}
		g.deny(w, r, errWrongToken)
		return false
	}
	if cookie, err := r.Cookie(cookieName); err == nil && same(cookie.Value, g.secrets.cookie) && !r.URL.Query().Has("token") {
		return true
	}
	query := r.URL.Query()
	if !same(query.Get("token"), g.secrets.token) {
		g.deny(w, r, errNeedsToken)
		return false
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: g.secrets.cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
	query.Del("token")
	to := url.URL{Path: localPath(r.URL.Path), RawQuery: query.Encode()}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
	return false
}

// mayChange tells whether a request may change something. Browsers say truthfully where a request comes from, so a
// foreign page is refused whatever else it brings. What is no browser shows the token; our own pages bring the word
// that only they could read.
func (g *guard) mayChange(r *http.Request) error {
	if origin := r.Header.Get("Origin"); origin != "" && !ownOrigin(origin, r.Host) {
		return problemf(http.StatusForbidden, "Not from here", "A page of %s may not change anything here. Use the console's own pages.", origin)
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return problemf(http.StatusForbidden, "Not from here", "A %s page may not change anything here. Use the console's own pages.", site)
	}
	if token, ok := bearer(r); ok {
		if same(token, g.secrets.token) {
			return nil
		}
		return errWrongToken
	}
	if r.Header.Get("Origin") == "" {
		return errNeedsToken
	}
	word := r.Header.Get("X-Console-Form")
	if word == "" {
		r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
		word = r.PostFormValue("form")
	}
	if !same(word, g.secrets.form) {
		return problemf(http.StatusForbidden, "This page is out of date",
			"devserver was started again since this page was loaded. Load the page again and repeat what you did.")
	}
	return nil
}

// ownOrigin compares with the Host, which has been checked. The scheme may differ: TLS may end before us.
func ownOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, host)
}

// localPath keeps a redirect on this host: "//elsewhere" and "/\elsewhere" are other hosts to a browser.
func localPath(path string) string {
	return "/" + strings.TrimLeft(path, `/\`)
}
