package devserver

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/proxy"
	"github.com/seed-d81df0db/devserver/web"
)

// nextEnded: a version ended before it accepted. While another serves, only a change can help; otherwise what it
// waits for may come up, so it is tried again. Requests that wait for a build that is under way go on waiting.
func (l *loop) nextEnded() {
	v := l.next
	l.next = nil
	l.silent.Stop()
	l.owe()
	wait := time.Duration(0)
	if l.live == nil && !l.builder.busy {
		wait = l.again(v)
	}
	l.tellExit(v, wait)
	switch {
	case l.builder.busy:
	case wait == minBackoff && v.Killed(): // not its own fault: requests wait for the restart
		l.proxy.Hold()
	default:
		l.release(l.problem(v, wait))
	}
}

// liveEnded: the version that served ended by itself. After the first time requests wait for its restart.
func (l *loop) liveEnded() {
	v := l.live
	l.live = nil
	l.retired.Go(func() { <-v.ended }) // devserver's own end waits until this one is recorded
	underWay := l.next != nil || l.builder.busy
	wait := time.Duration(0)
	if !underWay {
		wait = l.again(v)
	}
	l.tellExit(v, wait)
	if wait == minBackoff {
		l.proxy.Hold()
	}
	problem := l.problem(v, wait)
	l.proxy.Drop(v, problem)
	l.pages.Show(overPages(problem))
}

const minBackoff = time.Second

// again schedules a restart and returns when it is: later each time, unless v ran well for a while.
func (l *loop) again(v *version) time.Duration {
	l.backoff = min(max(2*l.backoff, minBackoff), maxBackoff)
	if time.Since(v.started) >= wellAfter {
		l.backoff = minBackoff
	}
	l.restart.Reset(l.backoff)
	return l.backoff
}

// startAgain starts the last program that was built once more.
func (l *loop) startAgain() {
	if l.next == nil && l.live == nil && !l.builder.busy {
		l.try(l.good, false)
	}
}

func (l *loop) tellExit(v *version, wait time.Duration) {
	again := wait > minBackoff
	l.sup.notices.tell(WorkerExited{App: l.name, Exit: v.Exit(), LastLines: v.LastLines(), RestartIn: wait, Again: again, Serving: l.live != nil})
	if other := v.elsewhere(); other != "" && isOpen(v.Ready()) && !again {
		l.sup.notices.warnf("%s", l.listensOn(other))
	}
	if l.live == nil {
		l.lost = v.Exit()
		if wait > 0 {
			l.lost += "; restarts in " + wait.String()
		}
		l.show(func(w *web.App) { w.Down = l.lost })
	}
}

// warnf warns of the app: what was under way with it has come to nothing for now.
func (l *loop) warnf(format string, args ...any) {
	l.sup.notices.tell(Warning{App: l.name, Text: fmt.Sprintf(format, args...)})
}

func (l *loop) problem(v *version, wait time.Duration) *proxy.Problem {
	p := &proxy.Problem{Title: "The app ended: " + v.Exit(), Text: strings.Join(v.LastLines(), "\n"), Advice: "It is started again after the next change."}
	if wait > 0 {
		p.Advice = "It is started again in " + wait.String() + ", and after the next change."
	}
	return p
}

// isSilent: a version has been running for a while and has not accepted. It may still; requests need not wait, unless a newer
// one is being built.
func (l *loop) isSilent() {
	if l.next == nil {
		return
	}
	l.trial.silent = true
	problem := l.silence()
	l.warnf("%s", problem.Advice)
	if !l.builder.busy {
		l.release(problem)
	}
}

// silence says what is wrong with next, which does not accept.
func (l *loop) silence() *proxy.Problem {
	text := fmt.Sprintf("%s runs but has not accepted a connection on $PORT (%d) for %v; serve with http.ListenAndServe(\":\"+os.Getenv(\"PORT\"), nil)",
		l.name, l.port, l.settings.listenLimit)
	if other := l.next.elsewhere(); other != "" {
		text = l.listensOn(other)
	}
	return &proxy.Problem{Title: "The app does not accept connections", Text: strings.Join(l.next.LastLines(), "\n"), Advice: text}
}

func (l *loop) listensOn(addr string) string {
	text := fmt.Sprintf("%s listens on %s, where no request arrives; listen on $PORT (%d): http.ListenAndServe(\":\"+os.Getenv(\"PORT\"), nil)", l.name, addr, l.port)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return text
	}
	text += ", or let it have the port that it has chosen: "
	if len(l.sup.apps) > 1 {
		return text + "addr: 127.0.0.1:" + port + " of the app in devserver.yaml"
	}
	return text + "--addr 127.0.0.1:" + port
}
