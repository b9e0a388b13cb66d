package devserver

import (
	"errors"
	"fmt"

	"github.com/seed-d81df0db/devserver/devserver/peer"
	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// peers are the built-in peers that run, by name. One serves all apps.
type peers map[string]*peer.Server

// standins are the project's with addresses filled in: those of built-in peers, which are started as they are needed, and
// those of the doors of other apps.
func (p peers) standins(list []project.Standin, doors doors) ([]sandbox.Standin, error) {
	var all []sandbox.Standin
	for _, s := range list {
		local := s.Local
		if s.Builtin != "" {
			server, err := p.start(s.Builtin)
			if err != nil {
				return nil, fmt.Errorf("stand-in for %s: %w", s.Production(), err)
			}
			local = server.Addr()
		}
		if s.App != "" {
			local = doors.addr(s.App)
		}
		all = append(all, sandbox.Standin{Host: s.Host, Port: s.Port, Address: s.Address, Local: local, Label: s.Label})
	}
	return all, nil
}

func (p peers) start(name string) (*peer.Server, error) {
	if p[name] != nil {
		return p[name], nil
	}
	server, err := peer.Start(name, nil)
	if err == nil {
		p[name] = server
	}
	return server, err
}

func (p peers) Close() error {
	var errs []error
	for _, server := range p {
		errs = append(errs, server.Close())
	}
	return errors.Join(errs...)
}
