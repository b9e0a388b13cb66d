// Package sandbox is the socket layer of one process under production's rules. It decides and remembers; it opens
// no file, starts no process and no goroutine, and never learns how it was asked.
//
//	Policy ──Compile──► Judge    which rule speaks about a text, an address; no state
//	                      │
//	hook ──► Box ─────────┘      the process: sockets, names, stand-ins, quotas, requests
//	          └─► Socket         one socket: operations, idle reclaim, its end
//	                └─► Event ──► Recorder
//
// A rule has an id that users see everywhere, and a mode: enforce denies, report lets the call through and records
// what production would have done, off does not ask. The first rule in the order of [Rules] that speaks decides.
//
// Two clocks meet here. Events carry the machine's time. Idle limits, quota windows and deadlines ask the sandbox's
// clock, which is the machine's plus an offset that a developer moves (devserver clock advance).
//
// The package is compiled into the user's standard library: it imports neither net nor fmt, nor anything outside
// the standard library.
package sandbox
