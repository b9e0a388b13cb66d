package devserver

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/seed-d81df0db/devserver/devserver/localca"
	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/devserver/proxy"
)

// doors are where stand-ins app:NAME lead to, one for each app that is named by one.
type doors []*door

// door is a loopback address by which apps reach another under its production name. Behind it is the same front proxy
// that browsers meet, so a request waits there while its app is reloaded. It is an address of its own since the app's may
// be none of loopback, and speaks HTTPS for another name. At a door both are spoken, whatever the port that was dialled.
type door struct {
	app      string
	runs     bool // the app is one of this run; else devserver.yaml knows it
	listener net.Listener
	ca       *localca.CA

	mu        sync.Mutex
	addresses []string    // that stand-ins have apps dial instead of a name; guarded by mu
	secure    *tls.Config // for them; nil: to be made; guarded by mu
}

// newDoors are those that the stand-ins need. A stand-in must name an app that runs, or one of devserver.yaml's.
func newDoors(apps []*plannedApp, c *project.Config) (doors, error) {
	var running, known []string
	var standins []project.Standin
	for _, a := range apps {
		running, standins = append(running, a.name), append(standins, a.standins...)
	}
	for _, a := range c.Apps {
		known = append(known, cmp.Or(a.Name, filepath.Base(a.Path)))
	}
	var all doors
	for _, s := range standins {
		runs, d := slices.Contains(running, s.App), all.of(s.App)
		switch {
		case s.App == "":
			continue
		case !runs && !slices.Contains(known, s.App):
			return nil, usagef("stand-in for %s: there is no app %q; the apps are %s", s.Production(), s.App, strings.Join(distinct(running, known), ", "))
		}
		if d == nil {
			d = &door{app: s.App, runs: runs}
			all = append(all, d)
		}
		d.answersFor(s.Host)
	}
	return all, nil
}

// answersFor has the door's certificate name an address that a stand-in has apps dial. Names need not be known before: who
// dials one says so.
func (d *door) answersFor(host string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if net.ParseIP(host) != nil && !slices.Contains(d.addresses, host) {
		d.addresses, d.secure = append(d.addresses, host), nil
	}
}

// config is how a client that comes now is answered over TLS.
func (d *door) config(*tls.ClientHelloInfo) (*tls.Config, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.secure == nil {
		d.secure = d.ca.Config(d.addresses...)
	}
	return d.secure, nil
}

// distinct are the names of both lists, each once.
func distinct(some, more []string) []string {
	var all []string
	for _, name := range slices.Concat(some, more) {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// of is the door of an app, nil when no stand-in names it.
func (d doors) of(app string) *door {
	if i := slices.IndexFunc(d, func(o *door) bool { return o.app == app }); i >= 0 {
		return d[i]
	}
	return nil
}

// addr is where the door is, host:port.
func (d *door) addr() string { return d.listener.Addr().String() }

func (d *door) open() (err error) {
	if d.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("stand-in app:%s: %w", d.app, err)
	}
	return nil
}

// openDoors takes the doors, and makes the CA that vouches for the production names at them.
func (s *supervisor) openDoors(all doors) (err error) {
	if s.doors = all; len(all) == 0 {
		return nil
	}
	if s.doorCA, err = localca.ForRun(); err != nil {
		return err
	}
	for _, d := range all {
		d.ca = s.doorCA
	}
	roots := filepath.Join(s.data, rootsFolder)
	s.closing(func() error { return os.RemoveAll(roots) })
	if err := os.MkdirAll(roots, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return os.WriteFile(filepath.Join(roots, "apps.pem"), s.doorCA.PEM(), 0o600)
}

// systemRoots are the folders that Go's crypto/x509 reads on Linux where SSL_CERT_DIR names none. Elsewhere the system is asked.
const systemRoots = "/etc/ssl/certs:/etc/pki/tls/certs"

// trusting is an app's environment in which it trusts the doors too.
func (s *supervisor) trusting(env []string) []string {
	if s.doorCA == nil {
		return env
	}
	folders := systemRoots
	for _, kv := range env {
		if own, ok := strings.CutPrefix(kv, "SSL_CERT_DIR="); ok && own != "" {
			folders = own
		}
	}
	return append(slices.Clone(env), "SSL_CERT_DIR="+folders+":"+filepath.Join(s.data, rootsFolder))
}

// behind is the front proxy behind a door. That of an app which does not run says so.
func (s *supervisor) behind(d *door) *proxy.Proxy {
	for _, a := range s.apps {
		if a.name == d.app {
			return a.proxy
		}
	}
	p := proxy.New(proxy.Config{App: d.app})
	p.Release(&proxy.Problem{
		Title:  "The app does not run",
		Advice: "devserver was told to run other apps only. Name its folder too, or none: then all apps of devserver.yaml run.",
	})
	return p
}

// serve answers at the door until ctx ends.
func (d *door) serve(ctx context.Context, p *proxy.Proxy) error {
	served := make(chan error, 1)
	go func() { served <- p.ServeEither(d.listener, &tls.Config{GetConfigForClient: d.config}) }()
	select {
	case err := <-served:
		if ctx.Err() == nil {
			return fmt.Errorf("stand-in app:%s: %w", d.app, err)
		}
		served <- nil
	case <-ctx.Done():
	}
	d.listener.Close()
	if !d.runs { // an app closes its own
		p.Close(ctx)
	}
	<-served
	return nil
}
