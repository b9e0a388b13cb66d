package web

import (
	"strings"
	"testing"
)

// TestSeveralApps: with two apps each row of a page says which it is of; with one, none does.
func TestSeveralApps(t *testing.T) {
	t.Parallel()
	two := func() State {
		s := full()
		other := s.Apps[0]
		other.Name = "billing"
		s.Apps = append(s.Apps, other)
		return s
	}
	for _, tt := range []struct{ path, row string }{
		{"/", `<span class="req">guestbook POST /sign`},
		{"/", `</a><small>guestbook</small>`},
		{"/sockets", `<small>guestbook</small> <a href="/requests/`},
		{"/sockets", `placeholder="app:guestbook  host:db`},
		{"/requests", `placeholder="app:guestbook  /orders`},
		{"/requests", `</a> <small>guestbook</small>`},
		{"/logs", ` <small>guestbook</small></td>`},
		{"/denials", `<p class="meta">guestbook · `},
	} {
		if body := get(newConsole(t, lively(noon), two, nil), tt.path).Body.String(); !strings.Contains(body, tt.row) {
			t.Errorf("with two apps %s has no %s", tt.path, tt.row)
		}
		if body := get(newConsole(t, lively(noon), full, nil), tt.path).Body.String(); strings.Contains(body, tt.row) {
			t.Errorf("with one app %s has %s", tt.path, tt.row)
		}
	}
	for _, path := range []string{"/sockets", "/requests", "/logs"} {
		if body := get(newConsole(t, lively(noon), two, nil), path+"?q=app%3Abilling").Body.String(); strings.Contains(body, "smtp.example.com:25") {
			t.Errorf("%s of billing shows what is guestbook's", path)
		}
	}
}
