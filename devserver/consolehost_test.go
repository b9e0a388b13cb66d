package devserver

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestConsoleHost: the console answers at the address that it is told to have, whichever of loopback's it is, and names it to
// who asks by another name.
func TestConsoleHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "127.0.0.2", "::1"} {
		ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Logf("%s is none of this machine's: %v", host, err)
			continue
		}
		t.Cleanup(func() { ln.Close() })
		handler, err := (&supervisor{token: "x"}).consoleHandler(ln)
		if err != nil {
			t.Fatal(err)
		}
		url := urlOf("http", ln)
		for name, want := range map[string]int{url: http.StatusOK, "http://elsewhere.example": http.StatusMisdirectedRequest} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest("GET", name+"/static/live.js", nil))
			if w.Code != want || want != http.StatusOK && !strings.Contains(w.Body.String(), "Open it as "+url+".") {
				t.Errorf("at %s, %s is answered %d, want %d: %.500s", url, name, w.Code, want, w.Body)
			}
		}
	}
}
