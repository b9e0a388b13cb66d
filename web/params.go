package web

import (
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

const (
	defaultLimit = 200  // rows of an API list, as record's filters have it
	maxLimit     = 5000 // and its most; more is paged
	maxText      = 256  // letters of a filter's word
	maxLongText  = 1024 // letters of an address to explain
)

// states are the values of state: in filters and ?state=. Idle is open, and unused for half the idle limit.
var states = []string{"open", "idle", "closed", "reclaimed", "denied", "failed"}

// streams are the values of stream:.
var streams = []string{"stdout", "stderr"}

// kinds are the values of ?kind=.
var kinds = []string{"resolve", "create", "bind", "connect", "listen", "accept", "send", "receive", "option_get", "option_set",
	"shutdown", "close", "reclaim", "deny", "fault"}

// params reads the parameters of a query, remembers the first that is wrong, and knows afterwards which were not asked for.
type params struct {
	values url.Values
	known  []string
	wrong  *problem
}

func newParams(values url.Values) *params { return &params{values: values} }

func (p *params) bad(format string, args ...any) {
	if p.wrong == nil {
		p.wrong = problemf(http.StatusBadRequest, "That filter is not understood", format, args...)
	}
}

// text returns a parameter, "" when it is not there. One that is there twice is an error: which was meant?
func (p *params) text(name string) string { return p.upTo(name, maxText) }

// longText is text for what a program wrote, which may be of any form.
func (p *params) longText(name string) string { return p.upTo(name, maxLongText) }

func (p *params) upTo(name string, most int) string {
	p.known = append(p.known, name)
	values := p.values[name]
	if len(values) > 1 {
		p.bad("%s= stands there %d times; give it once.", name, len(values))
	}
	value := p.values.Get(name)
	if len(value) > most {
		p.bad("%s= is longer than %d letters.", name, most)
		return ""
	}
	return value
}

func (p *params) oneOf(name string, accepted []string) string {
	value := p.text(name)
	if value != "" && !slices.Contains(accepted, value) {
		p.bad("%s=%s: there is no such %s; it is one of %s.", name, value, name, strings.Join(accepted, ", "))
	}
	return value
}

func (p *params) state(name string) string { return p.oneOf(name, states) }

func (p *params) ascending(name string) bool { return p.oneOf(name, []string{"asc", "desc"}) == "asc" }

// status reads 404 or 5xx.
func (p *params) status(name string) int {
	value := p.text(name)
	if value == "" {
		return 0
	}
	n, err := parseStatus(value)
	if err != nil {
		p.bad("%s=%s: %v.", name, value, err)
	}
	return n
}

// kinds reads words with commas between them.
func (p *params) kinds(name string) []string {
	value := p.text(name)
	if value == "" {
		return nil
	}
	words := strings.Split(value, ",")
	for _, word := range words {
		if !slices.Contains(kinds, word) {
			p.bad("%s=%s: there is no kind %q; it is one of %s.", name, value, word, strings.Join(kinds, ", "))
		}
	}
	return words
}

// number reads a whole number of at least low, 0 when it is not there.
func (p *params) number(name string, low, high int64) int64 {
	value := p.text(name)
	if value == "" {
		return 0
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < low || n > high {
		p.bad("%s=%s: a whole number from %d to %d is expected.", name, value, low, high)
		return 0
	}
	return n
}

func (p *params) id(name string) int64 { return p.number(name, 1, 1<<63-1) }

func (p *params) limit(name string) int { return int(p.number(name, 1, maxLimit)) }

// since reads how long ago (10m) or when (nanoseconds since 1970, or 2026-01-02T15:04:05Z), and returns the time.
func (p *params) since(name string, now time.Time) int64 {
	value := p.text(name)
	if value == "" {
		return 0
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > 0 {
		return n
	}
	if t, err := time.Parse(time.RFC3339, value); err == nil && t.Year() >= 1970 && t.Year() < 2200 {
		return t.UnixNano()
	}
	ago, err := parseAgo(value)
	if err != nil {
		p.bad("%s=%s: %v, or a time as 2026-01-02T15:04:05Z.", name, value, err)
		return 0
	}
	return now.Add(-ago).UnixNano()
}

// err tells the first thing that was wrong. It is asked for when all parameters have been read.
func (p *params) err() error {
	if p.wrong != nil {
		return p.wrong
	}
	var unknown []string
	for name := range p.values {
		if !slices.Contains(p.known, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	sort.Strings(unknown)
	return problemf(http.StatusBadRequest, "That filter is not understood", "There is no parameter %q here; there are %s.", unknown[0], strings.Join(p.known, ", "))
}
