package devserver

import (
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
