package project

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// A URLHandler is one entry of handlers in an app.yaml. The first whose URL fits a request's whole path answers it.
type URLHandler struct {
	Position
	URL        *regexp.Regexp // fits the whole path
	File       string         // what is served, from the app's folder, with \1 for groups of URL; "": the app answers
	Upload     *regexp.Regexp // fits the whole name of a file that production has; nil: any
	MIMEType   string         // "": from the name
	Headers    map[string]string
	Expiration *time.Duration // how long an answer may be kept; nil: not said
}

// parts of a handler that change nothing here.
var harmless = []string{"application_readable", "require_matching_file"}

// readHandlers reads the list. What means nothing here is noted in y.Ignored.
func (y *AppYAML) readHandlers(d document, n ast.Node) error {
	return d.List(n, "handlers", func(n ast.Node) error { return y.readHandler(d, n) })
}

// rawHandler is an entry as it is written.
type rawHandler struct{ url, dir, files, upload, script string }

func (y *AppYAML) readHandler(d document, n ast.Node) error {
	entries, err := d.Pairs(n, "a handler")
	if err != nil {
		return err
	}
	h := URLHandler{Position: d.Place(n), Headers: map[string]string{}}
	var raw rawHandler
	var errs []error
	for _, e := range entries {
		key := e.Key.GetToken().Value
		switch to := raw.field(key); {
		case to != nil:
			*to, err = d.Scalar(e.Value, "handlers: "+key)
		case key == "mime_type":
			h.MIMEType, err = d.Scalar(e.Value, "handlers: "+key)
		case key == "expiration":
			h.Expiration, err = d.expiration(e.Value, "handlers: "+key)
		case key == "http_headers":
			h.Headers, err = d.headers(e.Value)
		default:
			err = y.readOther(d, e, key)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return y.addHandler(d, n, h, raw)
}

// field is where the text of a key goes, nil for other keys.
func (r *rawHandler) field(key string) *string {
	return map[string]*string{"url": &r.url, "static_dir": &r.dir, "static_files": &r.files, "upload": &r.upload, "script": &r.script}[key]
}

// readOther notes keys that have no effect here, but for those that would have none anyway.
func (y *AppYAML) readOther(d document, e *ast.MappingValueNode, key string) error {
	if slices.Contains(harmless, key) {
		return nil
	}
	text, _ := d.Scalar(e.Value, key)
	if key == "login" && text == "optional" || key == "secure" && (text == "optional" || text == "never") {
		return nil
	}
	note := "handlers: " + key
	if key == "secure" {
		note = "handlers: secure: always, which redirects to https in production,"
	}
	y.Ignored = append(y.Ignored, Ignored{d.Place(e.Key), note})
	return nil
}

// addHandler puts together what an entry says.
func (y *AppYAML) addHandler(d document, n ast.Node, h URLHandler, raw rawHandler) error {
	if raw.url == "" {
		return d.Errorf(n, "a handler wants url: the paths that it answers")
	}
	pattern := raw.url
	switch {
	case raw.dir != "" && raw.files != "":
		return d.Errorf(n, "a handler has static_dir or static_files, not both")
	case raw.dir != "":
		pattern = strings.TrimSuffix(raw.url, "/") + "/(.*)"
		groups, err := regexp.Compile(pattern)
		if err != nil {
			return y.unreadable(d, n, raw.url)
		}
		h.File = strings.TrimSuffix(raw.dir, "/") + fmt.Sprintf(`/\%d`, groups.NumSubexp())
	case raw.files != "":
		h.File = raw.files
		if raw.upload == "" {
			return d.Errorf(n, "static_files wants upload: the names of the files that production has, as in static/.*\\.css")
		}
		upload, err := regexp.Compile("^(?:" + raw.upload + ")$")
		if err != nil {
			return y.unreadable(d, n, raw.upload)
		}
		h.Upload = upload
	case raw.script != "" && raw.script != "auto" && raw.script != "_go_app":
		y.Ignored = append(y.Ignored, Ignored{h.Position, "handlers: script: " + raw.script + " (the app answers)"})
	}
	url, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return y.unreadable(d, n, raw.url)
	}
	h.URL = url
	y.Handlers = append(y.Handlers, h)
	return nil
}

// unreadable notes an expression of another dialect than Go's.
func (y *AppYAML) unreadable(d document, n ast.Node, text string) error {
	y.Ignored = append(y.Ignored, Ignored{d.Place(n), fmt.Sprintf("handlers: %q, which Go does not read as a regular expression,", text)})
	return nil
}

// headers are names with values.
func (d document) headers(n ast.Node) (map[string]string, error) {
	entries, err := d.Pairs(n, "http_headers")
	all := map[string]string{}
	errs := []error{err}
	for _, e := range entries {
		name := e.Key.GetToken().Value
		value, err := d.Scalar(e.Value, "http_headers."+name)
		if strings.ContainsAny(name+value, "\r\n\x00") || name == "" {
			err = d.Errorf(e.Key, "http_headers: a header has one line")
		}
		all[name] = value
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

// span is a number with its unit, as app.yaml writes a time: 4d 5h.
var span = regexp.MustCompile(`^([0-9]{1,6})([dhms])$`)

func (d document) expiration(n ast.Node, where string) (*time.Duration, error) {
	text, err := d.Scalar(n, where)
	if err != nil {
		return nil, err
	}
	units := map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second}
	var sum time.Duration
	for _, part := range strings.Fields(text) {
		m := span.FindStringSubmatch(part)
		if m == nil {
			return nil, d.Errorf(n, "%s: %q is no time; write one such as 4d 5h", where, text)
		}
		var count int64
		fmt.Sscan(m[1], &count)
		sum += time.Duration(count) * units[m[2]]
	}
	return &sum, nil
}

// SameHandlers tells whether two app.yaml, nil for none, have the same handlers, wherever they stand.
func SameHandlers(a, b *AppYAML) bool {
	said := func(y *AppYAML) (all []string) {
		if y == nil {
			return nil
		}
		if y.DefaultExpiration != nil {
			all = append(all, y.DefaultExpiration.String())
		}
		for _, h := range y.Handlers {
			keep := ""
			if h.Expiration != nil {
				keep = h.Expiration.String()
			}
			all = append(all, fmt.Sprintf("%s %q %v %q %q %q", h.URL, h.File, h.Upload, h.MIMEType, h.Headers, keep))
		}
		return all
	}
	return slices.Equal(said(a), said(b))
}
