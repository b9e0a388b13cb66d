package devserver

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/devserver/proxy"
)

// doors are where stand-ins app:NAME lead to, one for each app that is named by one.
type doors []*door

// door is a loopback address by which apps reach another under its production name. Behind it is the same front proxy
// that browsers meet, so a request waits there while its app is reloaded. It is an address of its own since the app's may
// be none of loopback, and may one day speak HTTPS for another name.
type door struct {
	app      string
	runs     bool // the app is one of this run; else devserver.yaml knows it
	listener net.Listener
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
		runs := slices.Contains(running, s.App)
		switch {
		case s.App == "", all.of(s.App) != nil:
			continue
		case !runs && !slices.Contains(known, s.App):
			return nil, usagef("stand-in for %s: there is no app %q; the apps are %s", s.Production(), s.App, strings.Join(distinct(running, known), ", "))
		}
		all = append(all, &door{app: s.App, runs: runs})
	}
	return all, nil
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
	go func() { served <- p.Serve(d.listener) }()
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
