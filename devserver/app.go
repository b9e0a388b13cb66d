package devserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/livereload"
	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/devserver/proxy"
	"github.com/seed-d81df0db/devserver/devserver/statics"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/web"
)

// app is one of the user's programs: where it answers, under which rules, and what the console shows of it. Its
// workers belong to its loop.
type app struct {
	sup      *supervisor
	name     string
	project  *project.App
	standins []sandbox.Standin
	usage    *usage
	listener net.Listener
	debugger net.Listener // for Delve's clients; nil: it is not debugged
	port     int          // $PORT, which is also the front proxy's
	url      string
	proxy    *proxy.Proxy
	secure   *tls.Config      // of listener; nil: its clients speak plain HTTP
	pages    *livereload.Live // nil: pages are left alone
	statics  atomic.Pointer[statics.Files]
	ready    chan struct{} // closed when it accepts for the first time
	asked    chan struct{} // asks the loop to build and start it anew

	// configured is changed by the loop, with mu held; others than the loop read it with mu held.
	configured
	files    project.AppConfig // what devserver.yaml said of it at the start
	mu       sync.Mutex
	shown    web.App                     // what the console shows; guarded by mu
	sourceOf map[sandbox.Resource]string // where a quota's limits come from; guarded by mu
}

// listen takes the address of an app or of the console. flag is the one that names another.
func listen(what, addr, flag string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return ln, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: address %s is taken%s; choose another with %s", what, addr, by(holder(addr)), flag)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s: %w; choose another address with %s", what, err, flag)
	}
	return nil, usagef("%s: %v; write HOST:PORT, as in %s 127.0.0.1:8080", what, err, flag)
}

// by names a process that is in the way, "" for one that is not known.
func by(process string) string {
	if process == "" {
		return ""
	}
	return " by " + process
}

// urlOf is where a browser on this machine reaches a listener.
func urlOf(scheme string, ln net.Listener) string {
	addr := ln.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(addr.Port))
}

// newApp opens what an app needs besides its program.
func (s *supervisor) newApp(p *plannedApp) (*app, error) {
	secure, err := s.tlsConfig(p)
	if err != nil {
		return nil, err
	}
	scheme := "http"
	if secure != nil {
		scheme = "https"
	}
	u, err := openUsage(filepath.Join(s.data, "usage-"+p.name))
	if err != nil {
		return nil, err
	}
	u.begin()
	a := &app{
		sup: s, name: p.name, project: p.project, configured: p.configured, files: p.files, usage: u,
		listener: p.listener, debugger: p.debugger, port: p.listener.Addr().(*net.TCPAddr).Port, url: urlOf(scheme, p.listener),
		secure: secure, ready: make(chan struct{}), asked: make(chan struct{}, 1),
	}
	a.useFiles(p.project)
	conf := proxy.Config{
		App: a.name, Handle: a.fileFor, ServeOld: a.settings.serveOld, WaitLimit: max(a.settings.waitLimit, 1), // it takes 0 for its default
		Answered: func(ans proxy.Answer) { s.requests.add(a.name, ans) },
		Follow:   func(b proxy.Backend, r proxy.Sent) proxy.Follower { return b.(*version).sent.add(r) },
	}
	a.followPages(&conf)
	a.proxy = proxy.New(conf)
	a.shown = web.App{Name: a.name, URL: a.url}
	if err := a.use(p.configured); err != nil {
		u.Close()
		return nil, err
	}
	return a, nil
}

// use has the app run by what is configured, from the next version on; the console shows it at once. An error changes
// nothing. Only newApp and the loop call it.
func (a *app) use(c configured) error {
	standins, err := a.sup.peers.standins(c.standins, a.sup.doors)
	if err != nil {
		return err
	}
	explainer, err := newExplainer(c.policy, standins)
	if err != nil {
		return err
	}
	a.sup.notices.judges(a.name, c.under, c.policy)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.configured, a.standins, a.sourceOf = c, standins, limitSources(c.policy)
	w := &a.shown
	w.Profile, w.IdleLimit, w.Sources = c.policy.Profile, idleLimit(c.policy), sources(c.policy)
	w.Policy, w.Explainer, w.ExplainFlags = c.policy, explainer, c.under.absolute().Flags()
	return nil
}

// idleLimit is after how long a socket is reclaimed, 0: never.
func idleLimit(p *sandbox.Policy) time.Duration {
	if p.Mode(sandbox.RuleReclaimed) == sandbox.ModeOff {
		return 0
	}
	return p.Reclaim
}

// sources tells where production's documents say what a rule says.
func sources(p *sandbox.Policy) map[string]string {
	of := map[string]string{}
	for rule, set := range p.Rules {
		if set.Source != "" {
			of[string(rule)] = set.Source
		}
	}
	return of
}

// show changes what the console shows of the app.
func (a *app) show(change func(*web.App)) {
	a.mu.Lock()
	change(&a.shown)
	a.mu.Unlock()
	a.sup.touch()
}

// state returns a copy of what the console shows at now, by the sandbox's clock.
func (a *app) state(now int64) web.App {
	quotas := a.quotas(now)
	a.mu.Lock()
	defer a.mu.Unlock()
	shown := a.shown
	shown.Builds, shown.Quotas = slices.Clone(shown.Builds), quotas
	return shown
}

// keptBuilds is how many builds the console shows.
const keptBuilds = 50

func (a *app) showBuild(b web.Build) {
	a.show(func(w *web.App) {
		w.Builds = slices.Insert(w.Builds, 0, b)
		w.Builds = w.Builds[:min(len(w.Builds), keptBuilds)]
	})
}

// countDay tells the workers when production's day ends, by the sandbox's clock.
func (a *app) countDay(now int64) {
	a.usage.setDay(now)
}

// accept serves the app's own address.
func (a *app) accept() error {
	if a.secure != nil {
		return a.proxy.ServeTLS(a.listener, a.secure)
	}
	return a.proxy.Serve(a.listener)
}

// serve runs the front proxy until ctx ends.
func (a *app) serve(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- a.accept() }()
	select {
	case err := <-served:
		return fmt.Errorf("%s: %w", a.name, err)
	case <-ctx.Done():
	}
	a.pages.Close()
	// Requests under way get a moment; one that waits for a build gets an answer now.
	a.proxy.Release(&proxy.Problem{Title: "devserver is stopping"})
	brief, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	a.proxy.Close(brief)
	return <-served
}
