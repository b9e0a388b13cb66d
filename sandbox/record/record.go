// Package record holds the shapes in which a recording is read: the rows that storage returns and the filters
// that select them. Storage fills them and the console shows them; neither knows the other.
//
// All times are nanoseconds since 1970 UTC, 0 where the table holds NULL.
package record

// Run is one start of a worker: a row of the table runs.
type Run struct {
	ID        int64  `json:"id"`
	App       string `json:"app"`
	StartedAt int64  `json:"started_at"`
	EndedAt   int64  `json:"ended_at,omitempty"`
	PID       int    `json:"pid"`
	GoVersion string `json:"go_version,omitempty"`
	Revision  string `json:"revision,omitempty"`
	BuildMS   int64  `json:"build_ms"`
	Profile   string `json:"profile"`
	Exit      string `json:"exit,omitempty"` // "", "exit status 2", "signal: killed", ...
	BuildID   int64  `json:"build_id,omitempty"`
	ReadyAt   int64  `json:"ready_at,omitempty"`   // its first accept; 0: it never got ready
	LastWords string `json:"last_words,omitempty"` // the end of its output, where it ended by itself; one line a line
}

// Request is a row of the table requests.
type Request struct {
	ID         int64  `json:"id"`
	RunID      int64  `json:"run_id"`
	App        string `json:"app"`
	StartedAt  int64  `json:"started_at"`
	DurationNS int64  `json:"duration_ns"`
	Method     string `json:"method"`
	URL        string `json:"url"`
	Status     int    `json:"status"`
	BytesIn    int64  `json:"bytes_in"`
	BytesOut   int64  `json:"bytes_out"`
	RemoteAddr string `json:"remote_addr"`
	Error      string `json:"error,omitempty"`
	Proto      string `json:"proto,omitempty"` // HTTP/1.1, HTTP/2.0
}

// Socket is a row of the table sockets.
type Socket struct {
	ID            int64  `json:"id"`
	RunID         int64  `json:"run_id"`
	App           string `json:"app"`
	RequestID     int64  `json:"request_id,omitempty"` // 0: no request led to it
	Network       string `json:"network"`
	Host          string `json:"host,omitempty"`
	RemoteAddr    string `json:"remote_addr,omitempty"`
	LocalAddr     string `json:"local_addr,omitempty"`
	Standin       string `json:"standin,omitempty"`
	OpenedAt      int64  `json:"opened_at"`
	ClosedAt      int64  `json:"closed_at,omitempty"`
	State         string `json:"state"` // open, closed, reclaimed, denied, failed
	CloseReason   string `json:"close_reason,omitempty"`
	BytesSent     int64  `json:"bytes_sent"`
	BytesReceived int64  `json:"bytes_received"`
	Sends         int64  `json:"sends"`
	Receives      int64  `json:"receives"`
	CallSite      string `json:"call_site,omitempty"`
	LastAt        int64  `json:"last_at"`           // the end of its last operation: what the idle limit counts from
	Rule          string `json:"rule,omitempty"`    // of its denial, "" when it was not denied
	Request       string `json:"request,omitempty"` // "GET /orders/7" of RequestID
	FirstEvent    int64  `json:"first_event,omitempty"`
	LastEvent     int64  `json:"last_event,omitempty"`
	UsedEvent     int64  `json:"used_event,omitempty"` // the first operation after a reclaim
	Uses          int64  `json:"uses,omitempty"`       // operations after a reclaim
}

// Event is a row of the table events, with what a reader wants to see of its socket and request.
type Event struct {
	ID         int64  `json:"id"`
	RunID      int64  `json:"run_id"`
	App        string `json:"app"`
	SocketID   int64  `json:"socket_id,omitempty"`
	RequestID  int64  `json:"request_id,omitempty"`
	At         int64  `json:"at"`
	Kind       string `json:"kind"`
	Bytes      int64  `json:"bytes,omitempty"`
	DurationNS int64  `json:"duration_ns,omitempty"`
	Rule       string `json:"rule,omitempty"`
	Error      string `json:"error,omitempty"`
	Detail     string `json:"detail,omitempty"`
	Network    string `json:"network,omitempty"`     // of its socket
	Host       string `json:"host,omitempty"`        // of its socket
	RemoteAddr string `json:"remote_addr,omitempty"` // of its socket
	CallSite   string `json:"call_site,omitempty"`   // of its socket
	Request    string `json:"request,omitempty"`     // "POST /sign"
	Status     int    `json:"status,omitempty"`      // of its request
}

// QuotaUsage is a row of the table quota_usage. A Limit below 0 is unlimited.
type QuotaUsage struct {
	App         string `json:"app"`
	Resource    string `json:"resource"`
	Window      string `json:"window"` // minute, day
	WindowStart int64  `json:"window_start"`
	Used        int64  `json:"used"`
	Limit       int64  `json:"limit"`
}

// SocketFilter selects sockets, newest first. Its zero value selects all of them.
type SocketFilter struct {
	App       string
	State     string // a state, or "idle": open, and unused since IdleSince
	Host      string // part of the host or the remote address
	Rule      string // by which it was denied, or that spoke about an operation of it
	RequestID int64
	RunID     int64
	Since     int64 // opened or used at or after
	After     int64 // id above: for paging with Ascending
	Before    int64 // id below, for paging
	IdleSince int64 // for State "idle"
	Ascending bool  // oldest first
	Limit     int   // 0: 200
}

// EventFilter selects events. Its zero value selects the newest 200, newest first.
type EventFilter struct {
	App       string
	Kinds     []string
	Rule      string
	Host      string // part of the socket's host or remote address
	SocketID  int64
	RequestID int64
	RunID     int64
	Since     int64
	After     int64 // id above: for following
	Before    int64 // id below: for paging
	Ascending bool  // oldest first
	Limit     int   // 0: 200
}

// Denial is the denials of one rule at one call site to one destination, counted.
type Denial struct {
	Event         // the newest of them
	Count   int64 `json:"count"`
	FirstAt int64 `json:"first_at"`
}

// DenialRow is a row of the table denials: what one run was denied by one rule at one call site to one destination.
type DenialRow struct {
	ID          int64
	RunID       int64 // 0: no devserver started the program
	App         string
	Rule        string
	CallSite    string
	Destination string // where the program wanted to go, as it said it
	Network     string // of the newest, as Host and RemoteAddr
	Host        string
	RemoteAddr  string
	Count       int64
	FirstAt     int64
	LastAt      int64
	LastEvent   int64
}

// DenialFilter selects rows of the table denials, in the order of their ids.
type DenialFilter struct {
	App   string
	RunID int64
	After int64 // id above: for paging
	Limit int   // 0: 200; below 0: all
}

// Counts are the numbers of the overview and of the navigation.
type Counts struct {
	Open          int64 `json:"open"` // sockets by state
	Idle          int64 `json:"idle"` // part of Open
	Closed        int64 `json:"closed"`
	Reclaimed     int64 `json:"reclaimed"`
	Denied        int64 `json:"denied"`
	Failed        int64 `json:"failed"`
	Denials       int64 `json:"denials"` // deny events
	BytesSent     int64 `json:"bytes_sent"`
	BytesReceived int64 `json:"bytes_received"`
	Sockets       int64 `json:"sockets"` // all
	Events        int64 `json:"events"`
}
