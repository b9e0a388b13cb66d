package devserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/seed-d81df0db/devserver/devserver/control"
)

// group runs goroutines until one fails or the context ends; all then end.
type group struct {
	wait sync.WaitGroup
	stop context.CancelCauseFunc
}

func (g *group) run(f func() error) {
	g.wait.Go(func() {
		if err := f(); err != nil {
			g.stop(err)
		}
	})
}

// run runs everything until ctx ends or a part of it cannot go on.
func (s *supervisor) run(parent context.Context, p *plan, consoleLn net.Listener) error {
	ctx, stop := context.WithCancelCause(parent)
	defer stop(nil)
	// The console and what feeds it live until the last worker's journal is read.
	rest, stopRest := context.WithCancel(context.Background())
	defer stopRest()
	apps, room := &group{stop: stop}, &group{stop: stop}
	if err := s.openRoom(rest, room, consoleLn); err != nil {
		return err
	}
	s.otlp.start()
	for _, a := range s.apps {
		apps.run(func() error { return a.serve(ctx) })
	}
	for _, d := range s.doors {
		apps.run(func() error { return d.serve(ctx, s.behind(d)) })
	}
	err := s.runApps(ctx, apps, p)
	stop(err)
	apps.wait.Wait()
	stopRest()
	room.wait.Wait()
	s.requests.Close() // what the proxy answered is sent too
	s.otlp.finish()
	s.sayStopped()
	if cause := context.Cause(ctx); parent.Err() == nil || !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// openRoom starts what is there for all apps.
func (s *supervisor) openRoom(ctx context.Context, room *group, consoleLn net.Listener) error {
	handler, err := s.consoleHandler(consoleLn)
	if err != nil {
		return err
	}
	room.run(func() error { return s.serveConsole(ctx, consoleLn, handler) })
	room.run(func() error { s.pulse(ctx); return nil })
	room.run(func() error { s.strays.run(ctx); return nil })
	room.run(func() error { s.quotas.run(ctx); return nil })
	room.run(func() error { s.keepRecording(ctx, s.keep); return nil })
	room.run(func() error { s.obey(ctx, s.opts.Commands); return nil })
	return nil
}

// runApps makes the toolchain and runs the apps' loops until ctx ends.
func (s *supervisor) runApps(ctx context.Context, apps *group, p *plan) error {
	tool, err := s.openToolchain(ctx, p.apps[0].project.Dir)
	if err != nil {
		return err
	}
	defer tool.Close()
	if err := s.publish(); err != nil {
		return err
	}
	for _, a := range s.apps {
		l := newLoop(a, newBuilder(a))
		apps.run(func() error { return l.run(ctx) })
	}
	if err := s.writeReady(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	apps.wait.Wait() // the toolchain is in use until the last build has ended
	return nil
}

// publish lets other commands find this devserver.
func (s *supervisor) publish() error {
	folder, err := registry()
	if err == nil {
		err = s.owner.Publish(s.controlFile(s.token), folder)
	}
	var unregistered *control.RegistryError
	if errors.As(err, &unregistered) {
		s.notices.warnf("%v", err)
		return nil
	}
	return err
}

func (s *supervisor) controlFile(token string) control.File {
	f := control.File{PID: os.Getpid(), Console: s.consoleURL, Token: token, Recording: s.db.Path()}
	for _, a := range s.apps {
		f.Apps = append(f.Apps, control.App{Name: a.name, URL: a.url, Debug: a.debugAddr()})
	}
	return f
}

// writeReady writes the ready file once every app accepts.
func (s *supervisor) writeReady(ctx context.Context) error {
	if s.opts.ReadyFile == "" {
		return nil
	}
	for _, a := range s.apps {
		select {
		case <-a.ready:
		case <-ctx.Done():
			return nil
		}
	}
	if err := control.WriteFile(s.opts.ReadyFile, s.controlFile("")); err != nil {
		return fmt.Errorf("ready file: %w; name another with --ready-file", err)
	}
	return nil
}

// clockMoved lets the quotas follow the sandbox's clock.
func (s *supervisor) clockMoved() {
	now := s.fleet.clockNow()
	offset, _ := s.fleet.clock()
	for _, a := range s.apps {
		a.countDay(now)
		a.usage.SetLead(offset)
		a.usage.DropFuture(now)
	}
	s.touch()
}

// sayStopped says what this run has seen.
func (s *supervisor) sayStopped() {
	notice := Stopped{Recording: s.db.Path()}
	if now, err := s.db.Counts(context.Background(), 0); err == nil {
		notice.Sockets, notice.Denials = now.Sockets-s.before.Sockets, now.Denials-s.before.Denials
	}
	s.notices.tell(notice)
}
