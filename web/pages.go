package web

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"time"

	"github.com/gorilla/mux"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

//go:embed templates assets
var files embed.FS

// pageRows is how many sockets or reclaims stand on one page.
const pageRows = 100

// pages are the templates, one set for each page.
type pages struct{ byName map[string]*template.Template }

var functions = template.FuncMap{
	"size": size, "count": count, "coarse": coarse, "length": length, "plural": plural, "kindWord": kindWord, "calm": calm, "brief": brief,
	"int":   func(n int) int64 { return int64(n) },
	"minus": func(a, b int64) int64 { return a - b },
	"field": func(label, path, example, query, wrong string) filterField {
		return filterField{Label: label, Path: path, Example: example, Query: query, Wrong: wrong}
	},
	"nanos":      func(ns int64) string { return length(time.Duration(ns)) },
	"iso":        func(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) },
	"clock":      func(ns int64) string { return time.Unix(0, ns).Format("15:04:05.000") },
	"date":       func(ns int64) string { return time.Unix(0, ns).Format("2 January 2006, 15:04:05.000") },
	"costSource": func() string { return costSource },
	"line":       path.Base, // of a call site: the file's own name and the line
	"ms":         func(ns int64) int64 { return ns / int64(time.Millisecond) },
}

// filterField is all that the template "filter" may name.
type filterField struct{ Label, Path, Example, Query, Wrong string }

func parsePages() (*pages, error) {
	p := &pages{byName: make(map[string]*template.Template)}
	for _, name := range []string{"overview", "sockets", "socket", "requests", "request", "logs", "quotas", "reclaims", "denials", "rules", "clock", "problem"} {
		t, err := template.New("layout.html").Funcs(functions).Option("missingkey=error").
			ParseFS(files, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		p.byName[name] = t
	}
	return p, nil
}

// render executes into memory first: a failing template becomes an error page, not half a page.
func (c *console) render(w http.ResponseWriter, status int, name string, data any) error {
	var body bytes.Buffer
	if err := c.pages.byName[name].ExecuteTemplate(&body, "layout.html", data); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(body.Bytes())
	return nil
}

// frame fills in what surrounds a page.
func (c *console) frame(ctx context.Context, r *http.Request, title string) (frame, error) {
	state := c.State()
	f := frame{Title: title, State: state, Now: c.Now(), Live: c.Live != nil, Back: r.URL.RequestURI()}
	if state.Offset != 0 {
		f.Ahead = coarse(state.Offset)
	}
	if c.Controls != nil {
		f.Form = c.secrets.form
	}
	counts, err := c.Source.Counts(ctx, c.idleSince(state))
	f.Counts = counts
	f.Nav = nav(r.URL.Path, counts, state)
	return f, err
}

func nav(path string, counts record.Counts, state State) []navItem {
	items := []navItem{
		{Name: "Overview", Path: "/"},
		{Name: "Sockets", Path: "/sockets", Count: counts.Sockets},
		{Name: "Requests", Path: "/requests"},
		{Name: "Logs", Path: "/logs"},
		{Name: "Quotas", Path: "/quotas", Alert: state.usedUp()},
		{Name: "Reclaims", Path: "/reclaims", Count: counts.Reclaimed},
		{Name: "Denials", Path: "/denials", Count: counts.Denials},
		{Name: "Rules", Path: "/rules"},
		{Name: "Clock", Path: "/clock"},
	}
	for i := range items {
		items[i].Here = items[i].Path == path
	}
	return items
}

// pageAddress is a list's address with its filter, from a row on; 0 is the first page.
func pageAddress(path, filter string, before int64) string {
	query := url.Values{}
	if filter != "" {
		query.Set("q", filter)
	}
	if before != 0 {
		query.Set("before", strconv.FormatInt(before, 10))
	}
	return (&url.URL{Path: path, RawQuery: query.Encode()}).String()
}

// problemData is all that templates/problem.html may name.
type problemData struct {
	frame
	Problem  *problem
	AskToken bool
}

// problemPage must work when nothing else does: it asks neither the recording nor the supervisor.
func (c *console) problemPage(w http.ResponseWriter, r *http.Request, p *problem) {
	data := problemData{frame: frame{Title: p.Title, Now: c.Now()}, Problem: p, AskToken: c.Open && p.Status == http.StatusUnauthorized}
	if p.Status != http.StatusUnauthorized && p.Status != http.StatusMisdirectedRequest {
		data.Nav = nav("", record.Counts{}, State{})
	}
	if err := c.render(w, p.Status, "problem", data); err != nil {
		c.Log.Error("console", "path", r.URL.Path, "err", err)
		http.Error(w, p.Title+". "+p.Text, p.Status)
	}
}

// contentTypes are those of the assets; the machine's own table of types may be odd.
var contentTypes = map[string]string{
	"console.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8", "morph.js": "text/javascript; charset=utf-8",
	"icon.svg": "image/svg+xml",
}

func (c *console) static(w http.ResponseWriter, r *http.Request) error {
	name := mux.Vars(r)["file"]
	kind, ok := contentTypes[name]
	if !ok {
		return problemf(http.StatusNotFound, "No such file", "There is nothing at %s.", r.URL.Path)
	}
	body, err := files.ReadFile("assets/" + name)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", kind)
	w.Write(body)
	return nil
}
