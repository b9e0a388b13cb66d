package record

// Build is a build of an app: a row of the table builds.
type Build struct {
	ID         int64    `json:"id"`
	App        string   `json:"app"`
	StartedAt  int64    `json:"started_at"`
	DurationNS int64    `json:"duration_ns"`
	Outcome    string   `json:"outcome"`          // ok, failed, canceled, unchanged
	Files      []string `json:"files,omitempty"`  // what had changed, relative to the app's module; none for the first
	Errors     []string `json:"errors,omitempty"` // orders.go:91:4: undefined: rows
}

// BuildFilter selects builds, newest first. Its zero value selects the newest 200.
type BuildFilter struct {
	App    string
	After  int64 // id above
	Before int64 // id below: for paging
	Limit  int   // 0: 200; below 0: all

	Ascending bool // oldest first
}

// Log is a line that the app wrote: a row of the table logs.
type Log struct {
	ID        int64  `json:"id"`
	RunID     int64  `json:"run_id,omitempty"`
	App       string `json:"app"`
	At        int64  `json:"at"`
	Stream    string `json:"stream"`               // stdout, stderr
	RequestID int64  `json:"request_id,omitempty"` // whose goroutine wrote it; 0: no request's
	Text      string `json:"text"`                 // without its end of line
	Request   string `json:"request,omitempty"`    // "GET /orders/7" of RequestID
	Status    int    `json:"status,omitempty"`     // of its request
}

// LogFilter selects lines. Its zero value selects the newest 200, newest first.
type LogFilter struct {
	App       string
	Stream    string
	Text      string // part of the line
	RequestID int64
	RunID     int64
	Since     int64 // written at or after
	After     int64 // id above: for following
	Before    int64 // id below: for paging
	Ascending bool  // oldest first
	Limit     int   // 0: 200; below 0: all
}

// Payload is bytes that went over a socket: a row of the table payloads, decompressed.
type Payload struct {
	ID        int64  `json:"id"`
	SocketID  int64  `json:"socket_id"`
	EventID   int64  `json:"event_id,omitempty"` // the operation; 0 on the layer tls
	RequestID int64  `json:"request_id,omitempty"`
	At        int64  `json:"at"`
	Direction string `json:"direction"` // sent, received
	Layer     string `json:"layer"`     // wire: what went over the socket; tls: what crypto/tls took or gave
	Place     int64  `json:"place"`     // of the first byte in what went that way on that layer
	Data      []byte `json:"data"`
}

// PayloadFilter selects payloads, in the order in which they were recorded.
type PayloadFilter struct {
	SocketID  int64  // 0: of all sockets
	RequestID int64  // 0: of all requests
	Layer     string // "": both
	After     int64  // id above: for paging
	Limit     int    // 0: 200; below 0: all
}

// Gap is events that could not be kept: a row of the table gaps.
type Gap struct {
	ID     int64  `json:"id"`
	RunID  int64  `json:"run_id,omitempty"`
	App    string `json:"app"`
	At     int64  `json:"at"`     // when it was noticed
	Events int64  `json:"events"` // how many are missing; 0: not known
	Reason string `json:"reason"` // disk full, journal damaged, journal limit
}

// RunCounts is how much a run did.
type RunCounts struct {
	Requests int64 `json:"requests"`
	Sockets  int64 `json:"sockets"`
}
