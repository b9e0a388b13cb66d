package livereload

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPermit: what becomes of a page's policy. N is a nonce that was made for it.
func TestPermit(t *testing.T) {
	const js, live = "localhost:8080/_devserver/live.js", "localhost:8080/_devserver/live"
	for _, tt := range []struct{ policy, want, nonce string }{
		{"", "", ""},
		{"img-src 'none'", "img-src 'none'", ""},
		{"default-src 'self'", "default-src 'self'", ""},
		{"default-src *", "default-src *", ""},
		{"script-src 'self'; connect-src 'self'", "script-src 'self'; connect-src 'self'", ""},
		{"default-src 'none'", "default-src 'none'; script-src " + js + "; connect-src " + live, ""},
		{"default-src https://cdn", "default-src https://cdn; script-src https://cdn " + js + "; connect-src https://cdn " + live, ""},
		{"default-src 'self'; connect-src api.x", "default-src 'self'; connect-src api.x " + live, ""},
		{"script-src 'unsafe-inline'", "script-src 'unsafe-inline' " + js, ""},
		{"script-src 'sha256-x='", "script-src 'sha256-x=' " + js, ""},
		{"SCRIPT-SRC 'None'", "SCRIPT-SRC " + js, ""},
		{"script-src cdn; script-src-elem a", "script-src cdn; script-src-elem a " + js, ""},
		{"script-src a; script-src 'self'", "script-src a " + js + "; script-src 'self'", ""},
		{"script-src 'nonce-abc='", "script-src 'nonce-abc='", "abc="},
		{"script-src 'strict-dynamic' 'nonce-abc' 'self'", "script-src 'strict-dynamic' 'nonce-abc' 'self'", "abc"},
		{"script-src 'strict-dynamic' 'sha256-x='", "script-src 'strict-dynamic' 'sha256-x=' 'nonce-N'", "N"},
		{"default-src 'self', script-src 'nonce-abc'", "default-src 'self', script-src 'nonce-abc'", "abc"},
		{"script-src 'nonce-abc', script-src 'nonce-def'", "script-src 'nonce-abc', script-src 'nonce-def' 'nonce-abc'", "abc"},
		{"script-src 'nonce-\"><x>'", "script-src 'nonce-\"><x>' " + js, ""},
		{"sandbox allow-scripts allow-same-origin", "sandbox allow-scripts allow-same-origin", ""},
		{"upgrade-insecure-requests;;  ", "upgrade-insecure-requests;;  ", ""},
	} {
		h := http.Header{"Content-Security-Policy": {tt.policy}, "Content-Security-Policy-Report-Only": {tt.policy}}
		p, err := permit(h, "localhost:8080")
		nonce := p.nonce
		if err != nil {
			t.Errorf("%s: %v", tt.policy, err)
			continue
		}
		if tt.nonce == "N" && regexp.MustCompile(`^[A-Z2-7]{26}$`).MatchString(nonce) {
			tt.want, tt.nonce = strings.ReplaceAll(tt.want, "nonce-N", "nonce-"+nonce), nonce
		}
		for name := range h {
			if p.narrow != strings.Contains(tt.want+";", live+";") {
				t.Errorf("%s: the script may ask for its stream alone: %v", tt.policy, p.narrow)
			}
			if got := h.Get(name); got != tt.want || nonce != tt.nonce {
				t.Errorf("%s: %s\n got %s, nonce %q\nwant %s, nonce %q", name, tt.policy, got, nonce, tt.want, tt.nonce)
			}
		}
	}
}

// TestPermitCannot: a page whose policy cannot allow the script stays as it is, and the terminal says why, once.
func TestPermitCannot(t *testing.T) {
	for _, tt := range []struct{ host, policy, want string }{
		{"localhost", "sandbox", "sandbox without allow-scripts"},
		{"localhost", "sandbox allow-scripts", "sandbox without allow-same-origin"},
		{"[::1]:8080", "default-src 'none'", "no policy can name this host"},
		{"a;b", "default-src 'none'", "no policy can name this host"},
	} {
		var warnings []string
		l := quietly(&warnings)
		for range 2 {
			r := request(t, strings.Replace(browser, "localhost:8080", "x", 1))
			r.Host = tt.host
			res := response(t, "HTTP/1.1 200 OK\nContent-Length: 3\nContent-Type: text/html\nContent-Security-Policy: "+tt.policy, "<p>", r)
			l.Page(1, r, res)
			if got := res.Header.Get("Content-Security-Policy"); got != tt.policy || res.ContentLength != 3 {
				t.Errorf("%s: %q, %d", tt.policy, got, res.ContentLength)
			}
		}
		if len(warnings) != 1 || !strings.Contains(warnings[0], tt.want) {
			t.Errorf("%s on %s: warnings %q, want one with %q", tt.policy, tt.host, warnings, tt.want)
		}
	}
}

// TestPermitNone: of a page with several policies none is changed where one cannot allow the script.
func TestPermitNone(t *testing.T) {
	for _, h := range []http.Header{
		{"Content-Security-Policy": {"default-src 'none'", "sandbox"}},
		{"Content-Security-Policy": {"default-src 'none'"}, "Content-Security-Policy-Report-Only": {"sandbox"}},
	} {
		was := h.Clone()
		if _, err := permit(h, "localhost"); err == nil {
			t.Errorf("%v: the script is allowed", was)
		}
		if !maps.EqualFunc(h, was, slices.Equal[[]string]) {
			t.Errorf("%v became %v", was, h)
		}
	}
}

// FuzzPermit: whatever the header, what it allowed it allows, and the script with it.
func FuzzPermit(f *testing.F) {
	f.Add("default-src 'none'; script-src 'strict-dynamic' 'nonce-a', sandbox", "x:1")
	f.Fuzz(func(t *testing.T, value, host string) {
		h := http.Header{"Content-Security-Policy": {value}}
		can, err := permit(h, host)
		if err != nil {
			return
		}
		before, after := parsePolicies(value), parsePolicies(h.Get("Content-Security-Policy"))
		if len(before) != len(after) {
			t.Fatalf("%q became %q", value, h)
		}
		for i, p := range after {
			if script, stream, err := p.permit(host, can.nonce); script || stream || err != nil {
				t.Errorf("%q became %q, which would be changed again: %v", value, h, err)
			}
			if len(p) < len(before[i]) {
				t.Errorf("%q became %q", value, h)
			}
		}
	})
}
