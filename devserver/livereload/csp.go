package livereload

import (
	"crypto/rand"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// pass is what a page's policy asks of the script.
type pass struct {
	nonce  string // that it needs, "" for none
	narrow bool   // it may ask for nothing but its stream
}

// permit makes the page's Content-Security-Policy allow the script and its stream, by no more than these two paths. An
// error says why it cannot; h is then as it was.
func permit(h http.Header, host string) (p pass, err error) {
	nonce := ""
	names := []string{"Content-Security-Policy", "Content-Security-Policy-Report-Only"}
	all := make(map[string][][]policy)
	for _, name := range names {
		for _, value := range h.Values(name) {
			policies := parsePolicies(value)
			all[name] = append(all[name], policies)
			for _, p := range policies {
				if nonce == "" {
					nonce = p.nonce()
				}
			}
		}
	}
	if nonce == "" && needsNonce(all) {
		nonce = rand.Text()
	}
	allowing := make(map[string][]string)
	for _, name := range names {
		allowing[name] = slices.Clone(h[name])
		for i, policies := range all[name] {
			changed := false
			for at := range policies {
				script, stream, err := policies[at].permit(host, nonce)
				if err != nil {
					return pass{}, err
				}
				changed = changed || script || stream
				p.narrow = p.narrow || stream
			}
			if changed {
				allowing[name][i] = join(policies)
			}
		}
	}
	for name, values := range allowing {
		if len(values) > 0 {
			h[name] = values
		}
	}
	p.nonce = nonce
	return p, nil
}

func needsNonce(all map[string][][]policy) bool {
	for _, values := range all {
		for _, policies := range values {
			if slices.ContainsFunc(policies, policy.strict) {
				return true
			}
		}
	}
	return false
}

// policy is one Content-Security-Policy: its directives, each with the name in front.
type policy [][]string

// parsePolicies reads a header's value: policies apart by commas, directives by semicolons.
func parsePolicies(value string) []policy {
	var all []policy
	for text := range strings.SplitSeq(value, ",") {
		var p policy
		for d := range strings.SplitSeq(text, ";") {
			if words := strings.Fields(d); len(words) > 0 {
				p = append(p, words)
			}
		}
		all = append(all, p)
	}
	return all
}

func join(policies []policy) string {
	var texts []string
	for _, p := range policies {
		var directives []string
		for _, d := range p {
			directives = append(directives, strings.Join(d, " "))
		}
		texts = append(texts, strings.Join(directives, "; "))
	}
	return strings.Join(texts, ", ")
}

// find returns the place of the first of the directives that p has, -1 for none. Of one that is there twice the first counts.
func (p policy) find(names ...string) int {
	for _, name := range names {
		if i := slices.IndexFunc(p, func(d []string) bool { return strings.EqualFold(d[0], name) }); i >= 0 {
			return i
		}
	}
	return -1
}

func (p policy) scripts() int { return p.find("script-src-elem", "script-src", "default-src") }

// strict tells whether scripts are known by a nonce or a hash alone, wherever they come from.
func (p policy) strict() bool {
	i := p.scripts()
	return i >= 0 && (p.nonce() != "" || slices.ContainsFunc(p[i], func(s string) bool { return strings.EqualFold(s, "'strict-dynamic'") }))
}

var nonceSource = regexp.MustCompile(`^'(?i:nonce)-([A-Za-z0-9+/_-]+=*)'$`)

// nonce is the first that p allows scripts, "" for none.
func (p policy) nonce() string {
	i := p.scripts()
	if i < 0 {
		return ""
	}
	for _, source := range p[i] {
		if m := nonceSource.FindStringSubmatch(source); m != nil {
			return m[1]
		}
	}
	return ""
}

var plainHost = regexp.MustCompile(`^[A-Za-z0-9._-]+(:[0-9]+)?$`)

// permit lets p allow the script, which has that nonce, and the stream. It reports for which of them that took a change.
func (p *policy) permit(host, nonce string) (script, stream bool, err error) {
	if i := p.find("sandbox"); i >= 0 {
		for _, word := range []string{"allow-scripts", "allow-same-origin"} {
			if !slices.ContainsFunc((*p)[i], func(s string) bool { return strings.EqualFold(s, word) }) {
				return false, false, errors.New("its Content-Security-Policy is a sandbox without " + word)
			}
		}
	}
	source := host + scriptPath
	if p.strict() {
		source = "'nonce-" + nonce + "'"
	}
	if script, err = p.add("script-src", source, p.scripts()); err != nil {
		return false, false, err
	}
	stream, err = p.add("connect-src", host+streamPath, p.find("connect-src", "default-src"))
	return script, stream, err
}

// add lets the directive at i, which governs name, allow source. Where default-src governs it, a directive of its own comes
// with the same sources. i below 0: everything is allowed.
func (p *policy) add(name, source string, i int) (changed bool, err error) {
	if i < 0 {
		return false, nil
	}
	d := slices.Clone((*p)[i])
	own := strings.HasPrefix(source, "'nonce-")
	for _, s := range d[1:] {
		if s == source || !own && (s == "*" || strings.EqualFold(s, "'self'")) {
			return false, nil
		}
	}
	if !own && !plainHost.MatchString(source[:strings.IndexByte(source, '/')]) {
		return false, errors.New("its Content-Security-Policy forbids " + name + ", and no policy can name this host; reach it by another name, such as localhost")
	}
	d = slices.DeleteFunc(d, func(s string) bool { return strings.EqualFold(s, "'none'") })
	if d = append(d, source); strings.EqualFold(d[0], "default-src") {
		d[0] = name
		*p = append(*p, d)
		return true, nil
	}
	(*p)[i] = d
	return true, nil
}
