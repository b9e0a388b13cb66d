package livereload

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/seed-d81df0db/devserver/devserver/chrometest"
)

// TestForbiddenPage: a page whose own policy forbids the stream, of which no header tells, leaves it to the others.
func TestForbiddenPage(t *testing.T) {
	t.Parallel()
	l := New(func(text string) { t.Error(text) })
	again := make(chan struct{}, 10) // the other page is loaded again
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := l.Handler(r); h != nil {
			h.ServeHTTP(w, r)
			return
		}
		page := "<!doctype html><head>"
		switch {
		case r.URL.Path == "/forbids":
			page += `<meta http-equiv="Content-Security-Policy" content="connect-src 'none'">`
		case r.URL.Path == "/other" && l.Serving() == 2:
			again <- struct{}{}
		}
		w.Header().Set("Content-Type", "text/html")
		res := &http.Response{StatusCode: http.StatusOK, Header: w.Header(), Body: io.NopCloser(strings.NewReader(page))}
		l.Page(l.Serving(), r, res)
		io.Copy(w, res.Body)
	}))
	t.Cleanup(site.Close)
	t.Cleanup(l.Close)
	l.Swapped(l.Next(false), nil)
	first := chrometest.Open(t, 2*time.Minute)
	chrometest.Do(first, t, chromedp.Navigate(site.URL+"/forbids")) // waits for the script too, so this page is before the other
	other := chrometest.Tab(first, t)
	chrometest.Do(other, t, chromedp.Navigate(site.URL+"/other"))
	l.Swapped(l.Next(false), nil)
	select {
	case <-again:
	case <-time.After(time.Minute):
		t.Error("the other page does not follow")
	}
}
