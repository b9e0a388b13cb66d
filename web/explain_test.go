package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// TestExplainPage asks the form: whatever is written there is explained, or it is said what is wrong.
func TestExplainPage(t *testing.T) {
	t.Parallel()
	two := with(full, func(p *sandbox.Policy) {
		p.Rules[sandbox.RulePort25] = sandbox.RuleSetting{Mode: sandbox.ModeReport}
	}, "orders")
	for _, tt := range []struct {
		network, address, answers, app string
		code                           int
		want                           []string
	}{
		{"tcp", "10.0.0.7:443", "", "", 200, []string{"denied by", ">private<", "permission denied"}},
		{"tcp", "db.example.com:5432", "93.184.216.34", "", 200, []string{"allowed by", ">public<", "A stand-in serves it: 127.0.0.1:5432.", "devserver explain tcp db.example.com:5432 93.184.216.34"}},
		{"tcp", "a.example:443", "10.0.0.7, ::1", "", 200, []string{"denied by", ">private<", "tcp a.example:443 10.0.0.7,::1"}},
		{"tcp", "a.example:443", "none", "", 200, []string{"denied by", ">unresolved<", "has no address", "devserver explain tcp a.example:443 ''"}},
		{"tcp", "a.example:25", "93.184.216.34", "", 200, []string{"let through and reported; production denies it by", ">port25<", "587"}},
		{"carrier pigeon", "<script>", "", "", 200, []string{"denied by", ">network<", "carrier pigeon", "devserver explain 'carrier pigeon' '<script>'"}},
		{"tcp", "", "", "", 200, []string{"denied by", ">invalid<", "devserver explain tcp ''"}},
		{"", "10.0.0.7:443", "", "orders", 200, []string{"by the rules that orders runs under", "tcp 10.0.0.7:443"}},
		{"tcp", "\x00\xff\n:1", "", "", 200, []string{"denied by", ">invalid<"}},
		{"tcp", "db:1", "ten", "", 400, []string{`"ten" is not an IP address`, `value="db:1"`}},
		{"tcp", strings.Repeat("a", 1025), "", "", 400, []string{"address= is longer than 1024 letters"}},
		{"tcp", "db:1", "", "nobody", 404, []string{"there is guestbook, orders"}},
	} {
		query := url.Values{"network": {tt.network}, "address": {tt.address}, "answers": {tt.answers}}
		if tt.app != "" {
			query.Set("app", tt.app)
		}
		w := get(newConsole(t, lively(noon), two, nil), "/rules?"+query.Encode())
		body := unescape(w.Body.String())
		if w.Code != tt.code {
			t.Errorf("%s %q: status %d, want %d", tt.network, tt.address, w.Code, tt.code)
		}
		for _, want := range tt.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s %q: the page lacks %q", tt.network, tt.address, want)
			}
		}
		for _, wrong := range checkHTML(w.Body.String()) {
			t.Errorf("%s %q: %s", tt.network, tt.address, wrong)
		}
	}
}

// TestNoApps: a console with nothing behind it shows its pages all the same.
func TestNoApps(t *testing.T) {
	t.Parallel()
	handler := newConsole(t, &recording{}, func() State { return timed(State{}, noon) }, nil)
	for _, path := range []string{"/", "/quotas", "/rules", "/rules?address=a:1", "/clock", "/api/v1/quotas", "/api/v1/rules"} {
		if w := get(handler, path); w.Code != http.StatusOK && path != "/rules?address=a:1" {
			t.Errorf("%s = %d", path, w.Code)
		}
	}
	if w := get(handler, "/rules?address=a:1"); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "not known here") {
		t.Errorf("an explanation without rules: %d %s", w.Code, w.Body)
	}
}

func TestParseAnswers(t *testing.T) {
	t.Parallel()
	addrs := func(texts ...string) []netip.Addr {
		all := []netip.Addr{}
		for _, text := range texts {
			all = append(all, netip.MustParseAddr(text))
		}
		return all
	}
	for _, tt := range []struct {
		text string
		want []netip.Addr
		bad  bool
	}{
		{"", nil, false},
		{" , ", nil, false},
		{"none", addrs(), false},
		{"10.0.0.1", addrs("10.0.0.1"), false},
		{"10.0.0.1,::1", addrs("10.0.0.1", "::1"), false},
		{" 10.0.0.1 ::1 ,fe80::1%eth0", addrs("10.0.0.1", "::1", "fe80::1%eth0"), false},
		{"10.0.0.1 none", nil, true},
		{"10.0.0.1:80", nil, true},
		{"010.0.0.1", nil, true},
	} {
		got, err := parseAnswers(tt.text)
		if !slices.Equal(got, tt.want) || (got == nil) != (tt.want == nil) || (err != nil) != tt.bad {
			t.Errorf("parseAnswers(%q) = %v, %v, want %v", tt.text, got, err, tt.want)
		}
	}
}
