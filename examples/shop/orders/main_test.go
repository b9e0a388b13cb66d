package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestOrderIsBilled: billing asks back while the order is being placed, and what it says is on the page.
func TestOrderIsBilled(t *testing.T) {
	t.Parallel()
	s := &shop{}
	site := httptest.NewServer(s.routes())
	defer site.Close()
	biller := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "Invoice for "+get(t, site.URL+"/orders/"+r.FormValue("order")))
	}))
	defer biller.Close()
	s.billing = biller.URL
	res, err := http.PostForm(site.URL+"/orders", url.Values{"what": {"tea"}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if want := `1: tea. Invoice for {&#34;number&#34;:1,&#34;what&#34;:&#34;tea&#34;,&#34;cents&#34;:350}`; err != nil || !strings.Contains(string(body), want) {
		t.Errorf("after an order the page is (%v)\n%s, want %s in it", err, body, want)
	}
	for _, path := range []string{"/orders/0", "/orders/2", "/orders/x"} {
		if got := get(t, site.URL+path); !strings.Contains(got, "404") { // http.NotFound says so
			t.Errorf("%s = %q", path, got)
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}
