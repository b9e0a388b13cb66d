package devserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/web"
)

// pulseEvery is how often open pages are told of changes at most.
const pulseEvery = 150 * time.Millisecond

// touch says that something that the console shows has changed. It never blocks.
func (s *supervisor) touch() {
	select {
	case s.touched <- struct{}{}:
	default:
	}
}

// pulse tells open pages of changes until ctx ends, a burst of them once.
func (s *supervisor) pulse(ctx context.Context) {
	for {
		select {
		case <-s.touched:
		case <-ctx.Done():
			return
		}
		s.live.Notify()
		select {
		case <-time.After(pulseEvery):
		case <-ctx.Done():
			return
		}
	}
}

// consoleHandler joins the console with the recording and the workers.
func (s *supervisor) consoleHandler(ln net.Listener) (http.Handler, error) {
	addr := ln.Addr().(*net.TCPAddr)
	var own []string
	if !addr.IP.IsUnspecified() { // 127.0.0.2 is one of loopback's too
		own = []string{addr.IP.String()}
	}
	return web.NewHandler(web.Config{
		Source: s.db, State: s.state, Controls: controls{s.fleet, s.db, s.quotas}, Live: &s.live,
		Log:   slog.New(slog.NewTextHandler(warner{s.notices}, &slog.HandlerOptions{ReplaceAttr: withoutTime})),
		Token: s.token, Hosts: web.LoopbackHosts(addr.Port, own...), Open: !addr.IP.IsLoopback(),
	})
}

// warner tells lines of a log as warnings, each once.
type warner struct{ notices *notifier }

func (w warner) Write(line []byte) (int, error) {
	w.notices.warnOnce("%s; reload the page, or report it if it comes again", strings.TrimSpace(string(line)))
	return len(line), nil
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func (s *supervisor) state() web.State {
	offset, moves := s.fleet.clock()
	now := sandbox.Now() + int64(offset)
	state := web.State{Time: time.Unix(0, now), Offset: offset, Moves: moves, Recording: s.db.Path()}
	state.Day.Start, state.Day.End = quotaDay(state.Time)
	for _, a := range s.apps {
		shown := a.state(now)
		shown.Backlog = s.readers.backlog(a.name)
		state.Apps = append(state.Apps, shown)
	}
	return state
}

// A lastCall lets requests in until it is closed. http.Server.Close does not wait for handlers, and what they read, such
// as the mapped counters of quotas, is let go after it.
type lastCall struct {
	next http.Handler

	inside sync.RWMutex // held for reading by each request
	over   bool         // guarded by inside
}

func (l *lastCall) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.inside.RLock()
	defer l.inside.RUnlock()
	if l.over {
		http.Error(w, "devserver is stopping", http.StatusServiceUnavailable)
		return
	}
	l.next.ServeHTTP(w, r)
}

// close waits for those inside and lets nobody in any more.
func (l *lastCall) close() {
	l.inside.Lock()
	defer l.inside.Unlock()
	l.over = true
}

// serveConsole runs the console until ctx ends.
func (s *supervisor) serveConsole(ctx context.Context, ln net.Listener, h http.Handler) error {
	last := &lastCall{next: h}
	defer last.close()
	server := &http.Server{Handler: last, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	var wait sync.WaitGroup
	wait.Go(func() { served <- server.Serve(ln) })
	defer wait.Wait()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	s.live.Close()
	brief, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if server.Shutdown(brief) != nil {
		server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
