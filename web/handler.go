package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"
)

// maxBody bounds what a request may bring along; the longest is a duration.
const maxBody = 4 << 10

// patience is how long the recording may take for one answer.
const patience = 10 * time.Second

// console serves all pages. It holds nothing that changes.
type console struct {
	Config
	secrets secrets
	pages   *pages
}

// NewHandler checks c and returns the console. Templates are parsed here, so that a bad one fails at the start.
func NewHandler(c Config) (http.Handler, error) {
	switch {
	case c.Source == nil:
		return nil, errors.New("console: Config.Source is missing")
	case c.State == nil:
		return nil, errors.New("console: Config.State is missing")
	case c.Token == "":
		return nil, errors.New("console: Config.Token is missing")
	case len(c.Hosts) == 0:
		return nil, errors.New("console: Config.Hosts is missing: no request would be answered")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	pages, err := parsePages()
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	con := &console{Config: c, secrets: newSecrets(c.Token), pages: pages}
	hosts := make([]string, len(c.Hosts))
	for i, host := range c.Hosts {
		hosts[i] = strings.ToLower(host)
	}
	return &guard{hosts: hosts, open: c.Open, secrets: con.secrets, deny: con.fail, next: con.router()}, nil
}

// router says where everything is. The names under /api/v1 are those of the pages.
func (c *console) router() http.Handler {
	r := mux.NewRouter().StrictSlash(true)
	r.NotFoundHandler = c.handle(func(_ http.ResponseWriter, r *http.Request) error {
		return problemf(http.StatusNotFound, "No such page", "There is nothing at %s.", r.URL.Path)
	})
	r.MethodNotAllowedHandler = c.handle(func(_ http.ResponseWriter, r *http.Request) error {
		return problemf(http.StatusMethodNotAllowed, "Not that way", "%s does not answer to %s. Changes are POST, all else is GET.", r.URL.Path, r.Method)
	})
	get := func(path string, h handlerFunc) {
		r.Handle(path, c.handle(patient(h))).Methods(http.MethodGet, http.MethodHead)
	}
	post := func(path string, h handlerFunc) { r.Handle(path, c.handle(h)).Methods(http.MethodPost) }

	get("/", c.overviewPage)
	get("/sockets", c.socketsPage)
	get("/sockets/{id}", c.socketPage)
	get("/requests", c.requestsPage)
	get("/requests/{id}", c.requestPage)
	get("/logs", c.logsPage)
	get("/quotas", c.quotasPage)
	get("/reclaims", c.reclaimsPage)
	get("/denials", c.denialsPage)
	get("/rules", c.rulesPage)
	get("/clock", c.clockPage)
	get("/static/{file}", c.static)

	get("/api/v1/overview", c.apiOverview)
	get("/api/v1/counts", c.apiCounts)
	get("/api/v1/sockets", c.apiSockets)
	get("/api/v1/sockets/{id}", c.apiSocket)
	get("/api/v1/requests", c.apiRequests)
	get("/api/v1/requests/{id}", c.apiRequest)
	get("/api/v1/logs", c.apiLogs)
	get("/api/v1/events", c.apiEvents)
	get("/api/v1/denials", c.apiDenials)
	get("/api/v1/reclaims", c.apiReclaims)
	get("/api/v1/runs", c.apiRuns)
	get("/api/v1/quotas", c.apiQuotas)
	get("/api/v1/rules", c.apiRules)
	get("/api/v1/explain", c.apiExplain)
	get("/api/v1/clock", c.apiClock)
	r.Handle("/api/v1/stream", c.handle(c.stream)).Methods(http.MethodGet, http.MethodHead)

	post("/api/v1/clock/advance", c.advance)
	post("/api/v1/clock/reset", c.resetClock)
	post("/api/v1/quotas/reset", c.resetQuotas)
	post("/api/v1/sockets/{id}/close", c.closeSocket)
	return r
}

// A handlerFunc answers a request or says why not. It has written nothing when it returns an error.
type handlerFunc func(http.ResponseWriter, *http.Request) error

func (c *console) handle(h handlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := h(w, r); err != nil {
			c.fail(w, r, err)
		}
	})
}

// patient gives the recording a limited time to answer.
func patient(h handlerFunc) handlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		return h(w, r.WithContext(ctx))
	}
}

// fail answers with the error: a page for people, an object for programs.
func (c *console) fail(w http.ResponseWriter, r *http.Request, err error) {
	p, internal := asProblem(err)
	if internal {
		c.Log.Error("console", "path", r.URL.Path, "err", err)
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="devserver console"`)
	}
	if wantsJSON(r) {
		writeJSON(w, p.Status, map[string]string{"error": p.Text})
		return
	}
	c.problemPage(w, r, p)
}

// wantsJSON tells programs from people. A form of our own pages posts to /api/v1 too, but a browser asks for HTML.
func wantsJSON(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") && !strings.Contains(r.Header.Get("Accept"), "text/html")
}
