package devserver

import (
	"context"
	"time"

	"github.com/seed-d81df0db/devserver/web"
)

// drain is the end of a version that another has taken the place of.
type drain struct {
	*version
	reload int           // that replaced it
	within time.Duration // how long it may finish its requests
}

// run stops the version once its requests are finished, and at the latest when its time is over: as production does, by
// SIGTERM and a while later SIGKILL. When devserver stops, the proxy has cut them.
func (d drain) run(ctx context.Context, drained <-chan struct{}) {
	if isOpen(drained) {
		d.app.show(func(w *web.App) { w.Draining++ })
		defer d.app.show(func(w *web.App) { w.Draining-- })
	}
	limit := time.NewTimer(d.within)
	defer limit.Stop()
	left := 0
	select {
	case <-drained:
	case <-d.Done():
	case <-ctx.Done():
	case <-limit.C:
		left = d.app.proxy.Left(d.version)
	}
	d.stop(context.Background(), stopGrace)
	d.app.proxy.Cut(d.version) // a process that left the worker's group may hold a connection
	if left > 0 {
		d.app.sup.notices.tell(DrainEnded{App: d.app.name, Reload: d.reload, Requests: left, Limit: d.within})
	}
}
