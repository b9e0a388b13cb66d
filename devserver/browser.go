package devserver

import (
	"bytes"
	"io"
	"net/http"

	"github.com/seed-d81df0db/devserver/devserver/livereload"
	"github.com/seed-d81df0db/devserver/devserver/proxy"
)

// followPages has the pages of the app follow it.
func (a *app) followPages(c *proxy.Config) {
	if !a.settings.liveReload {
		return
	}
	a.pages = livereload.New(func(text string) { a.sup.notices.warnf("%s: %s", a.name, text) })
	own := c.Handle
	c.Handle = func(r *http.Request) http.Handler {
		if h := a.pages.Handler(r); h != nil {
			return h
		}
		return own(r)
	}
	c.Ask = a.pages.Ask
	c.Rewrite = func(b proxy.Backend, r *http.Request, res *http.Response) { a.pages.Page(b.(*version).page, r, res) }
}

// followFile has a file that is answered in the app's stead follow the app too, if it is a page.
func (a *app) followFile(file http.Handler) http.Handler {
	if a.pages == nil {
		return file
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		a.pages.Ask(r)
		p := &filePage{ResponseWriter: w, pages: a.pages, asked: r}
		file.ServeHTTP(p, r)
		p.end()
	})
}

// filePage is an answer that may turn out to be a page; then it is held, changed as the app's are, and sent at its end.
type filePage struct {
	http.ResponseWriter
	pages *livereload.Live
	asked *http.Request
	begun bool
	page  io.Reader // of what is held; nil: no page
	held  bytes.Buffer
}

// WriteHeader is http.ResponseWriter's.
func (p *filePage) WriteHeader(status int) {
	if p.begun {
		return
	}
	p.begun = true
	body := io.NopCloser(&p.held)
	res := &http.Response{StatusCode: status, Header: p.Header(), Body: body, Request: p.asked}
	if p.pages.Page(p.pages.Serving(), p.asked, res); res.Body != body {
		p.page = res.Body
	}
	p.ResponseWriter.WriteHeader(status)
}

// Write is http.ResponseWriter's.
func (p *filePage) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	if p.page != nil {
		return p.held.Write(b)
	}
	return p.ResponseWriter.Write(b)
}

func (p *filePage) end() {
	if p.page != nil {
		io.Copy(p.ResponseWriter, p.page) // an error is the client's, who is gone
	}
}

// release says that nothing is under way any more: what serves goes on, and problem is why it is not the newest.
func (l *loop) release(problem *proxy.Problem) {
	l.proxy.Release(problem)
	l.pages.Show(overPages(problem))
}

// overPages is what is shown of a problem over the open pages.
func overPages(problem *proxy.Problem, errors ...BuildError) *livereload.Problem {
	if problem == nil {
		return nil
	}
	p := &livereload.Problem{Title: problem.Title, Text: problem.Text, Advice: problem.Advice}
	for _, e := range errors {
		p.Errors = append(p.Errors, livereload.Error{File: e.File, Line: e.Line, Column: e.Column, Message: e.Message})
	}
	return p
}

// stylesOnly tells whether next and what serves differ in nothing but style sheets.
func (l *loop) stylesOnly() bool { return l.live != nil && !l.trial.code }
