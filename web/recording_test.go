package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC // pages show the machine's time of day; golden files must not
	os.Exit(m.Run())
}

// noon is when the made-up recording is looked at.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// recording is a Source in memory, with the filters that these tests use.
type recording struct {
	mu       sync.Mutex
	sockets  []record.Socket // all in order of id
	events   []record.Event
	runs     []record.Run
	builds   []record.Build
	requests []record.Request // all in order of id
	logs     []record.Log
	bytes    []record.Payload
	now      time.Time
	err      error // answers everything
}

var _ Source = (*recording)(nil)

func (r *recording) add(s record.Socket) record.Socket {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.ID == 0 {
		s.ID = int64(len(r.sockets) + 1)
	}
	s.App, s.RunID = cmp.Or(s.App, "guestbook"), cmp.Or(s.RunID, 3)
	r.sockets = append(r.sockets, s)
	return s
}

func (r *recording) happen(s record.Socket, e record.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.ID = int64(len(r.events) + 1)
	e.SocketID, e.App, e.RunID = s.ID, s.App, s.RunID
	e.RequestID = cmp.Or(e.RequestID, s.RequestID)
	e.Network, e.Host, e.RemoteAddr, e.CallSite = s.Network, s.Host, s.RemoteAddr, s.CallSite
	if e.Request == "" {
		e.Request = s.Request
	}
	r.events = append(r.events, e)
}

func (r *recording) Sockets(_ context.Context, f record.SocketFilter) ([]record.Socket, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rows []record.Socket
	for _, s := range slices.Backward(r.sockets) {
		idle := s.State == "open" && s.LastAt < f.IdleSince
		if f.State != "" && f.State != s.State && (f.State != "idle" || !idle) ||
			f.Host != "" && !strings.Contains(s.Host+" "+s.RemoteAddr, f.Host) ||
			f.App != "" && f.App != s.App || f.RequestID != 0 && f.RequestID != s.RequestID || f.RunID != 0 && f.RunID != s.RunID ||
			f.Before != 0 && s.ID >= f.Before || max(s.OpenedAt, s.LastAt) < f.Since {
			continue
		}
		rows = append(rows, s)
	}
	return rows[:min(len(rows), cmp.Or(f.Limit, 200))], r.err
}

func (r *recording) Socket(_ context.Context, id int64) (record.Socket, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sockets {
		if s.ID == id {
			return s, r.err
		}
	}
	return record.Socket{}, cmp.Or(r.err, fmt.Errorf("socket %d: %w", id, record.ErrNotFound))
}

func (r *recording) Events(_ context.Context, f record.EventFilter) ([]record.Event, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rows := r.eventsLocked(f)
	return rows[:min(len(rows), cmp.Or(f.Limit, 200))], r.err
}

func (r *recording) eventsLocked(f record.EventFilter) []record.Event {
	var rows []record.Event
	for _, e := range r.events {
		if len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind) || f.SocketID != 0 && f.SocketID != e.SocketID || f.RequestID != 0 && f.RequestID != e.RequestID ||
			f.Rule != "" && f.Rule != e.Rule || f.Host != "" && !strings.Contains(e.Host+" "+e.RemoteAddr, f.Host) ||
			f.After != 0 && e.ID <= f.After || f.Before != 0 && e.ID >= f.Before || e.At < f.Since {
			continue
		}
		rows = append(rows, e)
	}
	if !f.Ascending {
		slices.Reverse(rows)
	}
	return rows
}

func (r *recording) Denials(_ context.Context, f record.EventFilter) ([]record.Denial, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.Kinds = []string{"deny"}
	var rows []record.Denial
	for _, e := range r.eventsLocked(f) {
		i := slices.IndexFunc(rows, func(d record.Denial) bool {
			return d.Rule == e.Rule && d.CallSite == e.CallSite && d.Host == e.Host && d.RemoteAddr == e.RemoteAddr
		})
		if i < 0 {
			i = len(rows)
			rows = append(rows, record.Denial{Event: e})
		}
		rows[i].Count++
		rows[i].FirstAt = e.At
	}
	return rows[:min(len(rows), cmp.Or(f.Limit, 200))], r.err
}

func (r *recording) Reclaims(_ context.Context, f record.EventFilter) ([]record.Reclaim, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.Kinds = []string{"reclaim"}
	var rows []record.Reclaim
	for _, e := range r.eventsLocked(f) {
		row := record.Reclaim{Event: e, IdleNS: int64(2*time.Minute + 6*time.Second)}
		for _, use := range r.events {
			if use.SocketID != e.SocketID || use.ID < e.ID || use.Error == "" {
				continue
			}
			if row.Uses++; row.Uses == 1 {
				row.UsedAt, row.UsedKind, row.UsedError, row.UsedRequest, row.UsedStatus = use.At, use.Kind, use.Error, use.Request, use.Status
			}
		}
		rows = append(rows, row)
	}
	return rows[:min(len(rows), cmp.Or(f.Limit, 200))], r.err
}

func (r *recording) Runs(context.Context) ([]record.Run, error) { return r.runs, r.err }

func (r *recording) Counts(_ context.Context, idleSince int64) (record.Counts, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := record.Counts{Sockets: int64(len(r.sockets)), Events: int64(len(r.events))}
	for _, s := range r.sockets {
		by := map[string]*int64{"open": &c.Open, "closed": &c.Closed, "reclaimed": &c.Reclaimed, "denied": &c.Denied, "failed": &c.Failed}
		*by[s.State]++
		if s.State == "open" && s.LastAt < idleSince {
			c.Idle++
		}
		c.BytesSent += s.BytesSent
		c.BytesReceived += s.BytesReceived
	}
	for _, e := range r.events {
		if e.Kind == "deny" {
			c.Denials++
		}
	}
	return c, r.err
}

func (r *recording) Activity(_ context.Context, f record.ActivityFilter) ([]record.Activity, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rows []record.Activity
	for _, e := range r.events {
		at := e.At + e.DurationNS
		if !slices.Contains(f.Sockets, e.SocketID) || at < f.Since || !slices.Contains([]string{"connect", "send", "receive"}, e.Kind) {
			continue
		}
		at -= at % f.Step
		i := slices.IndexFunc(rows, func(a record.Activity) bool { return a.SocketID == e.SocketID && a.At == at })
		if i < 0 {
			i = len(rows)
			rows = append(rows, record.Activity{SocketID: e.SocketID, At: at})
		}
		rows[i].Operations++
		rows[i].Bytes += e.Bytes
	}
	return rows, r.err
}

func (r *recording) OpenOverTime(_ context.Context, since, step int64, n int) ([]int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	levels := make([]int64, n)
	for i := range levels {
		at := since + int64(i)*step
		for _, s := range r.sockets {
			if s.State != "denied" && s.OpenedAt <= at && (s.ClosedAt == 0 || s.ClosedAt > at) {
				levels[i]++
			}
		}
	}
	return levels, r.err
}

// lively is a recording with a bit of everything, looked at by now.
func lively(now time.Time) *recording {
	r := &recording{now: now}
	at := func(s float64) int64 { return now.Add(-time.Duration(s * float64(time.Second))).UnixNano() }
	for i := range 14 { // earlier
		t := 590 - float64(i)*37
		r.add(record.Socket{Network: "tcp", Host: "db.example.com", RemoteAddr: "93.184.216.34:5432", Standin: "127.0.0.1:5432", OpenedAt: at(t), ClosedAt: at(t - 20 - float64(i*i%90)),
			State: "closed", CloseReason: "app", BytesSent: 512, BytesReceived: 2048, CallSite: "orders.go:88", LastAt: at(t - 10), Request: "GET /orders/7", RequestID: int64(100 + i)})
	}
	for _, x := range made {
		s := record.Socket{Network: x.network, Host: x.host, RemoteAddr: x.remote, LocalAddr: "127.0.0.1:49152", Standin: x.standin, OpenedAt: at(x.from), State: x.state, CallSite: x.site,
			Request: x.request, RequestID: x.requestID, BytesSent: x.sent, BytesReceived: x.received, LastAt: at(x.from), Rule: x.rule}
		if x.to > 0 {
			s.ClosedAt, s.CloseReason = at(x.to), map[string]string{"closed": "app", "reclaimed": "reclaimed"}[x.state]
		}
		for _, use := range x.uses {
			s.LastAt = max(s.LastAt, at(use))
		}
		s.Sends, s.Receives = int64(len(x.uses)), int64(len(x.uses))
		s = r.add(s)
		if x.rule != "" {
			for i := range x.times {
				r.happen(s, record.Event{Kind: "deny", At: at(x.from + float64(x.times-i-1)*9), Rule: x.rule, Error: x.err, Detail: x.detail, Status: x.status})
			}
			continue
		}
		r.happen(s, record.Event{Kind: "resolve", At: at(x.from + .004), DurationNS: 1_200_000, Detail: x.host + " is 93.184.216.34"})
		r.happen(s, record.Event{Kind: "create", At: at(x.from), DurationNS: 9_000})
		r.happen(s, record.Event{Kind: "connect", At: at(x.from - .001), DurationNS: 140_000})
		for i, use := range x.uses {
			r.happen(s, record.Event{Kind: "send", At: at(use), DurationNS: 21_000, Bytes: x.sent / int64(len(x.uses))})
			r.happen(s, record.Event{Kind: "receive", At: at(use - .2), DurationNS: 3_400_000, Bytes: x.received / int64(len(x.uses)) * int64(i%2*2)})
		}
		if x.state == "reclaimed" {
			r.happen(s, record.Event{Kind: "reclaim", At: at(x.to), Rule: "reclaimed", Detail: "unused for 2 min 6 s; production closes a socket after 2 min"})
			if x.status != 0 {
				r.happen(s, record.Event{Kind: "send", At: at(x.to - 6), Rule: "reclaimed", Error: "write: broken pipe", Request: "GET /sign", Status: x.status})
			}
		}
		if x.state == "closed" {
			r.happen(s, record.Event{Kind: "close", At: at(x.to)})
		}
	}
	r.runs = []record.Run{{ID: 3, App: "guestbook", StartedAt: at(600), PID: 4711, GoVersion: "go1.26.8", BuildMS: 410, Profile: "appengine", BuildID: 12}}
	r.serve(at)
	return r
}

// made are the sockets of the last minute: seconds ago, oldest first.
var made = []struct {
	state, network, host, remote, standin, request string
	requestID                                      int64
	site                                           string
	sent, received                                 int64
	from, to                                       float64
	uses                                           []float64
	rule, err, detail                              string
	times, status                                  int
}{
	{state: "open", network: "tcp", host: "db.example.com", remote: "93.184.216.34:5432", standin: "127.0.0.1:5432", request: "GET /", requestID: 61, site: "pool.go:54", sent: 880, received: 4100, from: 112, uses: []float64{111, 109, 97}},
	{state: "reclaimed", network: "tcp", host: "mq.example.com", remote: "93.184.216.40:5672", standin: "127.0.0.1:5672", request: "GET /sign", requestID: 62, site: "queue.go:19", sent: 96, received: 210, from: 58, to: 21.5, uses: []float64{57, 53}, status: 500},
	{state: "open", network: "tcp", host: "db.example.com", remote: "93.184.216.34:5432", standin: "127.0.0.1:5432", request: "GET /orders/7", requestID: 63, site: "orders.go:88", sent: 1200, received: 18400, from: 57, uses: []float64{56, 55, 54, 50, 29, 28, 14}},
	{state: "open", network: "tcp", host: "cache.example.com", remote: "93.184.216.35:6379", standin: "127.0.0.1:6379", request: "GET /orders/7", requestID: 63, site: "cache.go:31", sent: 412, received: 2000, from: 56.5, uses: []float64{56, 47, 39, 26, 19, 3.2, 3}},
	{state: "closed", network: "udp", host: "ns1.example.com", remote: "93.184.216.36:53", standin: "127.0.0.1:5353", request: "GET /whois", requestID: 64, site: "whois.go:23", sent: 31, received: 63, from: 42, to: 38, uses: []float64{41.5}},
	{state: "closed", network: "tcp", host: "whois.example.com", remote: "93.184.216.37:43", standin: "builtin:whois", request: "GET /whois", requestID: 64, site: "whois.go:40", sent: 12, received: 1900, from: 38, to: 35, uses: []float64{37, 36.4}},
	{state: "denied", network: "tcp", host: "smtp.example.com", remote: "93.184.216.38:25", request: "POST /sign", requestID: 65, site: "mail.go:42", from: 34, to: 34, rule: "port25", err: "connect: permission denied",
		detail: "Port 25 is blocked in production, whatever the host: mail leaves through port 587.", times: 3, status: 500},
	{state: "denied", network: "tcp", remote: "10.0.0.7:8080", request: "GET /health", requestID: 66, site: "health.go:15", from: 16, to: 16, rule: "private", err: "connect: permission denied",
		detail: "10.0.0.7 is a private address (RFC 1918): production's sockets reach the internet only.", times: 1, status: 200},
	{state: "open", network: "tcp", host: "api.example.org", remote: "93.184.216.39:443", request: "GET /rates", requestID: 67, site: "rates.go:61", sent: 2200, received: 41700, from: 14, uses: []float64{14, 12.5, 10, 9.5, 9, 8.5, 8, 7.5, 7, 6.5, 6, 5.5, 5, 1.6}},
}

// running is what the supervisor says beside lively.
func running(now time.Time) State {
	at := func(s int) time.Time { return now.Add(-time.Duration(s) * time.Second) }
	return timed(State{
		Recording: "/home/me/guestbook/.devserver/recording.db",
		Apps: []App{ruled(App{
			Name: "guestbook", URL: "http://127.0.0.1:8080", Profile: "appengine", IdleLimit: 2 * time.Minute, Reload: 12,
			Sources: map[string]string{"port25": "App Engine, Sockets API overview, “Limitations and restrictions”", "private": "App Engine, Sockets API overview, “Private, broadcast, multicast, and Google IP ranges”"},
			Builds: []Build{
				{Number: 12, At: at(130), Files: []string{"orders.go"}, Build: 410 * time.Millisecond, Swap: 31 * time.Millisecond},
				{Number: 12, At: at(171), Files: []string{"orders.go"}, Build: 380 * time.Millisecond, Errors: []string{"orders.go:91:7: undefined: rows", "orders.go:95:2: missing return"}, Serving: true},
				{Number: 11, At: at(420), Files: []string{"pool.go", "orders.go", "cache.go", "main.go"}, Build: 440 * time.Millisecond, Swap: 28 * time.Millisecond},
				{Number: 1, At: at(610), Build: 6100 * time.Millisecond, Swap: 40 * time.Millisecond},
			},
			Escapes: []Escape{
				{Package: "github.com/mattn/go-sqlite3", Kind: "cgo", Text: "C code is built in; a socket that it opens is not seen."},
				{Package: "example.com/guestbook/thumbs", Kind: "child process", Text: "It imports os/exec; what it starts opens its own sockets."},
			},
		}, testPolicy(), now, testUse)},
	}, now)
}

// moved is running with the clock ahead.
func moved(now time.Time) State {
	state := running(now)
	state.Offset = 121 * time.Second
	state.Moves = []ClockMove{{At: now.Add(-22 * time.Second), By: state.Offset}}
	return timed(state, now)
}

// controls remember what was asked of them.
type controls struct {
	mu     sync.Mutex
	asked  []string
	offset time.Duration
	err    error
	after  func()
}

func (c *controls) did(what string) (ClockState, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, what)
	if c.after != nil {
		c.after()
	}
	return ClockState{Offset: c.offset, Reclaimed: 1}, c.err
}

func (c *controls) Advance(_ context.Context, d time.Duration) (ClockState, error) {
	c.mu.Lock()
	c.offset += d
	c.mu.Unlock()
	return c.did("advance " + d.String())
}

func (c *controls) AdvanceTo(_ context.Context, b Border) (ClockState, error) {
	c.mu.Lock()
	c.offset += map[Border]time.Duration{BorderMinute: 21 * time.Second, BorderMidnight: 20 * time.Hour}[b]
	c.mu.Unlock()
	return c.did("advance to " + string(b))
}

func (c *controls) ResetQuotas(_ context.Context, app string) ([]string, error) {
	if app != "" && app != "guestbook" {
		return nil, fmt.Errorf("app %q: %w", app, record.ErrNotFound)
	}
	_, err := c.did("reset quotas of " + cmp.Or(app, "all"))
	return []string{"guestbook"}, err
}

func (c *controls) ResetClock(context.Context) (ClockState, error) {
	c.mu.Lock()
	c.offset = 0
	c.mu.Unlock()
	return c.did("reset")
}

func (c *controls) CloseSocket(_ context.Context, id int64) error {
	if id == 404 {
		return fmt.Errorf("socket %d: %w", id, record.ErrNotFound)
	}
	if id == 409 {
		return errors.New("the worker does not answer")
	}
	_, err := c.did(fmt.Sprintf("close %d", id))
	return err
}
