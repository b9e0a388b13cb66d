package proxy

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

// A Problem is why no app answers. It is shown as a page to browsers and as plain text to others.
type Problem struct {
	Title  string // a sentence: "The app does not compile"
	Text   string // the compiler's words, the app's last lines; shown as they are
	Advice string // what to do
}

var (
	stillStarting = &Problem{
		Title:  "The app is not ready yet",
		Advice: "It is being built or has not accepted a connection on $PORT so far. The terminal of devserver says more.",
	}
	workerEnded = &Problem{
		Title:  "The app ended while it served this request",
		Advice: "The terminal of devserver shows its last words.",
	}
)

//go:embed problem.html
var problemHTML string

var problemPage = template.Must(template.New("problem").Parse(problemHTML))

// write answers with the problem and returns how many bytes that took.
func (p *Problem) write(w http.ResponseWriter, r *http.Request, app string, status int) int64 {
	var body bytes.Buffer
	kind := "text/plain; charset=utf-8"
	if wantsHTML(r) {
		kind = "text/html; charset=utf-8"
		// The template's fields are all strings: it cannot fail.
		problemPage.Execute(&body, struct {
			*Problem
			App    string
			Status int
		}{p, app, status})
	} else {
		p.plain(&body, app)
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	h.Set("Retry-After", "1")
	w.WriteHeader(status)
	n, _ := w.Write(body.Bytes())
	return int64(n)
}

func (p *Problem) plain(b *bytes.Buffer, app string) {
	fmt.Fprintf(b, "%s: %s\n", app, p.Title)
	for _, part := range []string{p.Text, p.Advice} {
		if part = strings.TrimRight(part, "\n"); part != "" {
			fmt.Fprintf(b, "\n%s\n", part)
		}
	}
}

// wantsHTML tells a browser from the rest: it alone asks for HTML by name.
func wantsHTML(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html")
}
