package statics

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

const appYAML = `runtime: go122
default_expiration: 1d 2h
handlers:
- url: /api/.*
  script: auto
- url: /favicon\.ico
  static_files: static/icons/fav.ico
  upload: static/icons/fav\.ico
  mime_type: image/x-icon
- url: /(.*\.(gif|png))$
  static_files: images/\1
  upload: images/.*\.png
  expiration: 0s
  http_headers: {X-Kind: picture}
- url: /static/
  static_dir: static
- url: /all
  static_dir: .
- url: /.*
  script: auto
`

// world is an app with files, and one outside of it.
func world(t testing.TB, yaml string) *Files {
	t.Helper()
	dir := t.TempDir()
	app := filepath.Join(dir, "app")
	for name, text := range map[string]string{
		"app/app.yaml": yaml, "app/static/site.css": "body {}", "app/static/icons/fav.ico": "icon", "app/static/a b.txt": "a b", "app/static/.secret": "s3cret",
		"app/images/a.png": "png", "app/images/a.gif": "gif", "app/main.go": "package main", "app/.env": "s3cret", "app/.git/config": "s3cret", "secret.txt": "s3cret",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"out.txt": "../../secret.txt", "abs.txt": filepath.Join(dir, "secret.txt"), "in.css": "site.css", "up": "../.."} {
		if err := os.Symlink(to, filepath.Join(app, "static", link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(app, "static", "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	y, err := project.LoadAppYAML(app)
	if err != nil {
		t.Fatal(err)
	}
	return New(app, y)
}

// serve serves files, and "app" where the app would answer.
func serve(t *testing.T, f *Files) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := f.Handler(r); h != nil {
			h.ServeHTTP(w, r)
			return
		}
		io.WriteString(w, "app")
	}))
	t.Cleanup(s.Close)
	return s
}

// do asks for a path as it is written.
func do(t *testing.T, s *httptest.Server, method, path string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := url.PathUnescape(path)
	if err != nil {
		t.Fatal(err)
	}
	req.URL = &url.URL{Scheme: "http", Host: req.URL.Host, Path: raw, RawPath: path}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// TestServe: which requests are answered, and with which file.
func TestServe(t *testing.T) {
	t.Parallel()
	s := serve(t, world(t, appYAML))
	for _, tt := range []struct {
		path   string
		status int
		body   string // "" of those that are not there
	}{
		{"/", 200, "app"},
		{"/api/static/site.css", 200, "app"},
		{"/api/x.png", 200, "app"}, // the first handler that fits
		{"/static/site.css", 200, "body {}"},
		{"/static/a%20b.txt", 200, "a b"},
		{"/static/in.css", 200, "body {}"},
		{"/static", 200, "app"}, // no path below it
		{"/favicon.ico", 200, "icon"},
		{"/faviconxico", 200, "app"},
		{"/a.png", 200, "png"},
		{"/a.gif", 404, ""}, // not uploaded
		{"/b.png", 404, ""},
		{"/all/main.go", 200, "package main"},

		{"/static/", 404, ""},
		{"/static/icons", 404, ""},
		{"/static/icons/", 404, ""},
		{"/static/none.css", 404, ""},
		{"/static/.secret", 404, ""},
		{"/static/pipe", 404, ""},
		{"/static/out.txt", 404, ""},
		{"/static/abs.txt", 404, ""},
		{"/static/up/secret.txt", 404, ""},
		{"/static/../main.go", 404, ""},
		{"/static/..%2fmain.go", 404, ""},
		{"/static/%2e%2e/%2e%2e/secret.txt", 404, ""},
		{"/static/..%5cmain.go", 404, ""},
		{"/static/site.css%00", 404, ""},
		{"/static//site.css", 200, "body {}"},
		{"/static//etc/passwd", 404, ""},
		{"/all/.env", 404, ""},
		{"/all/.git/config", 404, ""},
		{"/../secret.png", 404, ""},
	} {
		res, body := do(t, s, "GET", tt.path)
		if res.StatusCode != tt.status || tt.status == 200 && body != tt.body || strings.Contains(body, "s3cret") {
			t.Errorf("GET %s = %d %q, want %d %q", tt.path, res.StatusCode, body, tt.status, tt.body)
		}
	}
}

// TestHeaders: types, what may be kept, parts, and questions whether a file has changed.
func TestHeaders(t *testing.T) {
	t.Parallel()
	s := serve(t, world(t, appYAML))
	for _, tt := range []struct{ path, header, want string }{
		{"/static/site.css", "Content-Type", "text/css; charset=utf-8"},
		{"/static/site.css", "Cache-Control", "public, max-age=93600"},
		{"/favicon.ico", "Content-Type", "image/x-icon"},
		{"/a.png", "Cache-Control", "public, max-age=0"},
		{"/a.png", "X-Kind", "picture"},
		{"/a.png", "Content-Type", "image/png"},
	} {
		if res, _ := do(t, s, "GET", tt.path); res.Header.Get(tt.header) != tt.want {
			t.Errorf("%s of %s = %q, want %q", tt.header, tt.path, res.Header.Get(tt.header), tt.want)
		}
	}
	res, body := do(t, s, "GET", "/static/site.css", "Range", "bytes=0-3")
	if res.StatusCode != 206 || body != "body" || res.Header.Get("Content-Range") != "bytes 0-3/7" {
		t.Errorf("a part: %d %q %v", res.StatusCode, body, res.Header)
	}
	since := res.Header.Get("Last-Modified")
	if res, body := do(t, s, "GET", "/static/site.css", "If-Modified-Since", since); res.StatusCode != 304 || body != "" {
		t.Errorf("an unchanged file: %d %q", res.StatusCode, body)
	}
	if res, body := do(t, s, "HEAD", "/static/site.css"); res.StatusCode != 200 || body != "" || res.ContentLength != 7 {
		t.Errorf("HEAD: %d, %d bytes, %q", res.StatusCode, res.ContentLength, body)
	}
	if res, _ := do(t, s, "POST", "/static/site.css"); res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %v", res.StatusCode, res.Header)
	}
	plain := serve(t, world(t, "handlers: [{url: /s, static_dir: static}]\n"))
	if res, _ := do(t, plain, "GET", "/s/site.css"); res.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("without an expiration: %v", res.Header)
	}
}

// TestNone: an app.yaml without files, or none at all, leaves everything to the app.
func TestNone(t *testing.T) {
	t.Parallel()
	if f := world(t, "handlers: [{url: /.*, script: auto}]\n"); f != nil {
		t.Errorf("no files: %+v", f)
	}
	if f := New(".", nil); f != nil || f.Handler(httptest.NewRequest("GET", "/", nil)) != nil {
		t.Errorf("no app.yaml: %+v", f)
	}
}

// FuzzPath: whatever a path holds, nothing from outside the app and nothing hidden is served.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"/static/site.css", "/all/../../secret.txt", "/all/.env", "/static/up/secret.txt", "/all//", "/all/./.git/config", "/\\..\\a.png"} {
		f.Add(s)
	}
	files := world(f, appYAML)
	f.Fuzz(func(t *testing.T, path string) {
		r := &http.Request{Method: "GET", URL: &url.URL{Path: path}, Header: http.Header{}}
		h := files.Handler(r)
		if h == nil {
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if strings.Contains(w.Body.String(), "s3cret") || w.Code != 200 && w.Code != 404 {
			t.Errorf("%q: %d %s", path, w.Code, w.Body)
		}
	})
}
