package record

import "errors"

// ErrNotFound is returned for an id that the recording does not hold.
var ErrNotFound = errors.New("not in this recording")

// Reclaim is a socket that the idle limit ended, and what the program did with it afterwards.
type Reclaim struct {
	Event              // of kind reclaim: when, which socket, its call site, the request that opened it
	IdleNS      int64  `json:"idle_ns"`                // how long it was unused, by the sandbox's clock; 0 when not known
	UsedAt      int64  `json:"used_at,omitempty"`      // the first operation after it; 0: the program has not touched it since
	UsedKind    string `json:"used_kind,omitempty"`    // send, receive, ...
	UsedError   string `json:"used_error,omitempty"`   // what the program was told: write: broken pipe
	UsedRequest string `json:"used_request,omitempty"` // "GET /sign", the request that used it; "" when none did
	UsedStatus  int    `json:"used_status,omitempty"`  // how that request ended
	Uses        int64  `json:"uses,omitempty"`         // operations after it
}

// ActivityFilter selects when which sockets were used.
type ActivityFilter struct {
	Sockets []int64
	Since   int64 // operations that ended at or after
	Step    int64 // width of a bucket in nanoseconds; 0: a second
}

// Activity is the use of one socket in one bucket of time. Resolving, options and closing are no use.
type Activity struct {
	SocketID   int64 `json:"socket_id"`
	At         int64 `json:"at"` // the bucket's start, a multiple of ActivityFilter.Step
	Operations int64 `json:"operations"`
	Bytes      int64 `json:"bytes"`
}
