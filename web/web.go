// Package web is the admin console: pages that show what every socket of the user's apps did, the same facts as
// JSON, and one stream that tells of changes.
//
//	browser, curl ─► guard (Host, Origin, token) ─► router ─► page ──► Source (the recording)
//	                                                  │        └─────► State  (apps, builds, clock)
//	                                                  ├─► /api/v1/…        the same as JSON
//	                                                  ├─► /api/v1/stream ◄─ Live.Notify by the supervisor
//	                                                  └─► POST …      ────► Controls (clock, quotas, close a socket)
//
// It knows neither storage nor the supervisor: Source, Controls and State say what it needs of them. Pages are whole
// without JavaScript; live.js fetches the page it stands on again when the stream says so and replaces what differs.
//
// What is asked of the API below /api/v1, an answer's fields in the types named:
//
//	GET  overview, counts         State, record.Counts
//	GET  sockets, sockets/{id}    record.Socket, with its events
//	GET  requests                 record.Request
//	GET  requests/{id}            a requestAnswer: with its run, events, sockets and log lines
//	GET  logs                     record.Log
//	GET  events, denials, reclaims, runs
//	GET  quotas?app=              a quotaRow for each app, resource and window
//	GET  rules?app=               an appRules for each app
//	GET  explain?network=&address=&answers=&app=    an explainAnswer
//	GET  clock                    a clockAnswer
//	GET  stream                   server-sent events
//	POST clock/advance            duration, or to=minute|midnight: ClockState
//	POST clock/reset              ClockState
//	POST quotas/reset             app, none: all: {"reset": ["guestbook"]}
//	POST sockets/{id}/close       {"closed": 7}
package web

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// Source is what the console reads: a recording. Its methods are called by many requests at once; they must end soon
// after their context does.
type Source interface {
	Sockets(context.Context, record.SocketFilter) ([]record.Socket, error)
	Socket(ctx context.Context, id int64) (record.Socket, error) // record.ErrNotFound
	Events(context.Context, record.EventFilter) ([]record.Event, error)
	Denials(context.Context, record.EventFilter) ([]record.Denial, error)
	Reclaims(context.Context, record.EventFilter) ([]record.Reclaim, error)
	Runs(context.Context) ([]record.Run, error) // newest first
	SelectRuns(context.Context, record.RunFilter) ([]record.Run, error)
	Builds(context.Context, record.BuildFilter) ([]record.Build, error)
	Requests(context.Context, record.RequestFilter) ([]record.Request, error)
	Request(ctx context.Context, id int64) (record.Request, error) // record.ErrNotFound
	// RequestSockets tells which sockets the requests used, of each at most so many, those that it used first.
	RequestSockets(ctx context.Context, requests []int64, most int) ([]record.RequestSocket, error)
	// RequestUses counts them, no further than most.
	RequestUses(ctx context.Context, requests []int64, most int) ([]record.RequestUse, error)
	// CountRequestEvents counts the events of a request behind one of them, no further than most.
	CountRequestEvents(ctx context.Context, request, after int64, most int) (int64, error)
	Logs(context.Context, record.LogFilter) ([]record.Log, error)
	// SearchLogs and SearchRequests stop looking for a part of a text when that time is over, and say where they stopped.
	SearchLogs(context.Context, record.LogFilter, time.Duration) (record.Found[record.Log], error)
	SearchRequests(context.Context, record.RequestFilter, time.Duration) (record.Found[record.Request], error)
	Payloads(context.Context, record.PayloadFilter) ([]record.Payload, error)
	// Counts tells the totals; open sockets unused since idleSince are idle, 0: none is.
	Counts(ctx context.Context, idleSince int64) (record.Counts, error)
	Activity(context.Context, record.ActivityFilter) ([]record.Activity, error)
	// OpenOverTime tells how many sockets were open at since, since+step, and so on: n numbers.
	OpenOverTime(ctx context.Context, since, step int64, n int) ([]int64, error)
}

// Controls is what the console changes. The methods return when the change has reached every worker.
type Controls interface {
	Advance(context.Context, time.Duration) (ClockState, error) // moves the sandbox's clock forward
	AdvanceTo(context.Context, Border) (ClockState, error)      // as far as the next border, by the sandbox's clock
	ResetClock(context.Context) (ClockState, error)
	// ResetQuotas starts what an app has used of its quotas afresh, of all apps for "", and names those apps. The recording
	// says so when it returns. record.ErrNotFound when there is no such app.
	ResetQuotas(ctx context.Context, app string) ([]string, error)
	CloseSocket(ctx context.Context, id int64) error // record.ErrNotFound when no open socket has that id
}

// A Border is a time at which quotas are refilled.
type Border string

// The borders: the minute quotas are refilled at full minutes, the daily ones at midnight Pacific time too.
const (
	BorderMinute   Border = "minute"
	BorderMidnight Border = "midnight"
)

// ClockState is the sandbox's clock after a change.
type ClockState struct {
	Offset    time.Duration `json:"offset_ns"` // how far it is ahead of the machine's
	Reclaimed int           `json:"reclaimed"` // sockets that this change ended
}

// State is what only the supervisor knows; nothing of it is in the recording. Config.State makes a new one for each
// call, so that the console may keep it.
type State struct {
	Apps      []App         `json:"apps"`
	Time      time.Time     `json:"clock"`                 // the sandbox's clock when this State was made
	Day       Day           `json:"day"`                   // production's present day by that clock
	Offset    time.Duration `json:"clock_offset_ns"`       // how far the sandbox's clock is ahead
	Moves     []ClockMove   `json:"clock_moves,omitempty"` // of this devserver run, in order
	Recording string        `json:"recording"`             // path of recording.db
}

// A Day of production, from midnight to midnight in Pacific time, which is both times' location. It has 23 or 25 hours
// when the clocks are changed there.
type Day struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// ClockMove is one change of the sandbox's clock. A reset is a move backwards. The console needs them to tell how long
// a socket has been idle by that clock: events carry real time.
type ClockMove struct {
	At time.Time     `json:"at"`
	By time.Duration `json:"by_ns"`
}

// App is one of the user's programs.
type App struct {
	Name      string        `json:"name"`
	URL       string        `json:"url"`                // where it answers: http://127.0.0.1:8080
	Profile   string        `json:"profile"`            // the name of its production profile
	IdleLimit time.Duration `json:"idle_limit_ns"`      // production reclaims a socket unused for so long; 0: never
	Reload    int           `json:"reload"`             // number of the version that serves; 1 is the first, 0: none yet
	Building  time.Time     `json:"building,omitzero"`  // since when a build has been running; zero: none is
	Down      string        `json:"down,omitempty"`     // why no worker serves: "exit status 2; restarts in 4 s"
	Draining  int           `json:"draining,omitempty"` // versions before it that still finish requests
	Builds    []Build       `json:"builds,omitempty"`   // newest first
	// Sources tells for a rule's id where production's documents say so. A rule that is missing has no source line.
	Sources map[string]string `json:"sources,omitempty"`
	Escapes []Escape          `json:"escapes,omitempty"` // packages of its newest build that can open sockets unseen
	// Backlog is what it has done and is not in the recording yet.
	Backlog Backlog `json:"backlog"`
	// Quotas are read from the counters that the app's workers share: minutes before days, in the order of
	// sandbox.Resources.
	Quotas []Quota `json:"quotas,omitempty"`
	// Policy is what the app runs under. The console only reads it. nil: not known, no rule is shown.
	Policy *sandbox.Policy `json:"-"`
	// Explainer answers by the Policy; nil: nothing can be explained.
	Explainer Explainer `json:"-"`
	// ExplainFlags make the command "devserver explain" judge as this app's run does: --config FILE, --no-billing.
	ExplainFlags []string `json:"-"`
}

// An Explainer says what production does with an address, by the policy of one app and knowing its stand-ins. answers
// are what the resolver says about a name, nil when it was not asked. Any text gets an answer. It is called by many
// requests at once.
type Explainer interface {
	Explain(network, address string, answers []netip.Addr) Explained
}

// Explained is an explanation, and how this run differs from production for that address.
type Explained struct {
	sandbox.Explanation
	Standin string `json:"standin,omitempty"` // what serves the address here, "" when nothing does
	Here    string `json:"here,omitempty"`    // a sentence on what the stand-ins change; "" when they change nothing
}

// A Quota is what an app has used of a resource in the present minute or day, by the sandbox's clock.
type Quota struct {
	record.QuotaUsage
	WindowEnd int64        `json:"window_end"`       // when it is refilled, nanoseconds since 1970 by the sandbox's clock
	Mode      sandbox.Mode `json:"mode"`             // of the rule quota; off: only counted, whatever the limit
	Source    string       `json:"source,omitempty"` // where the limit comes from
}

// Escape is a package that is built into an app and can open sockets that the rules do not see.
type Escape struct {
	Package string `json:"package"` // its import path
	Kind    string `json:"kind"`    // cgo, assembly, child process
	Text    string `json:"text"`    // a sentence: what in it can escape
}

// Build is one build of an app and, when it succeeded, its swap.
type Build struct {
	Number  int           `json:"number"`          // as App.Reload
	At      time.Time     `json:"at"`              // its end
	Files   []string      `json:"files,omitempty"` // what had changed, relative to the app's module; empty for the first
	Build   time.Duration `json:"build_ns"`
	Swap    time.Duration `json:"swap_ns"`
	Errors  []string      `json:"errors,omitempty"`  // orders.go:91:4: undefined: rows; empty when it succeeded
	Serving bool          `json:"serving,omitempty"` // it failed, and the version before went on serving
}

// Config says what a console stands on.
type Config struct {
	Source   Source       // required
	State    func() State // required; called for each request
	Controls Controls     // nil: nothing can be changed, and no page offers it
	Live     *Live        // nil: pages do not update themselves
	// Token is asked for by whatever changes something from outside the console's own pages and, when the console does not
	// listen on loopback, by everything. Required; see NewToken.
	Token string
	// Hosts are the accepted values of the Host header, with the port when it is not 80: "127.0.0.1:8000",
	// "localhost:8000", "[::1]:8000". Required; see LoopbackHosts.
	Hosts []string
	// Open says that the console listens where other machines reach it: every request then needs the token.
	Open bool
	// Log is told of internal errors; nil discards them.
	Log *slog.Logger
	// Now is the machine's clock; nil is time.Now.
	Now func() time.Time
}
