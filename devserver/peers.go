package devserver

import (
	"errors"
	"fmt"
	"sync"

	"github.com/seed-d81df0db/devserver/devserver/peer"
	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// peers are the built-in peers that run. One serves all apps. The zero value has none yet.
type peers struct {
	mu     sync.Mutex
	byName map[string]*peer.Server // guarded by mu
}

// standins are the project's with addresses filled in: those of built-in peers, which are started as they are needed, and
// those of the doors of other apps.
func (p *peers) standins(list []project.Standin, doors doors) ([]sandbox.Standin, error) {
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
			d := doors.of(s.App)
			if d == nil { // doors are opened at the start only
				return nil, fmt.Errorf("stand-in for %s: start devserver again to apply %s", s.Production(), s.Label)
			}
			d.answersFor(s.Host)
			local = d.addr()
		}
		all = append(all, sandbox.Standin{Host: s.Host, Port: s.Port, Address: s.Address, Local: local, Label: s.Label})
	}
	return all, nil
}

func (p *peers) start(name string) (*peer.Server, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byName[name] != nil {
		return p.byName[name], nil
	}
	server, err := peer.Start(name, nil)
	if err != nil {
		return nil, err
	}
	if p.byName == nil {
		p.byName = map[string]*peer.Server{}
	}
	p.byName[name] = server
	return server, nil
}

func (p *peers) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, server := range p.byName {
		errs = append(errs, server.Close())
	}
	return errors.Join(errs...)
}
