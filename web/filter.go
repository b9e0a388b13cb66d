package web

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// A filter is what stands in a page's filter field: "since:1m state:open host:db". A word without a colon is part
// of what the page is about, a host, a URL or a line, as with host:. The zero value selects everything.
type filter struct {
	App, State, Host, Rule    string
	URL, Method, Stream, Text string
	Status                    int           // 404, or 5 for all from 500 to 599
	Since                     time.Duration // 0: from the beginning
	Request, Run              int64
}

// The terms that each page's filter field knows. The first is what a word without a colon means.
var (
	socketTerms  = []string{"host", "state", "since", "app", "request", "run"}
	eventTerms   = []string{"host", "rule", "since", "app", "request", "run"}
	requestTerms = []string{"url", "method", "status", "host", "rule", "since", "app", "run"}
	logTerms     = []string{"text", "stream", "request", "since", "app", "run"}
)

// parseFilter reads the text of a filter field. Its errors are for the person who typed it.
func parseFilter(text string, terms []string) (filter, error) {
	var f filter
	if len(text) > maxText {
		return f, fmt.Errorf("the filter is longer than %d letters", maxText)
	}
	seen := make(map[string]bool)
	for word := range strings.FieldsSeq(text) {
		name, value, ok := strings.Cut(word, ":")
		if !ok || !isTerm(name) { // "db", "10.0.0.7", "db.example.com:5432", "[::1]:80"
			name, value = terms[0], word
		}
		name = strings.ToLower(name)
		if name == "text" && value != "" && slices.Contains(terms, name) { // words that stand together in a line
			f.Text = strings.TrimPrefix(f.Text+" "+value, " ")
			continue
		}
		switch {
		case !slices.Contains(terms, name) && terms[0] != "host":
			return filter{}, fmt.Errorf("%q: there is no filter %s: here (there are %s:); %s:%s looks for the word", word, name, strings.Join(terms, ": "), terms[0], word)
		case !slices.Contains(terms, name):
			return filter{}, fmt.Errorf("%q: there is no filter %s: here (there are %s:)", word, name, strings.Join(terms, ": "))
		case seen[name]:
			return filter{}, fmt.Errorf("%q: %s: stands there twice", word, name)
		case value == "":
			return filter{}, fmt.Errorf("%q: what follows the colon is missing", word)
		}
		seen[name] = true
		if err := f.set(name, value); err != nil {
			return filter{}, fmt.Errorf("%q: %w", word, err)
		}
	}
	return f, nil
}

// isTerm tells a term's name from a host before a port: letters only, which a host with a port seldom has; localhost
// and its like are written host:localhost:8080.
func isTerm(name string) bool {
	if name == "" || name == "localhost" {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) < 0
}

func (f *filter) set(name, value string) (err error) {
	switch name {
	case "app":
		f.App = value
	case "host":
		f.Host = value
	case "rule":
		f.Rule = value
	case "state":
		if !slices.Contains(states, value) {
			return fmt.Errorf("a state is one of %s", strings.Join(states, ", "))
		}
		f.State = value
	case "url":
		f.URL = value
	case "method":
		f.Method = strings.ToUpper(value)
	case "status":
		f.Status, err = parseStatus(value)
	case "stream":
		if !slices.Contains(streams, value) {
			return fmt.Errorf("a stream is one of %s", strings.Join(streams, ", "))
		}
		f.Stream = value
	case "since":
		f.Since, err = parseAgo(value)
	case "request":
		f.Request, err = parseID(value)
	case "run":
		f.Run, err = parseID(value)
	}
	return err
}

// String returns a text that parseFilter reads as f again.
func (f filter) String() string {
	var words []string
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+":"+value)
		}
	}
	addID := func(name string, id int64) {
		if id != 0 {
			add(name, strconv.FormatInt(id, 10))
		}
	}
	add("since", formatAgo(f.Since))
	add("app", f.App)
	add("state", f.State)
	add("host", f.Host)
	add("rule", f.Rule)
	add("url", f.URL)
	add("method", f.Method)
	add("status", formatStatus(f.Status))
	add("stream", f.Stream)
	for word := range strings.FieldsSeq(f.Text) {
		add("text", word)
	}
	addID("request", f.Request)
	addID("run", f.Run)
	return strings.Join(words, " ")
}

func (f filter) sockets(now time.Time, idleSince int64) record.SocketFilter {
	return record.SocketFilter{
		App: f.App, State: f.State, Host: f.Host, RequestID: f.Request, RunID: f.Run, Since: f.from(now), IdleSince: idleSince,
	}
}

func (f filter) events(now time.Time) record.EventFilter {
	return record.EventFilter{App: f.App, Rule: f.Rule, Host: f.Host, RequestID: f.Request, RunID: f.Run, Since: f.from(now)}
}

func (f filter) requests(now time.Time) record.RequestFilter {
	return record.RequestFilter{
		App: f.App, Method: f.Method, URL: f.URL, Status: f.Status, Host: f.Host, Rule: f.Rule, RunID: f.Run, Since: f.from(now),
	}
}

func (f filter) logs(now time.Time) record.LogFilter {
	return record.LogFilter{App: f.App, Stream: f.Stream, Text: f.Text, RequestID: f.Request, RunID: f.Run, Since: f.from(now)}
}

func (f filter) from(now time.Time) int64 {
	if f.Since == 0 {
		return 0
	}
	return now.Add(-f.Since).UnixNano()
}

const (
	day    = 24 * time.Hour
	maxAgo = 3650 * day
)

var errAgo = errors.New("a length of time is expected, as 30s, 10m, 2h or 3d")

// parseAgo reads a length of time above zero; unlike time.ParseDuration it knows days.
func parseAgo(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n == 0 || n > uint64(maxAgo/day) {
			return 0, errAgo
		}
		return time.Duration(n) * day, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > maxAgo {
		return 0, errAgo
	}
	return d, nil
}

// formatAgo writes a length of time as a person would: 1m, not 1m0s.
func formatAgo(d time.Duration) string {
	if d == 0 {
		return ""
	}
	if d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// parseStatus reads 404, or 4xx for a hundred of them.
func parseStatus(text string) (int, error) {
	if len(text) == 3 && strings.EqualFold(text[1:], "xx") && text[0] >= '1' && text[0] <= '5' {
		return int(text[0] - '0'), nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n < 100 || n > 999 {
		return 0, errors.New("a status is a number as 404, or 5xx for all from 500 to 599")
	}
	return int(n), nil
}

func formatStatus(n int) string {
	switch {
	case n == 0:
		return ""
	case n < 10:
		return strconv.Itoa(n) + "xx"
	}
	return strconv.Itoa(n)
}

func parseID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, errors.New("a number from 1 is expected")
	}
	return id, nil
}
