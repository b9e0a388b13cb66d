package devserver

import (
	"context"
	"net"

	"github.com/seed-d81df0db/devserver/devserver/delve"
)

// spreadDebuggers gives each of several apps that were told the same address for their debuggers one of its own: the port
// behind that of the app before it.
func spreadDebuggers(apps []*plannedApp) error {
	last := map[string]string{} // by the address that was told
	for _, a := range apps {
		told := a.settings.debug
		if told == "" {
			continue
		}
		a.debugAt = told
		if before, ok := last[told]; ok {
			var err error
			if a.debugAt, err = nextAddr(before); err != nil {
				return err
			}
		}
		last[told] = a.debugAt
	}
	return nil
}

// findDebugger finds Delve where an app is to be debugged.
func (s *supervisor) findDebugger(ctx context.Context, p *plan) (err error) {
	s.dlv = s.opts.dlv
	for _, a := range p.apps {
		if a.settings.debug != "" && s.dlv == "" {
			if s.dlv, err = delve.Find(ctx); err != nil {
				return usagef("--debug: %w", err)
			}
		}
	}
	return nil
}

// debugAddr is where the app's debugger is reached, "" without one.
func (a *app) debugAddr() string {
	if a.debugger == nil {
		return ""
	}
	return a.debugger.Addr().String()
}

// openDebugger lets clients connect; they wait until a version is ready.
func (l *loop) openDebugger() {
	if l.app.debugger == nil {
		return
	}
	if addr, ok := l.app.debugger.Addr().(*net.TCPAddr); ok && !addr.IP.IsLoopback() {
		l.sup.notices.warnf("whoever reaches %s can run any code as you: Delve asks nobody who they are", addr)
	}
	l.debugger = delve.New(delve.Config{
		Tool: l.sup.dlv, Listener: l.app.debugger, Dir: l.project.Dir,
		Warn: func(text string) { l.sup.notices.warnf("%s: %s", l.name, text) },
	})
}

// debug moves the debugger to a version. It has accepted: a program that stands at a breakpoint is never taken for one that
// does not get ready. The version before goes on without a debugger, also where it stood, and finishes its requests.
func (l *loop) debug(v *version) {
	if l.debugger != nil {
		l.debugger.Target(v.PID(), v.Gone())
	}
}

// closeDebugger lets the live version go on before it is asked to end.
func (l *loop) closeDebugger() {
	if l.debugger != nil {
		l.debugger.Close()
	}
}
