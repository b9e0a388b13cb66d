package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const token = "open sesame"

// ask sends a request with these headers ("Host" included); a body makes it a form.
func ask(handler http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:8000"
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestHosts(t *testing.T) {
	t.Parallel()
	near := newConsole(t, lively(noon), full, nil)
	far := newConsole(t, lively(noon), full, func(c *Config) { c.Open, c.Hosts = true, append(c.Hosts, "devbox.lan:8000") })
	const misdirected = http.StatusMisdirectedRequest
	for _, tt := range []struct {
		host      string
		near, far int
	}{
		{"127.0.0.1:8000", 200, 200},
		{"localhost:8000", 200, 200},
		{"LOCALHOST:8000", 200, 200},
		{"[::1]:8000", 200, 200},
		{"127.0.0.1:8001", misdirected, 200}, // another port: another server's page
		{"127.0.0.1", misdirected, 200},
		{"evil.example:8000", misdirected, misdirected}, // DNS rebinding
		{"localhost.evil.example:8000", misdirected, misdirected},
		{"127.0.0.1.evil.example:8000", misdirected, misdirected},
		{"127.0.0.1:8000@evil.example", misdirected, misdirected},
		{"192.0.2.7:8000", misdirected, 200}, // an address literal cannot be rebound
		{"[2001:db8::7]", misdirected, 200},
		{"devbox.lan:8000", misdirected, 200},
		{"localhost:8000.", misdirected, misdirected},
		{"", misdirected, misdirected},
	} {
		for _, path := range []string{"/", "/api/v1/counts", "/api/v1/stream", "/static/live.js"} {
			got := ask(near, "HEAD", path, "", "Host", tt.host).Code
			if got != tt.near {
				t.Errorf("%s with Host %q = %d, want %d", path, tt.host, got, tt.near)
			}
			got = ask(far, "HEAD", path, "", "Host", tt.host, "Authorization", "Bearer "+token).Code
			if got != tt.far {
				t.Errorf("open to others: %s with Host %q = %d, want %d", path, tt.host, got, tt.far)
			}
		}
	}
	body := ask(near, "GET", "/", "", "Host", "evil.example", "Accept", "text/html").Body.String()
	if !strings.Contains(body, "127.0.0.1:8000") {
		t.Errorf("the way out is missing: %s", body)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	handler := newConsole(t, lively(noon), full, nil)
	for _, path := range []string{"/", "/nowhere", "/api/v1/sockets", "/static/console.css"} {
		header := get(handler, path).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			"Referrer-Policy": "same-origin", "X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if !strings.HasPrefix(header.Get(name), want) {
				t.Errorf("%s: %s is %q, want %q", path, name, header.Get(name), want)
			}
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	const own, foreign = "http://127.0.0.1:8000", "http://evil.example"
	form := "form=" + url.QueryEscape(newSecrets(token).form)
	for _, tt := range []struct {
		name, method, body string
		header             []string
		want               int
	}{
		{"the CLI", "POST", "", []string{"Authorization", "Bearer " + token}, 200},
		{"lower case scheme", "POST", "", []string{"Authorization", "bearer " + token}, 200},
		{"nobody", "POST", "", nil, 401},
		{"wrong token", "POST", "", []string{"Authorization", "Bearer sesame"}, 401},
		{"empty token", "POST", "", []string{"Authorization", "Bearer "}, 401},
		{"another scheme", "POST", "", []string{"Authorization", "Basic " + token}, 401},
		{"own page", "POST", form, []string{"Origin", own, "Sec-Fetch-Site", "same-origin"}, 200},
		{"own page, older browser", "POST", form, []string{"Origin", own}, 200},
		{"own page, word in a header", "POST", "", []string{"Origin", own, "X-Console-Form", newSecrets(token).form}, 200},
		{"own page of an earlier devserver", "POST", "form=stale", []string{"Origin", own, "Sec-Fetch-Site", "same-origin"}, 403},
		{"own origin without the word", "POST", "", []string{"Origin", own}, 403},
		{"the word without an origin", "POST", form, nil, 401},
		{"the token as the word", "POST", "form=" + url.QueryEscape(token), []string{"Origin", own}, 403},
		{"foreign page", "POST", form, []string{"Origin", foreign, "Sec-Fetch-Site", "cross-site"}, 403},
		{"foreign page with the token", "POST", "", []string{"Origin", foreign, "Authorization", "Bearer " + token}, 403},
		{"the app's page, another port", "POST", form, []string{"Origin", "http://127.0.0.1:8080", "Sec-Fetch-Site", "same-site"}, 403},
		{"a lie about the origin", "POST", form, []string{"Origin", own, "Sec-Fetch-Site", "cross-site"}, 403},
		{"sandboxed frame", "POST", form, []string{"Origin", "null"}, 403},
		{"an extension", "POST", form, []string{"Origin", "chrome-extension://abc"}, 403},
		{"two slashes", "POST", form, []string{"Origin", "http://127.0.0.1:8000.evil.example"}, 403},
		{"GET changes nothing", "GET", "", []string{"Authorization", "Bearer " + token}, 405},
		{"PUT", "PUT", "", []string{"Authorization", "Bearer " + token}, 405},
		{"PUT by nobody", "PUT", "", nil, 401},
	} {
		done := &controls{}
		handler := newConsole(t, lively(noon), full, func(c *Config) { c.Controls = done })
		w := ask(handler, tt.method, "/api/v1/clock/reset", tt.body, tt.header...)
		if w.Code != tt.want || (len(done.asked) == 1) != (tt.want == 200) {
			t.Errorf("%s: status %d and done %v, want %d: %s", tt.name, w.Code, done.asked, tt.want, w.Body)
		}
	}
}

func TestOpenToOthers(t *testing.T) {
	t.Parallel()
	handler := newConsole(t, lively(noon), full, func(c *Config) { c.Open = true })
	cookie := cookieName + "=" + newSecrets(token).cookie
	for _, tt := range []struct {
		name, path string
		header     []string
		want       int
	}{
		{"nobody", "/", nil, 401},
		{"nobody's API", "/api/v1/sockets", nil, 401},
		{"nobody's stream", "/api/v1/stream", nil, 401},
		{"the style of the page that asks", "/static/console.css", nil, 200},
		{"the style's neighbours", "/static/../api/v1/sockets", nil, 401},
		{"wrong token", "/?token=sesame", nil, 401},
		{"empty token", "/?token=", nil, 401},
		{"token", "/sockets?q=since%3A1m&token=open+sesame", nil, 303},
		{"cookie", "/", []string{"Cookie", cookie}, 200},
		{"the token as cookie", "/", []string{"Cookie", cookieName + "=open sesame"}, 401},
		{"wrong token beside a cookie", "/?token=sesame", []string{"Cookie", cookie}, 401},
		{"header", "/api/v1/sockets", []string{"Authorization", "Bearer " + token}, 200},
		{"wrong header", "/api/v1/sockets", []string{"Authorization", "Bearer x"}, 401},
	} {
		if w := ask(handler, "GET", tt.path, "", append(tt.header, "Accept", "text/html")...); w.Code != tt.want && !(tt.want == 401 && w.Code == 301) {
			t.Errorf("%s: %s = %d, want %d", tt.name, tt.path, w.Code, tt.want)
		}
	}
	w := ask(handler, "GET", "//evil.example/?token=open+sesame&q=a", "")
	if to := w.Header().Get("Location"); to != "/evil.example/?q=a" {
		t.Errorf("the token's redirect leads to %q", to)
	}
	set := w.Header().Get("Set-Cookie")
	if !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Strict") || strings.Contains(set, "sesame") {
		t.Errorf("cookie %q", set)
	}
	if page := ask(handler, "GET", "/", "", "Accept", "text/html"); !strings.Contains(page.Body.String(), `name="token"`) || page.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("the page does not ask for the token: %s", page.Body)
	}
}

func TestChangeAnswers(t *testing.T) {
	t.Parallel()
	auth := []string{"Authorization", "Bearer " + token}
	for _, tt := range []struct {
		path, body, kind string
		want             int
		asked, answer    string
	}{
		{"/api/v1/clock/advance", `{"duration": "2m1s"}`, "application/json", 200, "advance 2m1s", `"offset_ns": 121000000000`},
		{"/api/v1/clock/advance", `{"duration": "2m1s"}`, "", 200, "advance 2m1s", `"reclaimed": 1`},
		{"/api/v1/clock/advance", "duration=90s", "application/x-www-form-urlencoded", 200, "advance 1m30s", ""},
		{"/api/v1/clock/advance", `{"duration": "-1s"}`, "", 400, "", "above zero"},
		{"/api/v1/clock/advance", `{"duration": "soon"}`, "", 400, "", "2m1s"},
		{"/api/v1/clock/advance", `{"duration": 5}`, "", 400, "", "JSON object of texts"},
		{"/api/v1/clock/advance", `{"duration": "999999h"}`, "", 400, "", "at most a year"},
		{"/api/v1/clock/advance", ``, "", 400, "", "2m1s"},
		{"/api/v1/clock/advance", `{`, "", 400, "", "JSON object"},
		{"/api/v1/clock/advance", `{"duration":"` + strings.Repeat("1", maxBody) + `"}`, "", 413, "", "longer than"},
		{"/api/v1/clock/advance", `{"to": "minute"}`, "", 200, "advance to minute", `"offset_ns": 21000000000`},
		{"/api/v1/clock/advance", "to=midnight", "application/x-www-form-urlencoded", 200, "advance to midnight", `"offset_ns": 72000000000000`},
		{"/api/v1/clock/advance", `{"to": "noon"}`, "", 400, "", `it is \"minute\" or \"midnight\"`},
		{"/api/v1/clock/advance", `{"to": "minute", "duration": "2m"}`, "", 400, "", "give one of them"},
		{"/api/v1/quotas/reset", `{"app": "guestbook"}`, "", 200, "reset quotas of guestbook", `"reset": [`},
		{"/api/v1/quotas/reset", "app=guestbook", "application/x-www-form-urlencoded", 200, "reset quotas of guestbook", `"guestbook"`},
		{"/api/v1/quotas/reset", "", "", 200, "reset quotas of all", `"guestbook"`},
		{"/api/v1/quotas/reset", `{"app": "orders"}`, "", 404, "", `No app \"orders\" runs here; there is guestbook`},
		{"/api/v1/quotas/reset", `{"app": "guestbook"}`, "application/x-www-form-urlencoded", 200, "reset quotas of guestbook", `"reset": [`}, // as curl -d says
		{"/api/v1/quotas/reset", `{"ap": "guestbook"}`, "", 400, "", `no field \"ap\" here; there are app`},
		{"/api/v1/quotas/reset", "name=guestbook", "application/x-www-form-urlencoded", 400, "", `no field \"name\"`},
		{"/api/v1/quotas/reset", "app=%zz", "application/x-www-form-urlencoded", 400, "", "not a form"},
		{"/api/v1/quotas/reset", "{}", "application/json", 200, "reset quotas of all", `"guestbook"`},
		{"/api/v1/clock/reset", `{"app": "x"}`, "", 400, "", "nothing is asked for"},
		{"/api/v1/quotas/reset", `{"app": null}`, "", 400, "", "JSON object of texts"},
		{"/api/v1/quotas/reset", `{"app": 7}`, "", 400, "", "JSON object of texts"},
		{"/api/v1/clock/reset", "", "", 200, "reset", `"offset_ns": 0`},
		{"/api/v1/sockets/7/close", "", "", 200, "close 7", `"closed": 7`},
		{"/api/v1/sockets/404/close", "", "", 404, "", "is not open"},
		{"/api/v1/sockets/409/close", "", "", 409, "", "the worker does not answer"},
		{"/api/v1/sockets/x/close", "", "", 400, "", "no socket's number"},
		{"/api/v1/sockets/-1/close", "", "", 400, "", "no socket's number"},
		{"/api/v1/sockets/99999999999999999999/close", "", "", 400, "", "no socket's number"},
	} {
		done := &controls{}
		handler := newConsole(t, lively(noon), full, func(c *Config) { c.Controls = done })
		w := ask(handler, "POST", tt.path, tt.body, append(auth, "Content-Type", tt.kind)...)
		if w.Code != tt.want || strings.Join(done.asked, "") != tt.asked || !strings.Contains(w.Body.String(), tt.answer) {
			t.Errorf("%s %s = %d, asked %v: %s, want %d, %q, %q", tt.path, tt.body, w.Code, done.asked, w.Body, tt.want, tt.asked, tt.answer)
		}
	}
	handler := newConsole(t, lively(noon), full, func(c *Config) { c.Controls = nil })
	if w := ask(handler, "POST", "/api/v1/clock/reset", "", auth...); w.Code != 404 {
		t.Errorf("a console without controls: %d", w.Code)
	}
}

// TestFormLeadsBack posts as a browser without JavaScript does.
func TestFormLeadsBack(t *testing.T) {
	t.Parallel()
	handler := newConsole(t, lively(noon), full, nil)
	for back, want := range map[string]string{
		"/sockets?q=since%3A1m": "/sockets?q=since%3A1m", "//evil.example": "/evil.example", `/\evil.example`: "/evil.example", "https://evil.example": "/https:/evil.example", "": "/",
	} {
		body := url.Values{"form": {newSecrets(token).form}, "back": {back}}.Encode()
		w := ask(handler, "POST", "/api/v1/clock/reset", body, "Origin", "http://127.0.0.1:8000", "Accept", "text/html")
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != want {
			t.Errorf("back=%s: %d to %q, want %q", back, w.Code, w.Header().Get("Location"), want)
		}
	}
}
