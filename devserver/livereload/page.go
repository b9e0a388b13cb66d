package livereload

import (
	"fmt"
	"html"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// Ask readies a request for an answer that Page can work on, if it asks for a document: not compressed, and in full
// rather than "not modified", for a page that the browser has kept names an old state.
func (l *Live) Ask(r *http.Request) {
	if l == nil || !navigation(r) {
		return
	}
	for _, name := range []string{"Accept-Encoding", "If-None-Match", "If-Modified-Since"} {
		r.Header.Del(name)
	}
}

// Page makes the answer follow the app if it is a page: res.Body is then another, and its length is not known. v is the
// version that answers.
func (l *Live) Page(v Version, r *http.Request, res *http.Response) {
	if l == nil {
		return
	}
	if asset(r, res) {
		res.Header.Set("Cache-Control", "no-cache") // kept, but asked about each time: a page that loads again gets what is new
		return
	}
	if !navigation(r) || !document(res) {
		return
	}
	if encoding := res.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		l.warnOnce(fmt.Sprintf("live reload: pages are sent as %s although that was not asked for, and stay as they are; "+
			"let the app compress only what the request's Accept-Encoding allows", encoding))
		return
	}
	policy, err := permit(res.Header, r.Host)
	if err != nil {
		l.warnOnce(fmt.Sprintf("live reload: %s: %v; the page stays as it is", r.URL.Path, err))
		return
	}
	for _, name := range []string{"Content-Length", "Etag", "Last-Modified", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Accept-Ranges"} {
		res.Header.Del(name)
	}
	res.ContentLength = -1
	res.Body = inject(res.Body, l.tag(v, r, policy))
}

// tag is what goes into a page. A page that is the answer to a form says so: to load it again would send the form again.
func (l *Live) tag(v Version, r *http.Request, p pass) string {
	text := `<script async src="` + scriptPath + `" data-state="` + l.label(v) + `"`
	if r.Method != http.MethodGet {
		text += ` data-method="` + html.EscapeString(r.Method) + `"`
	}
	if p.narrow {
		text += ` data-fetch="no"`
	}
	if p.nonce != "" {
		text += ` nonce="` + p.nonce + `"`
	}
	return text + "></script>"
}

// navigation tells whether a browser asks for a document that it will show: not a part of one for a script (fetch, htmx,
// jQuery), a download, a socket.
func navigation(r *http.Request) bool {
	h := r.Header
	if r.Method == http.MethodHead || r.Method == http.MethodConnect || !r.ProtoAtLeast(1, 1) {
		return false
	}
	for _, name := range []string{"Hx-Request", "X-Requested-With", "Range", "Upgrade"} {
		if h.Get(name) != "" {
			return false
		}
	}
	if dest := h.Get("Sec-Fetch-Dest"); dest != "" && !slices.Contains([]string{"document", "iframe", "frame"}, dest) {
		return false
	}
	return strings.Contains(strings.ToLower(strings.Join(h.Values("Accept"), ",")), "text/html")
}

// asset tells whether an answer is a part of pages that a browser might take from its cache: with no word of the server
// about that, for a tenth of the file's age.
func asset(r *http.Request, res *http.Response) bool {
	if r.Method != http.MethodGet || res.StatusCode < 200 || res.StatusCode >= 300 {
		return false
	}
	control := strings.ToLower(strings.Join(res.Header.Values("Cache-Control"), ","))
	if strings.Contains(control, "no-cache") || strings.Contains(control, "no-store") {
		return false
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch kind {
	case "text/css", "text/javascript", "application/javascript", "application/wasm":
		return true
	}
	group, _, _ := strings.Cut(kind, "/")
	return slices.Contains([]string{"image", "font", "audio", "video"}, group)
}

// document tells whether an answer is an HTML document that a browser shows.
func document(res *http.Response) bool {
	if res.StatusCode < 200 || res.StatusCode >= 300 && res.StatusCode < 400 {
		return false
	}
	switch res.StatusCode {
	case http.StatusNoContent, http.StatusResetContent, http.StatusPartialContent:
		return false
	}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Disposition")); kind == "attachment" {
		return false
	}
	kind, params, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if kind != "text/html" || err != nil && err != mime.ErrInvalidMediaParameter {
		return false
	}
	charset := strings.ToLower(params["charset"])
	return !strings.HasPrefix(charset, "utf-16") && !strings.HasPrefix(charset, "utf-32") && !strings.HasPrefix(charset, "utf-7")
}
