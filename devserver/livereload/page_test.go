package livereload

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
)

// request reads a request from its lines.
func request(t *testing.T, lines string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(lines, "\n", "\r\n") + "\r\n\r\n")))
	if err != nil {
		t.Fatalf("%s: %v", lines, err)
	}
	return r
}

func response(t *testing.T, lines, body string, r *http.Request) *http.Response {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(strings.ReplaceAll(lines, "\n", "\r\n")+"\r\n\r\n"+body)), r)
	if err != nil {
		t.Fatalf("%s: %v", lines, err)
	}
	return res
}

// quietly is a Live whose warnings the test sees.
func quietly(warnings *[]string) *Live {
	return New(func(s string) { *warnings = append(*warnings, s) })
}

const browser = "GET / HTTP/1.1\nHost: localhost:8080\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\nSec-Fetch-Dest: document"

// TestPageWhich: the answers that are changed, and those that must not be.
func TestPageWhich(t *testing.T) {
	page := "HTTP/1.1 200 OK\nContent-Type: text/html; charset=utf-8"
	for _, tt := range []struct {
		name, request, response string
		want                    bool
	}{
		{"a page", browser, page, true},
		{"an old browser", "GET / HTTP/1.1\nHost: x\nAccept: text/html", page, true},
		{"a frame", strings.Replace(browser, "document", "iframe", 1), page, true},
		{"the answer to a form", strings.Replace(browser, "GET", "POST", 1), page, true},
		{"an error page", browser, strings.Replace(page, "200", "500", 1), true},
		{"not found", browser, strings.Replace(page, "200", "404", 1), true},
		{"shown in the browser", browser, page + "\nContent-Disposition: inline; filename=x.html", true},
		{"identity", browser, page + "\nContent-Encoding: identity", true},
		{"a bad parameter", browser, "HTTP/1.1 200 OK\nContent-Type: text/html; charset", true},
		{"curl", "GET / HTTP/1.1\nHost: x\nAccept: */*", page, false},
		{"fetch", strings.Replace(browser, "document", "empty", 1), page, false},
		{"htmx", browser + "\nHX-Request: true", page, false},
		{"jQuery", browser + "\nX-Requested-With: XMLHttpRequest", page, false},
		{"a part", browser + "\nRange: bytes=0-9", page, false},
		{"a head", strings.Replace(browser, "GET", "HEAD", 1), page, false},
		{"an upgrade", browser + "\nUpgrade: websocket", page, false},
		{"HTTP/1.0", "GET / HTTP/1.0\nAccept: text/html", page, false},
		{"compressed", browser, page + "\nContent-Encoding: gzip", false},
		{"a download", browser, page + "\nContent-Disposition: attachment; filename=x.html", false},
		{"JSON", browser, "HTTP/1.1 200 OK\nContent-Type: application/json", false},
		{"XHTML", browser, "HTTP/1.1 200 OK\nContent-Type: application/xhtml+xml", false},
		{"no type", browser, "HTTP/1.1 200 OK", false},
		{"a stream", browser, "HTTP/1.1 200 OK\nContent-Type: text/event-stream", false},
		{"UTF-16", browser, "HTTP/1.1 200 OK\nContent-Type: text/html; charset=UTF-16LE", false},
		{"not modified", browser, strings.Replace(page, "200", "304", 1), false},
		{"no content", browser, strings.Replace(page, "200", "204", 1), false},
		{"a redirect", browser, strings.Replace(page, "200", "302", 1) + "\nLocation: /x", false},
		{"partial", browser, strings.Replace(page, "200", "206", 1), false},
		{"switching", browser, "HTTP/1.1 101 Switching Protocols\nContent-Type: text/html", false},
	} {
		var warnings []string
		l := quietly(&warnings)
		r := request(t, tt.request)
		res := response(t, tt.response, "<p>", r)
		l.Page(1, r, res)
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := strings.Contains(string(body), scriptPath); got != tt.want {
			t.Errorf("%s: a tag: %v, want %v, in %q", tt.name, got, tt.want, body)
		}
		if wants := tt.name == "compressed"; wants != (len(warnings) == 1) {
			t.Errorf("%s: warnings %q", tt.name, warnings)
		}
	}
}

// TestPageHeaders: what would not be true of the changed page is taken away, the rest stays.
func TestPageHeaders(t *testing.T) {
	r := request(t, browser+"\nAccept-Encoding: gzip\nIf-None-Match: \"x\"\nIf-Modified-Since: x\nCookie: a=b")
	l := New(func(string) {})
	l.Ask(r)
	if got := len(r.Header); got != 3 || r.Header.Get("Cookie") != "a=b" {
		t.Errorf("the app is asked with %v", r.Header)
	}
	other := request(t, strings.Replace(browser, "document", "empty", 1)+"\nAccept-Encoding: gzip\nIf-None-Match: \"x\"")
	l.Ask(other)
	if other.Header.Get("Accept-Encoding") == "" || other.Header.Get("If-None-Match") == "" {
		t.Errorf("a part of a page is asked for with %v", other.Header)
	}

	head := "HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 3\nETag: \"x\"\nLast-Modified: x\nContent-MD5: x\nDigest: x\nSet-Cookie: a=b\nCache-Control: max-age=5"
	res := response(t, head, "<p>", r)
	l.Page(7, r, res)
	if len(res.Header) != 3 || res.ContentLength != -1 {
		t.Errorf("length %d, %v", res.ContentLength, res.Header)
	}
	s, _, _ := l.look()
	want := `<script async src="/_devserver/live.js" data-state="` + s.Run + `.7.0.0"></script><p>`
	if body, _ := io.ReadAll(res.Body); string(body) != want {
		t.Errorf("%q, want %q", body, want)
	}

	form := request(t, strings.Replace(browser, "GET", "POST", 1))
	res = response(t, head, "<p>", form)
	l.Page(7, form, res)
	if body, _ := io.ReadAll(res.Body); !strings.Contains(string(body), `data-method="POST"`) {
		t.Errorf("the answer to a form does not say so: %q", body)
	}
}

// TestOff: a nil Live changes nothing.
func TestOff(t *testing.T) {
	var l *Live
	r := request(t, browser+"\nAccept-Encoding: gzip")
	l.Ask(r)
	res := response(t, "HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 3", "<p>", r)
	l.Page(l.Next(false), r, res)
	l.Swapped(0, nil)
	l.Changed([]string{"a.css"})
	l.Show(&Problem{})
	l.Close()
	if body, _ := io.ReadAll(res.Body); string(body) != "<p>" || r.Header.Get("Accept-Encoding") == "" {
		t.Errorf("%q, %v", body, r.Header)
	}
	if l.Handler(request(t, "GET /_devserver/live HTTP/1.1\nHost: x")) != nil {
		t.Error("the path is taken from the app")
	}
}

// TestAssets: parts of pages are asked about each time, and nothing else of them changes.
func TestAssets(t *testing.T) {
	for _, tt := range []struct{ method, head, want string }{
		{"GET", "200 OK\nContent-Type: text/css; charset=utf-8", "no-cache"},
		{"GET", "200 OK\nContent-Type: text/javascript\nCache-Control: public, max-age=31536000, immutable", "no-cache"},
		{"GET", "206 Partial Content\nContent-Type: video/mp4", "no-cache"},
		{"GET", "200 OK\nContent-Type: image/png\nCache-Control: no-store", "no-store"},
		{"GET", "200 OK\nContent-Type: font/woff2\nCache-Control: private, no-cache", "private, no-cache"},
		{"GET", "200 OK\nContent-Type: application/json\nCache-Control: max-age=5", "max-age=5"},
		{"GET", "404 Not Found\nContent-Type: text/css", ""},
		{"POST", "200 OK\nContent-Type: text/css", ""},
	} {
		r := request(t, tt.method+" /x HTTP/1.1\nHost: x")
		res := response(t, "HTTP/1.1 "+tt.head+"\nContent-Length: 3\nETag: \"x\"", "<p>", r)
		was := res.Body
		New(func(string) {}).Page(1, r, res)
		if got := res.Header.Get("Cache-Control"); got != tt.want || res.Body != was || res.ContentLength != 3 || res.Header.Get("Etag") == "" {
			t.Errorf("%s, %s: Cache-Control %q, want %q; %v", tt.method, tt.head, got, tt.want, res.Header)
		}
	}
}
