package web

import (
	"strings"
	"testing"
	"time"
)

func TestParseFilter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want filter
		err  string
	}{
		{"", filter{}, ""},
		{"  ", filter{}, ""},
		{"since:1m state:open host:db", filter{Since: time.Minute, State: "open", Host: "db"}, ""},
		{"db", filter{Host: "db"}, ""},
		{"db.example.com:5432", filter{Host: "db.example.com:5432"}, ""},
		{"localhost:8080", filter{Host: "localhost:8080"}, ""},
		{"[::1]:80", filter{Host: "[::1]:80"}, ""},
		{"10.0.0.7:443", filter{Host: "10.0.0.7:443"}, ""},
		{"host:[::1]:80", filter{Host: "[::1]:80"}, ""},
		{"STATE:open", filter{State: "open"}, ""},
		{"since:3d", filter{Since: 72 * time.Hour}, ""},
		{"since:1h30m", filter{Since: 90 * time.Minute}, ""},
		{"app:a request:7 run:2", filter{App: "a", Request: 7, Run: 2}, ""},
		{"state:ajar", filter{}, `"state:ajar": a state is one of open`},
		{"sate:open", filter{}, "there is no filter sate: here"},
		{"rule:private", filter{}, "there is no filter rule: here"},
		{"since:1m since:2m", filter{}, "stands there twice"},
		{"a b", filter{}, "stands there twice"},
		{"state:", filter{}, "what follows the colon is missing"},
		{"since:soon", filter{}, "a length of time is expected"},
		{"since:-1m", filter{}, "a length of time is expected"},
		{"since:0s", filter{}, "a length of time is expected"},
		{"since:99999999d", filter{}, "a length of time is expected"},
		{"since:d", filter{}, "a length of time is expected"},
		{"request:seven", filter{}, "a number from 1 is expected"},
		{"request:0", filter{}, "a number from 1 is expected"},
		{strings.Repeat("a", 300), filter{}, "longer than 256 letters"},
	} {
		got, err := parseFilter(tt.text, socketTerms)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("parseFilter(%q) = %+v, %v, want %+v, %q", tt.text, got, err, tt.want, tt.err)
		}
	}
	if got, err := parseFilter("rule:private", eventTerms); err != nil || got.Rule != "private" {
		t.Errorf("rule: among denials = %+v, %v", got, err)
	}
}

func TestParseRequestAndLogFilters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		terms []string
		want  filter
		err   string
	}{
		{"status:5xx method:post /orders", requestTerms, filter{Status: 5, Method: "POST", URL: "/orders"}, ""},
		{"status:404 host:db rule:port25", requestTerms, filter{Status: 404, Host: "db", Rule: "port25"}, ""},
		{"status:6xx", requestTerms, filter{}, "a status is a number as 404"},
		{"status:99", requestTerms, filter{}, "a status is a number as 404"},
		{"status:1000", requestTerms, filter{}, "a status is a number as 404"},
		{"state:open", requestTerms, filter{}, "there is no filter state: here"},
		{"connection refused stream:stderr", logTerms, filter{Text: "connection refused", Stream: "stderr"}, ""},
		{"text:a stream:stdout text:b: 10:04", logTerms, filter{Text: "a b: 10:04", Stream: "stdout"}, ""},
		{"panic: nil", logTerms, filter{}, "text:panic: looks for the word"},
		{"stream:stdin", logTerms, filter{}, "a stream is one of stdout, stderr"},
		{"request:7 text:", logTerms, filter{}, "what follows the colon is missing"},
	} {
		got, err := parseFilter(tt.text, tt.terms)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("parseFilter(%q) = %+v, %v, want %+v, %q", tt.text, got, err, tt.want, tt.err)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{"", "since:1m state:open host:db", "host::", "since:1.5h", "a:b:c", "since:3650d", "\x00:\xff", "request:9223372036854775807", "host:state:open", "0", "status:5xx method:get url:a b", "text:a b stream:stderr"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, terms := range [][]string{append(socketTerms, "rule"), requestTerms, logTerms} {
			checkFilter(t, text, terms)
		}
	})
}

// checkFilter reads a text as a filter, writes the filter and reads it again.
func checkFilter(t *testing.T, text string, terms []string) {
	what, err := parseFilter(text, terms)
	if err != nil {
		if what != (filter{}) {
			t.Errorf("parseFilter(%q) fails and returns %+v", text, what)
		}
		return
	}
	if what.Since < 0 || what.Since > maxAgo || what.Request < 0 || what.Run < 0 {
		t.Errorf("parseFilter(%q) = %+v", text, what)
	}
	if len(what.String()) > maxText {
		return // the short form of a host grew its name
	}
	again, err := parseFilter(what.String(), terms)
	if err != nil || again != what {
		t.Errorf("parseFilter(%q) = %+v, but its text %q reads as %+v, %v", text, what, what.String(), again, err)
	}
}
