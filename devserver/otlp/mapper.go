package otlp

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/seed-d81df0db/devserver/devserver/export"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// mapper makes spans and log records of rows.
type mapper struct {
	src  export.Source
	runs map[int64]record.Run // read already
}

func newMapper(src export.Source) *mapper {
	return &mapper{src: src, runs: map[int64]record.Run{}}
}

// keptRuns bounds what a mapper remembers: a recording may hold any number of runs.
const keptRuns = 64

// forget lets go of what may have changed meanwhile: of a run that has just begun not all is known.
func (m *mapper) forget() { clear(m.runs) }

// run returns the run of a row, with the row's app alone when the recording does not hold it any more. A program that no
// devserver started has none: what its rows share is made of their request then, else of the row's own time.
func (m *mapper) run(ctx context.Context, app string, id, request, at int64) (record.Run, error) {
	none := record.Run{ID: id, App: app}
	if id == 0 {
		none.StartedAt = at
		if request == 0 {
			return none, nil
		}
		q, err := m.src.Request(ctx, request)
		if errors.Is(err, record.ErrNotFound) {
			err = nil
		}
		none.App, none.StartedAt = cmp.Or(q.App, app), q.StartedAt
		return none, err
	}
	if r, ok := m.runs[id]; ok {
		return r, nil
	}
	found, err := m.src.SelectRuns(ctx, record.RunFilter{Before: id + 1, Limit: 1})
	if err != nil {
		return none, err
	}
	if len(found) == 0 || found[0].ID != id {
		return none, nil
	}
	if len(m.runs) >= keptRuns {
		clear(m.runs)
	}
	m.runs[id] = found[0]
	return found[0], nil
}

func (m *mapper) runOfSocket(ctx context.Context, s *record.Socket) (record.Run, error) {
	return m.run(ctx, s.App, s.RunID, s.RequestID, s.OpenedAt)
}

func (m *mapper) runOfEvent(ctx context.Context, e *record.Event) (record.Run, error) {
	return m.run(ctx, e.App, e.RunID, e.RequestID, e.At)
}

// resourceOf says whose spans they are.
func resourceOf(r record.Run) resource {
	var a attributes
	a.text("service.name", cmp.Or(r.App, "unknown_service")) // the conventions' word, of a look-up that no run made
	a.text("service.version", r.Revision)
	a.number("process.pid", int64(r.PID))
	if r.GoVersion != "" {
		a.text("process.runtime.name", "go")
		a.text("process.runtime.version", r.GoVersion)
	}
	a.number("devserver.run", r.ID)
	a.text("devserver.profile", r.Profile)
	return resource{a}
}

// site adds where in the user's code something came from: store/db.go:42.
func (a *attributes) site(callSite string) {
	file, line, ok := cutLast(callSite, ":")
	n, err := strconv.ParseInt(line, 10, 64)
	if !ok || err != nil {
		a.text("code.file.path", callSite)
		return
	}
	a.text("code.file.path", file)
	a.number("code.line.number", n)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// endpoint adds an address, host:port, under two names. What has no port is an address alone.
func (a *attributes) endpoint(address, port, hostport string) {
	host, p, err := net.SplitHostPort(hostport)
	if err != nil {
		a.text(address, hostport)
		return
	}
	a.text(address, host)
	if n, err := strconv.ParseUint(p, 10, 16); err == nil {
		a.number(port, int64(n))
	}
}

// transport adds how bytes go: "tcp4" is tcp over ipv4, and so on.
func (a *attributes) transport(network, remote string) {
	transport := strings.TrimRight(network, "46")
	if strings.HasPrefix(network, "unix") {
		transport = "unix"
	}
	a.text("network.transport", transport)
	if at, err := netip.ParseAddrPort(remote); err == nil {
		kind := "ipv6"
		if at.Addr().Unmap().Is4() {
			kind = "ipv4"
		}
		a.text("network.type", kind)
	}
}

// destination is where a program wanted to go, as far as possible in its own words: the name, with the address's port.
func destination(host, remote string) string {
	if host == "" || strings.HasPrefix(remote, host) {
		return remote
	}
	if _, port, err := net.SplitHostPort(remote); err == nil {
		return net.JoinHostPort(host, port)
	}
	return host
}
